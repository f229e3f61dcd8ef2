// Row "DTLS": hellos without a cookie leave nothing and get no more than they bring; half-open handshakes, whose addresses are real, are capped
// and displace each other, and newcomers get in.
import { randomFillSync } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { connectDtls } from '../../support/dtls-transport.js'
import { withoutDtls } from '../../support/engines.js'
import { OpensslClient } from '../../support/openssl-client.js'
import { residentBytes } from '../../support/process-memory.js'
import { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { Flood, floodReport, floodSource } from '../flood.js'
import { ALICE, type Ground, HOST } from '../ground.js'
import { sourceAddress } from '../tally.js'
import { MEBIBYTE, memoryOf, STREAM_SERVER } from './stream-shared.js'

const PER_SECOND = 5_000
const SOURCE_COUNT = 10_000
const SAMPLE_COUNT = 10
const SAMPLE_MILLISECONDS = 50
/** What V8 may breathe while so much is measured; of each hello 100 bytes would show. */
const STEADY_GROWTH_BYTES_MAX = MEBIBYTE
/** As short as this the server is not yet warm. */
const STEADY_SECONDS_MIN = 3

const RANDOM_AT = 27
const RANDOM_END = 59
const COOKIE_LENGTH = 16
/** In a HelloVerifyRequest. */
const COOKIE_AT = 28
const HELLO_VERIFY_REQUEST = 3
const AT_ONCE = 200
const HANDSHAKE_TYPE_AT = 13
const HALF_OPEN_COUNT_MAX = 512
/** An SSL object whose first flight is kept. */
const HALF_OPEN_KIBIBYTES = 96
const NEWCOMER_PAUSE_MILLISECONDS = 100

function firstHello(): Buffer {
  const client = new OpensslClient({ alpn: ['stun.turn'] })
  const [hello] = client.advance()
  client.free()
  return hello
}

/** The hello once more, with the cookie that was asked for (RFC 6347 §4.2.1). */
function withCookie(hello: Buffer, cookie: Buffer): Buffer {
  const sessionIdLength = hello[RANDOM_END]
  const cookieLengthAt = RANDOM_END + 1 + sessionIdLength
  const bytes = Buffer.concat([
    ...[hello.subarray(0, cookieLengthAt), Buffer.of(COOKIE_LENGTH)],
    ...[cookie, hello.subarray(cookieLengthAt + 1)],
  ])
  // The number and the length of the record, of the message and of its only fragment.
  bytes[10] = 1
  bytes.writeUInt16BE(bytes.length - 13, 11)
  bytes.writeUIntBE(bytes.length - 25, 14, 3)
  bytes.writeUInt16BE(1, 17)
  bytes.writeUIntBE(bytes.length - 25, 22, 3)
  return bytes
}

async function leastResidentBytes(pid: number): Promise<number> {
  let least = residentBytes(pid)
  for (let count = 0; count < SAMPLE_COUNT; count++) {
    await delay(SAMPLE_MILLISECONDS)
    least = Math.min(least, residentBytes(pid))
  }
  return least
}

async function hellosWithoutCookie(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port('dtls'))
  const hello = firstHello()
  const fill = (slot: Buffer) => {
    hello.copy(slot)
    randomFillSync(slot, RANDOM_AT, RANDOM_END - RANDOM_AT)
    return hello.length
  }
  const source = (index: number) => floodSource(50_000 + (index % (2 * SOURCE_COUNT)))
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds / 2, countMax: SOURCE_COUNT, fill, source }
  const warmUp = await flood.run(plan)
  const before = await leastResidentBytes(ground.data.pid)
  const result = await flood.run(plan)
  const growth = (await leastResidentBytes(ground.data.pid)) - before
  const report = floodReport(warmUp.milliseconds + result.milliseconds, flood)
  const failures = report.replyBytes > report.sentBytes ? ['more bytes came back than were sent'] : []
  if (report.replies === 0) failures.push('no hello was answered')
  if (ground.seconds >= STEADY_SECONDS_MIN && growth > STEADY_GROWTH_BYTES_MAX)
    failures.push(`${growth >> 10} KiB more for ${result.sent} hellos`)
  return { ...report, failures, unit: 'hellos', notes: [`${growth >> 10} KiB more for the last ${result.sent} hellos`] }
}

async function halfOpenHandshakes(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port('dtls'))
  const hello = firstHello()
  const waiting: { readonly to: number; readonly hello: Buffer }[] = []
  flood.onReply = (bytes, to) => {
    if (bytes[HANDSHAKE_TYPE_AT] !== HELLO_VERIFY_REQUEST) return
    waiting.push({ to, hello: withCookie(hello, bytes.subarray(COOKIE_AT, COOKIE_AT + COOKIE_LENGTH)) })
  }
  let begun = 0
  let isOver = false
  const newcomers = dtlsNewcomers(ground, () => isOver)
  const start = performance.now()
  do {
    const fill = (slot: Buffer) => hello.copy(slot)
    const source = (index: number) => floodSource(80_000 + (index % SOURCE_COUNT))
    await flood.run({ perSecond: 4_000, milliseconds: 50, countMax: AT_ONCE, fill, source })
    for (const { hello: second, to } of waiting.splice(0)) {
      flood.send(second, to)
      begun++
    }
    await flood.drain(10)
  } while (performance.now() - start < ground.milliseconds)
  isOver = true
  const { count, failures, worst } = await newcomers
  if (begun === 0) failures.push('no handshake was begun')
  if (count === 0 && ground.seconds >= 2) failures.push('nobody came over DTLS')
  return {
    ...floodReport(performance.now() - start, flood),
    ...{ failures, unit: 'hellos' },
    notes: [`${begun} half-open`, `${count} newcomers over DTLS, ${Math.round(worst)} ms at most`],
  }
}

async function dtlsNewcomers(ground: Ground, isOver: () => boolean) {
  const failures: string[] = []
  let [count, worst] = [0, 0]
  for (let index = 0; !isOver(); index++) {
    const start = performance.now()
    try {
      const transport = await connectDtls(HOST, ground.port('dtls'), sourceAddress(83, index))
      const { code } = await new TurnClient(transport, ALICE).allocate()
      if (code !== 0) failures.push(`a newcomer over DTLS was answered with ${code}`)
      await transport.close()
      count++
      worst = Math.max(worst, performance.now() - start)
    } catch (error) {
      failures.push((error as Error).message)
    }
    await delay(NEWCOMER_PAUSE_MILLISECONDS)
  }
  return { count, worst, failures: failures.slice(0, 3) }
}

export const DTLS_HELLOS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'dtls-hellos',
    title: '10,000 hellos without a cookie from 10,000 addresses, twice',
    threat: 'DTLS',
    skip: () => withoutDtls,
    seconds: 8,
    shortSeconds: 0.6,
    run: hellosWithoutCookie,
  },
  {
    ...STREAM_SERVER,
    name: 'dtls-half-open',
    title: 'handshakes with right cookies that stop there, from many addresses',
    threat: 'DTLS',
    skip: () => withoutDtls,
    seconds: 8,
    shortSeconds: 1,
    rules: memoryOf(HALF_OPEN_COUNT_MAX, HALF_OPEN_KIBIBYTES),
    run: halfOpenHandshakes,
  },
]
