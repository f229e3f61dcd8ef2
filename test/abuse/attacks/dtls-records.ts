// Row "DTLS": a live session outlives what anybody can send in its client's name: records of every kind, its own ones again, and pieces of
// handshakes that overlap.
import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { connectDtls } from '../../support/dtls-transport.js'
import { withoutDtls } from '../../support/engines.js'
import { OpensslClient } from '../../support/openssl-client.js'
import { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST, MALLORY } from '../ground.js'
import { Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const RECORDS_AT_ONCE = 50
const RECORD_TYPES = [20, 21, 22, 23, 24, 63, 255]
const LENGTH_MAX = 1_400
const FRAGMENT_MTU = 256
const FRAGMENT_OFFSET_AT = 19
const FRAGMENT_LENGTH_AT = 22

/** A record that decodes, of a type, an epoch and a number that may be the session's own. */
function forgedRecord(number: number): Buffer {
  const length = randomInt(LENGTH_MAX)
  const bytes = randomBytes(13 + length)
  bytes[0] = RECORD_TYPES[number % RECORD_TYPES.length]
  bytes.writeUInt16BE(0xfefd, 1)
  bytes.writeUInt16BE(number % 3, 3)
  bytes.writeUIntBE(number, 5, 6)
  bytes.writeUInt16BE(length, 11)
  return bytes
}

/** A ClientHello in pieces, of which each also covers what belongs to its neighbour, or lies about how long it is. */
function overlappingPieces(): Buffer[] {
  const client = new OpensslClient({ mtu: FRAGMENT_MTU, alpn: ['stun.turn', 'x'.repeat(200)] })
  const pieces = client.advance()
  client.free()
  return pieces.flatMap((piece, index) => {
    const moved = Buffer.from(piece)
    const offset = moved.readUIntBE(FRAGMENT_OFFSET_AT, 3)
    moved.writeUIntBE(index === 0 ? 1 : Math.max(0, offset - 20), FRAGMENT_OFFSET_AT, 3)
    const longer = Buffer.from(piece)
    longer.writeUIntBE(0xffffff, FRAGMENT_LENGTH_AT, 3)
    return [piece, moved, longer]
  })
}

async function foreignRecords(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('records')
  const transport = await connectDtls(HOST, ground.port('dtls'), '127.84.0.1')
  ground.teardown(() => transport.close())
  const client = new TurnClient(transport, MALLORY)
  tally.expect((await client.allocate()).code === 0, 'no allocation over DTLS')
  const send = (bytes: Buffer) => {
    transport.sendDatagram(bytes)
    tally.sent++
    tally.sentBytes += bytes.length
  }
  do {
    for (let count = 0; count < RECORDS_AT_ONCE; count++) send(forgedRecord(tally.sent))
    for (const piece of overlappingPieces()) send(piece)
    const before = client.inbox.takeAll().length
    const { code } = await client.binding()
    tally.expect(code === 0, `the session answers ${code}`)
    // The same record again and again.
    const again = [...transport.lastDatagrams]
    for (let count = 0; count < RECORDS_AT_ONCE; count++) for (const datagram of again) send(datagram)
    const { code: refreshCode } = await client.refresh()
    tally.expect(refreshCode === 0, `a Refresh was answered with ${refreshCode}`)
    const unasked = client.inbox.takeAll().length - before
    tally.expect(unasked <= 0, `${unasked} answers to records that were sent again`)
    tally.replies += 2
    await delay(1)
  } while (tally.elapsed < ground.milliseconds)
  return tally.report()
}

export const DTLS_RECORDS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'dtls-records',
    title: 'forged, repeated and overlapping records in the name of a live session',
    threat: 'DTLS',
    skip: () => withoutDtls,
    seconds: 5,
    shortSeconds: 0.5,
    rules: memoryOf(1, 1_024),
    run: foreignRecords,
  },
]
