// TLS as nobody should speak it: garbage in place of a ClientHello, versions that are gone, records that are too long, renegotiation, and keys that
// are renewed without end.
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { withDeadline } from '../../support/deadline.js'
import { withoutDtls } from '../../support/engines.js'
import { KeyRenewingClient } from '../../support/key-renewing-client.js'
import { TurnClient } from '../../support/turn-client.js'
import { UdpPeer } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST, MALLORY } from '../ground.js'
import { clientHello } from '../offenders.js'
import { closesWithin, inParallel, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const PARALLEL = 20
const CLOSE_MILLISECONDS_MAX = 15_000
const ANSWER_MILLISECONDS_MAX = 10_000
const ALERT = 0x15
const ALERT_RECORD_LENGTH = 7
const PROTOCOL_VERSION = 70

const UPDATES_AT_ONCE = 1_000
const CHANNEL = 0x4000
/** More than the kernel keeps for one connection. */
const STUFFING_COUNT = 6_000
const STUFFING_BYTES = 1_000

/** A ClientHello of an old version, as its clients sent it: without supported_versions. */
function oldHello(minor: number): Buffer {
  const ciphers = Buffer.from('c013c014c009c00a002f0035', 'hex')
  const groupsAndFormats = Buffer.from('000a00040002001d000b00020100', 'hex')
  const body = Buffer.concat([
    ...[Buffer.of(3, minor), randomBytes(32), Buffer.of(0), Buffer.of(0, ciphers.length), ciphers],
    ...[Buffer.of(1, 0), Buffer.of(0, groupsAndFormats.length), groupsAndFormats],
  ])
  const message = Buffer.concat([Buffer.of(1, 0, 0, body.length), body])
  return Buffer.concat([Buffer.of(0x16, 3, 1, 0, message.length), message])
}

/** What is sent in place of a ClientHello; the server closes each. */
function garbage(hello: Buffer, index: number): Buffer {
  const mutated = Buffer.from(hello)
  switch (index % 6) {
    case 0:
      return oldHello(1)
    case 1:
      return oldHello(2)
    case 2:
      // A record of 65,535 bytes.
      return Buffer.concat([Buffer.of(0x16, 3, 1, 0xff, 0xff), randomBytes(2_000)])
    case 3:
      return Buffer.concat([Buffer.of(0x16, 3, 1, 2, 0), randomBytes(512)])
    case 4:
      // Application data where the handshake begins.
      return Buffer.concat([Buffer.of(0x16, 3, 3, 0, 4), randomBytes(4), Buffer.of(0x17, 3, 3, 0, 16), randomBytes(16)])
    default:
      // The lengths inside it no longer fit.
      mutated[43] = 0xff
      return mutated
  }
}

async function garbageHellos(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('hellos')
  const hello = await clientHello()
  let unclosed = 0
  await inParallel(PARALLEL, ground, async () => {
    const index = tally.sent++
    const socket = await tally.connect(ground, ground.port('tls'), sourceAddress(73, index))
    const chunks: Buffer[] = []
    socket.on('data', (bytes: Buffer) => chunks.push(bytes))
    tally.write(socket, garbage(hello, index))
    if (!(await closesWithin(socket, CLOSE_MILLISECONDS_MAX))) unclosed++
    const answer = Buffer.concat(chunks)
    if (index % 6 > 1) return
    const isRefused = answer.length === ALERT_RECORD_LENGTH && answer[0] === ALERT && answer[6] === PROTOCOL_VERSION
    tally.expect(isRefused, `TLS 1.${index % 6} was answered with ${answer.toString('hex', 0, 20)}`)
  })
  tally.expect(unclosed === 0, `${unclosed} connections were not closed`)
  await renegotiate(ground, tally)
  return tally.report()
}

/** Costly for the server alone, so it is never done. */
async function renegotiate(ground: Ground, tally: Tally): Promise<void> {
  const options = { host: HOST, port: ground.port('tls'), ca: ground.data.certificate, servername: 'turn.test' }
  const socket: TLSSocket = connectTls({ ...options, maxVersion: 'TLSv1.2', ALPNProtocols: ['stun.turn'] })
  ground.teardown(() => socket.destroy())
  const isRefused = new Promise<boolean>((resolve) => {
    socket.on('error', () => resolve(true))
    socket.on('close', () => resolve(true))
    socket.once('secureConnect', () => socket.renegotiate({}, (error) => resolve(error !== null)))
  })
  const refused = await withDeadline(isRefused, ANSWER_MILLISECONDS_MAX, () => 'no answer').catch(() => true)
  tally.expect(refused, 'a handshake was made anew within a connection')
}

/** With an allocation, and so without a deadline: what the kernel keeps is filled, and then each of OpenSSL's answers waits in memory. */
async function keyUpdates(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('key updates')
  const transport = await KeyRenewingClient.connect(HOST, ground.port('tls'))
  ground.teardown(() => transport.close())
  const client = new TurnClient(transport, MALLORY)
  const peer = await UdpPeer.open(ground)
  const codes = [(await client.allocate()).code, (await client.bindChannel(CHANNEL, peer.address)).code]
  tally.expect(codes.join() === '0,0', `answers ${codes}`)
  const { socket } = transport
  socket.pause()
  for (let count = 0; count < STUFFING_COUNT; count++) {
    peer.send(client.relay, Buffer.alloc(STUFFING_BYTES))
    if (count % 100 === 0) await delay(10)
  }
  const end = performance.now() + ground.milliseconds
  while (!socket.destroyed && performance.now() < end) {
    await transport.renewKeys(UPDATES_AT_ONCE)
    tally.sent += UPDATES_AT_ONCE
    await delay(1)
  }
  tally.sentBytes = socket.bytesWritten
  // Where the kernel keeps megabytes for it, it may take longer than this.
  if (ground.data.isOwnNetwork) tally.expect(socket.destroyed, 'it reads none of its answers, and is still open')
  tally.notes.push(socket.destroyed ? `closed after ${Math.round(tally.elapsed)} ms` : 'still open')
  return tally.report()
}

export const STREAM_TLS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'tls-garbage',
    title: 'garbage for ClientHellos, TLS 1.0 and 1.1, records too long, renegotiation',
    threat: 'TCP/TLS slowloris',
    seconds: 5,
    shortSeconds: 0.5,
    rules: memoryOf(PARALLEL, 128),
    run: garbageHellos,
  },
  {
    ...STREAM_SERVER,
    name: 'key-updates',
    title: 'a TLS client with an allocation asks for new keys without end, and does not read',
    threat: 'stalled readers',
    skip: () => withoutDtls,
    seconds: 20,
    // key-updates.test.ts
    shortSeconds: 1,
    isLongOnly: true,
    rules: memoryOf(1, 8_192),
    run: keyUpdates,
  },
]
