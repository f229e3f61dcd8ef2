// Relays that the operating system refuses: ports of strangers, and too many open files (RFC 8656 §7.2: 508). The server goes on.
// On both engines, which ask the operating system in different ways.
import t, { type Test } from 'tap'
import { createTurnServer, type Refusal, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import { METHOD_ALLOCATE, METHOD_CHANNEL_BIND } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { connectUdp } from '../support/client-transport.js'
import { ENGINES, type EngineUnderTest } from '../support/engines.js'
import { findFreePorts } from '../support/free-ports.js'
import { nextEvent } from '../support/next-event.js'
import { startServerOn } from '../support/server-process.js'
import { describeAllocate, type RequestOptions, TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'

const RELAY_PORTS = { first: 31_050, last: 31_349 }
const USER = { username: 'alice', password: 'secret' } as const
/** The modules alone need more than 64 while they are loaded. */
const OPEN_FILES_MAX = 256

async function start(t: Test, engine: EngineUnderTest, options: TurnServerOptions): Promise<TurnServer> {
  const server = createTurnServer({
    ...engine.options,
    ...{ user: 'alice:secret', listen: 'udp:127.0.0.1:0', relayIp: '127.0.0.1', allowPeer: '127.0.0.0/8' },
    ...options,
  })
  await server.start()
  t.teardown(() => server.stop())
  return server
}

async function connect(t: Test, port: number, options: RequestOptions = USER): Promise<TurnClient> {
  return TurnClient.on(t, await connectUdp('127.0.0.1', port), options)
}

for (const engine of ENGINES) {
  t.test(`relays that the operating system refuses, ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    t.test('a port that a stranger holds costs another try, not the allocation', async (t) => {
      const { minPort, maxPort } = await findFreePorts(RELAY_PORTS, 16)
      const strangers = [
        await UdpPeer.open(t, '127.0.0.1', minPort + 2),
        await UdpPeer.open(t, '127.0.0.1', minPort + 7),
      ]
      const server = await start(t, engine, { minPort, maxPort })
      const refusals: Refusal[] = []
      server.on('refusal', (refusal) => refusals.push(refusal))
      const taken = new Set(strangers.map(({ address }) => address.port))
      for (let round = 0; round < 40; round++) {
        const client = await connect(t, server.address()[0].port)
        t.equal((await client.allocate()).code, 0)
        t.notOk(taken.has(client.relay.port), `port ${client.relay.port}`)
        // A port that failed is not lost: none of them leaks.
        await client.refresh({ lifetimeSeconds: 0 })
      }
      t.same(refusals, [])
    })

    t.test('a range that strangers hold is 508, with the reason, and nothing stays behind', async (t) => {
      const { minPort, maxPort } = await findFreePorts(RELAY_PORTS, 2)
      const strangers = [await UdpPeer.open(t, '127.0.0.1', minPort), await UdpPeer.open(t, '127.0.0.1', maxPort)]
      const server = await start(t, engine, { minPort, maxPort, maxAllocations: 2 })
      const { port } = server.address()[0]
      for (const options of [{}, { evenPort: 'even' }, { evenPort: 'pair' }] as const) {
        const client = await connect(t, port)
        await client.learnChallenge()
        const source = client.localAddress.toString()
        const refusal = nextEvent(server, 'refusal', (event) => event.source === source)
        t.equal((await client.allocate(options)).code, 508)
        t.match(await refusal, [{ reason: 'relay-failed', code: 508, user: 'alice' }])
        t.equal((await client.refresh()).code, 437)
      }
      await until(() => server.allocationCount() === 0, 'no allocation is left')
      for (const stranger of strangers) await stranger.close()
      for (let index = 0; index < 2; index++) t.equal((await (await connect(t, port)).allocate()).code, 0)
    })

    t.test('a server that is stopped while a relay opens stops, and the port is free', async (t) => {
      const { minPort, maxPort } = await findFreePorts(RELAY_PORTS, 2)
      const server = await start(t, engine, { minPort, maxPort })
      const client = await connect(t, server.address()[0].port)
      await client.learnChallenge()
      // The server reads both requests in one turn of its loop, before the socket of the first one can have been bound.
      const stopped = nextEvent(server, 'stopped')
      server.once('refusal', () => server.stop())
      client.transport.send(client.message(METHOD_ALLOCATE, describeAllocate))
      client.transport.send(client.message(METHOD_CHANNEL_BIND, () => {}))
      await stopped
      t.equal(server.allocationCount(), 0)
      for (const port of [minPort, maxPort]) await UdpPeer.open(t, '127.0.0.1', port)
    })

    t.test(`with ${OPEN_FILES_MAX} open files at most, Allocate is 508 and everything else goes on`, async (t) => {
      const args = ['--user', 'alice:secret', '--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8']
      const ports = ['--min-port', `${RELAY_PORTS.first}`, '--max-port', `${RELAY_PORTS.last}`]
      const prefix = ['sh', '-c', `ulimit -n ${OPEN_FILES_MAX}; exec "$@"`, 'sh']
      const server = await startServerOn(t, engine, [...args, ...ports], { prefix })
      const peer = await UdpPeer.open(t)

      const clients: TurnClient[] = []
      let code = 0
      while (code === 0 && clients.length <= OPEN_FILES_MAX) {
        const client = await connect(t, server.port())
        code = (await client.allocate()).code
        if (code === 0) clients.push(client)
      }
      t.equal(code, 508, `after ${clients.length} allocations`)
      t.ok(clients.length > 5)
      await server.waitForLog(({ event, reason }) => event === 'refusal' && reason === 'relay-failed')

      const [first, second] = clients
      t.equal((await second.bindChannel(0x4000, peer.address)).code, 0)
      second.sendChannelData(0x4000, 'live media')
      const { source, text } = await peer.inbox.next()
      t.equal(text, 'live media')
      peer.send(source, 'goes on')
      t.match(await second.nextData(), { text: 'goes on', channelNumber: 0x4000 })

      await first.refresh({ lifetimeSeconds: 0 })
      t.equal((await (await connect(t, server.port())).allocate()).code, 0, 'what was given back can be had')
      t.equal((await (await connect(t, server.port())).allocate()).code, 508)
    })
  })
}
