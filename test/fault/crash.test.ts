// The server is killed under its calls and started again from the same state directory: it is soon ready, it knows nothing of the old calls and says so,
// their nonces are still good, and nobody gets what a peer still sends to another's old relay.
import t, { type Test } from 'tap'
import { temporaryDirectory } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { ENGINES_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { HOST, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'

const MIN_PORT = 10_800
const isLong = process.env.TURND_TEST_LONG === '1'
const CALL_COUNT = isLong ? 200 : 100
/** Hardly more than there are calls, so that the new ones get ports of old ones. */
const PORT_COUNT = CALL_COUNT + 20
const CHANNEL = 0x4000
const ARGS = [
  ...['--relay-ip', HOST, '--allow-peer', '127.0.0.0/8', '--user', `${USER.username}:${USER.password}`],
  ...['--min-port', String(MIN_PORT), '--max-port', String(MIN_PORT + PORT_COUNT - 1)],
]
const READY_MILLISECONDS_MAX = 60_000

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`kill -9 under ${CALL_COUNT} calls, ${engine.name} engine`, { skip: engine.skip }, (t) => crash(t, engine))
}

async function crash(t: Test, engine: EngineUnderTest): Promise<void> {
  const stateDirectory = temporaryDirectory()
  const before = await startServerOn(t, engine, ARGS, { stateDirectory })
  const clients = await openClients(t, before)
  const peer = await UdpPeer.open(t)
  await Promise.all(clients.map((client) => client.bindChannel(CHANNEL, peer.address)))
  const oldRelays = clients.map(({ relay }) => relay.clone())

  process.kill(before.pid, 'SIGKILL')
  await before.waitForExit()
  const killedAt = performance.now()
  const listen = ['--listen', `udp:${HOST}:${before.port()}`]
  const server = await startServerOn(t, engine, [...ARGS, ...listen], { stateDirectory })
  const milliseconds = performance.now() - killedAt

  t.test('it is ready soon, on the same port', async (t) => {
    t.comment(`ready after ${Math.round(milliseconds)} ms`)
    t.ok(milliseconds < READY_MILLISECONDS_MAX)
    t.equal(server.port(), before.port())
  })

  t.test('an old 5-tuple has no allocation (437), and its nonce holds: not 438', async (t) => {
    const codes = await Promise.all(clients.map(async (client) => (await client.refresh()).code))
    t.same(new Set(codes), new Set([437]))
  })

  t.test('data of old channels and to old relays goes nowhere', async (t) => {
    for (const client of clients) client.sendChannelData(CHANNEL, 'of an old call')
    for (const relay of oldRelays) peer.send(relay, 'to an old relay')
    await Promise.all(clients.map((client) => client.settle()))
    t.same(await peer.receivedSoFar(), [])
    for (const { inbox } of clients) t.same(inbox.takeAll(), [])
  })

  t.test('everybody is back with the nonce of before, on ports of before, and gets nothing of another’s', async (t) => {
    const codes = await Promise.all(clients.map(async (client) => (await client.allocate()).code))
    t.same(new Set(codes), new Set([0]))
    const isNew = clients.filter(({ relay }, index) => !relay.equals(oldRelays[index])).length
    t.ok(isNew > CALL_COUNT / 2, `${isNew} have the port of another's old call`)
    for (const relay of oldRelays) peer.send(relay, 'to an old relay')
    await Promise.all(clients.map((client) => client.settle()))
    for (const { inbox } of clients) t.same(inbox.takeAll(), [], 'no permission, no data')
    t.same(
      server.linesOf('refusal').filter(({ reason }) => reason === 'stale-nonce'),
      [],
    )
  })

  t.test('and calls as before', async (t) => {
    await Promise.all(clients.map((client) => client.bindChannel(CHANNEL, peer.address)))
    for (const [index, client] of clients.entries()) client.sendChannelData(CHANNEL, `of ${index}`)
    const texts = new Set<string>()
    while (texts.size < clients.length) {
      const { source, text } = await peer.inbox.next()
      t.ok(source.equals(clients[Number(text.slice(3))].relay))
      texts.add(text)
    }
  })
}

async function openClients(t: Test, server: ServerProcess): Promise<TurnClient[]> {
  const open = async () => {
    const client = TurnClient.on(t, await connectUdp(HOST, server.port()), USER)
    t.equal((await client.allocate()).code, 0)
    return client
  }
  return Promise.all(Array.from({ length: CALL_COUNT }, open))
}
