// Clients behind a bad network: every fifth datagram is lost, others come twice, late or in another order. Requests are sent again as RFC 8489 §6.2.1 has it
// (faster, as the test is short): all of them succeed, and none is carried out twice.
import t, { type Test } from 'tap'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  METHOD_ALLOCATE,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { connectDtls } from '../support/dtls-transport.js'
import { ENGINES_IN_TIME, type EngineUnderTest, MAIN_ENGINE, withoutDtls } from '../support/engines.js'
import { LossyPath, type PathFaults } from '../support/lossy-path.js'
import { SeededRandom } from '../support/random.js'
import type { ReceivedMessage } from '../support/received-message.js'
import { HOST, USER } from '../support/stream-server.js'
import { type Describe, describeAllocate, TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { startFaultServer } from './stage.js'

const MIN_PORT = 11_300
const isLong = process.env.TURND_TEST_LONG === '1'
/** Of each transport and engine; in the long form one behind the other, so that each has all. */
const PORT_COUNT = isLong ? 100 : 33
const CLIENT_COUNTS = { udp: isLong ? 80 : 30, dtls: isLong ? 12 : 4 } as const
const BAD: PathFaults = { lossOneIn: 5, repeatOneIn: 10, delayOneIn: 5, delayMilliseconds: 200 }
/** OpenSSL waits for a second before it sends a flight again, and longer each time. */
const LESS_BAD: PathFaults = { ...BAD, lossOneIn: 10 }
const HANDSHAKE_COUNT_MAX = 4
const RETRANSMIT_MILLISECONDS = 150
const ANSWER_MILLISECONDS_MAX = 30_000
const CHANNEL = 0x4000
const PACKET_COUNT = 50

t.setTimeout(240_000)
// Side by side: most of the time is waiting.
t.jobs = isLong ? 1 : 2
let runCount = 0

for (const engine of ENGINES_IN_TIME) {
  for (const transport of ['udp', 'dtls'] as const) {
    const isDtls = transport === 'dtls'
    // It ends in the same workers on both engines.
    const inLongForm = isDtls && engine !== MAIN_ENGINE && !isLong && 'in the long form'
    const skip = engine.skip || (isDtls && withoutDtls) || inLongForm
    t.test(`a bad network before clients over ${transport}, ${engine.name} engine`, { skip, buffered: true }, (t) =>
      suffer(t, engine, transport),
    )
  }
}

async function suffer(t: Test, engine: EngineUnderTest, transport: 'udp' | 'dtls'): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  const minPort = isLong ? MIN_PORT : MIN_PORT + PORT_COUNT * runCount++
  const server = await startFaultServer(t, engine, minPort, PORT_COUNT)
  const faults = transport === 'udp' ? BAD : LESS_BAD
  const path = await LossyPath.open(t, HOST, server.port('', transport), faults, new SeededRandom(seed))
  const connect = transport === 'udp' ? () => connectUdp(HOST, path.port) : () => connectPatiently(path.port)
  const peer = await UdpPeer.open(t)
  const clients = await Promise.all(
    Array.from({ length: CLIENT_COUNTS[transport] }, async () => TurnClient.on(t, await connect(), USER)),
  )

  t.test('every request succeeds, and none is carried out twice', async (t) => {
    const codes = await Promise.all(clients.map((client) => callOver(client, peer)))
    t.same(new Set(codes.flat()), new Set([0]))
    await until(() => server.linesOf('allocation').length >= clients.length, 'every allocation is logged')
    t.equal(server.linesOf('allocation').length, clients.length, 'one for each Allocate, however often it was sent')
    t.equal(new Set(clients.map(({ relay }) => relay.port)).size, clients.length)
    t.comment(`${path.lostCount} datagrams lost, ${path.repeatedCount} repeated, ${path.delayedCount} late`)
    t.ok(path.lostCount > 0 && path.repeatedCount > 0 && path.delayedCount > 0)
  })

  t.test('what arrives is whole, and goes to whom it is for', async (t) => {
    const owners = new Map(clients.map((client) => [client.relay.port, client]))
    for (let count = 0; count < PACKET_COUNT; count++) {
      for (const client of clients) client.sendChannelData(CHANNEL, `${client.relay.port} ${count}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    let sentBackCount = 0
    const answer = () => {
      for (const { source, text } of peer.inbox.takeAll()) {
        if (text.split(' ')[0] !== String(source.port)) t.fail(`${text} came from ${source.port}`)
        peer.send(source, text)
        sentBackCount++
      }
      return clients.every((client) => receivedBy(t, client).size > 0)
    }
    await until(answer, 'each has something back', ANSWER_MILLISECONDS_MAX)
    t.ok(
      owners.size === clients.length && sentBackCount > 0,
      `${sentBackCount} of ${PACKET_COUNT * clients.length} reached the peer`,
    )
  })

  t.test('their ends arrive as well', async (t) => {
    const codes = await Promise.all(
      clients.map((client) => request(client, METHOD_REFRESH, (writer) => writer.writeUint32(ATTRIBUTE_LIFETIME, 0))),
    )
    // Of a Refresh that is carried out, a copy finds no allocation: RFC 8656 §7.3 takes 437 for a success then.
    for (const { code } of codes) t.ok(code === 0 || code === 437, `${code}`)
    await until(() => server.linesOf('allocation-deleted').length === clients.length, 'all have ended')
    t.same(new Set(server.linesOf('allocation-deleted').map(({ cause }) => cause)), new Set(['refresh']))
    t.equal(await server.stop(), 0)
  })
}

const received = new WeakMap<TurnClient, Set<string>>()

/** Texts that this client has had back; each names its own relay. */
function receivedBy(t: Test, client: TurnClient): Set<string> {
  const texts = received.get(client) ?? new Set<string>()
  received.set(client, texts)
  for (const frame of client.inbox.takeAll()) {
    // A copy of an answer.
    if (frame[0] < 0x40) continue
    const text = frame.toString('latin1', 4, 4 + frame.readUInt16BE(2))
    if (!text.startsWith(`${client.relay.port} `)) t.fail(`${client.relay.port} got ${text}`)
    texts.add(text)
  }
  return texts
}

/** The codes of all requests of a call's beginning. */
async function callOver(client: TurnClient, peer: UdpPeer): Promise<number[]> {
  const challenge = await insist(client, client.message(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' }))
  client.takeChallenge(challenge)
  const allocated = await request(client, METHOD_ALLOCATE, describeAllocate)
  if (allocated.code === 0) client.relayed = allocated.addresses(ATTRIBUTE_XOR_RELAYED_ADDRESS)
  const codes = [challenge.code === 401 ? 0 : challenge.code, allocated.code]
  for (const [method, describe] of [
    [METHOD_REFRESH, () => {}],
    [METHOD_CREATE_PERMISSION, (writer) => writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer.address)],
    [
      METHOD_CHANNEL_BIND,
      (writer) => {
        writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, CHANNEL << 16)
        writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer.address)
      },
    ],
  ] satisfies [number, Describe][]) {
    codes.push((await request(client, method, describe)).code)
  }
  return codes
}

function request(client: TurnClient, method: number, describe: Describe): Promise<ReceivedMessage> {
  return insist(client, client.message(method, describe))
}

/** Sends the same request again and again until it is answered. */
function insist(client: TurnClient, message: Uint8Array): Promise<ReceivedMessage> {
  const timer = setInterval(() => client.transport.send(message), RETRANSMIT_MILLISECONDS)
  return client.exchange(message, ANSWER_MILLISECONDS_MAX).finally(() => clearInterval(timer))
}

async function connectPatiently(port: number): Promise<ClientTransport> {
  for (let count = 1; ; count++) {
    try {
      return await connectDtls(HOST, port)
    } catch (error) {
      if (count === HANDSHAKE_COUNT_MAX) throw error
    }
  }
}
