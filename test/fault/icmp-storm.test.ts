// ICMP errors by the thousand: a peer whose port is closed while packets come for it, and forged errors about a relay and a client that are well. No
// allocation is lost, other calls lose nothing, and the flow goes on when the peer is back.
import t, { type Test } from 'tap'
import { until } from '../command/until.js'
import { ENGINES, type EngineUnderTest, withoutKoffi } from '../support/engines.js'
import { openIcmpForge } from '../support/forged-icmp.js'
import type { ServerProcess } from '../support/server-process.js'
import { HOST, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { CHANNEL, LiveCalls } from './live-calls.js'
import { connectAll, connectOver, startFaultServer, TRANSPORTS, type Transport } from './stage.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const MIN_PORT = 11_000
const PORT_COUNT = 50
/** Of peers that go and come back: the system gives it to nobody meanwhile. */
const PEER_PORT = MIN_PORT + PORT_COUNT
/** Of all transports together. */
const PACKET_COUNT = isLong ? 20_000 : 4_000
const BURST_COUNT = 50
const FORGED_COUNT = isLong ? 2_000 : 500
/**
 * RFC 792: destination unreachable, of hosts, ports and by administrators; time exceeded; a quench. Not "fragmentation needed": the kernel would
 * believe it of the whole machine for ten minutes, and other tests with it.
 */
const ERRORS = [
  { type: 3, code: 1 },
  { type: 3, code: 3 },
  { type: 3, code: 13 },
  { type: 11, code: 0 },
  { type: 4, code: 0 },
] as const

t.setTimeout(240_000)

for (const engine of ENGINES) {
  t.test(`ICMP errors, ${engine.name} engine`, { skip: engine.skip }, (t) => storm(t, engine))
}

async function storm(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await startFaultServer(t, engine, MIN_PORT, PORT_COUNT)
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  for (const transport of TRANSPORTS) {
    t.test(`a peer of a client over ${transport} is away, and comes back`, (t) =>
      closesAndReturns(t, server, transport),
    )
  }

  const skip = withoutKoffi() || (process.getuid?.() !== 0 && 'only root can forge ICMP errors')
  t.test('forged errors about relays and clients change nothing', { skip }, async (t) => {
    const forge = openIcmpForge(t, HOST)
    const peer = await UdpPeer.open(t)
    const client = await openCall(t, server, 'udp', peer)
    const listener = client.localAddress.clone()
    listener.port = server.port()
    for (let count = 0; count < FORGED_COUNT; count++) {
      const error = ERRORS[count % ERRORS.length]
      const { localAddress, relay } = calls.calls[count % calls.calls.length].client
      // As if the peer could not be reached, and as if the client could not.
      forge({ ...error, source: relay, destination: peer.address })
      forge({ ...error, source: client.relay, destination: peer.address })
      forge({ ...error, source: listener, destination: localAddress })
      if (count % BURST_COUNT === 0) await client.settle()
    }
    client.sendChannelData(CHANNEL, 'unchanged')
    t.match(await peer.inbox.next(), { text: 'unchanged' })
    t.equal((await client.refresh()).code, 0)
  })

  t.test('the others have lost nothing, and no allocation has ended', async (t) => {
    await calls.endLossless(t)
    // Clients of the subtests above have gone by themselves.
    t.same(
      server.linesOf('allocation-deleted').filter(({ cause }) => cause !== 'client-closed'),
      [],
    )
    t.equal(await server.stop(), 0)
  })
}

async function closesAndReturns(t: Test, server: ServerProcess, transport: Transport): Promise<void> {
  const port = PEER_PORT + TRANSPORTS.indexOf(transport)
  const peer = await UdpPeer.open(t, HOST, port)
  const client = await openCall(t, server, transport, peer)
  await peer.close()
  for (let sent = 0; sent < PACKET_COUNT / TRANSPORTS.length; sent += BURST_COUNT) {
    for (let count = 0; count < BURST_COUNT; count++) client.sendChannelData(CHANNEL, 'nobody is there')
    await client.settle()
  }
  t.equal((await client.refresh()).code, 0, 'the allocation is there')
  // What was queued has been answered by ICMP by now.
  const returned = await UdpPeer.open(t, HOST, port)
  await until(() => {
    client.sendChannelData(CHANNEL, 'and back')
    return returned.inbox.items.some(({ text }) => text === 'and back')
  }, 'the flow goes on')
  const [{ source }] = returned.inbox.takeAll()
  returned.send(source, 'there and back')
  await until(() => client.inbox.takeAll().some((frame) => frame.includes('there and back')), 'both ways')
}

async function openCall(t: Test, server: ServerProcess, transport: Transport, peer: UdpPeer): Promise<TurnClient> {
  const client = TurnClient.on(t, await connectOver(transport, server), USER)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  return client
}
