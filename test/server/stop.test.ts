// When a server may be stopped: before it starts, while it starts, from inside its own events; and what goes on while it drains.
import t, { type Test } from 'tap'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import { METHOD_CHANNEL_BIND } from '../../src/stun/constants.js'
import { connectUdp } from '../support/client-transport.js'
import { ENGINES_ALONE_IN_TIME } from '../support/engines.js'
import { nextEvent } from '../support/next-event.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { drainWatch } from './draining.js'

const USER = { username: 'alice', password: 'secret' } as const
const COMMON: TurnServerOptions = {
  user: 'alice:secret',
  listen: 'udp:127.0.0.1:0',
  relayIp: '127.0.0.1',
  minPort: 31_400,
  maxPort: 31_419,
}

async function connect(t: Test, server: TurnServer): Promise<TurnClient> {
  const { host, port } = server.address()[0]
  return TurnClient.on(t, await connectUdp(host, port), USER)
}

for (const engine of ENGINES_ALONE_IN_TIME) {
  t.test(`with the ${engine.name} engine`, { skip: engine.skip }, (t) => ends(t, { ...COMMON, ...engine.options }))
}

async function ends(t: Test, options: TurnServerOptions): Promise<void> {
  t.test('stop', async (t) => {
    t.test('before start does nothing: the server can start, and be stopped then', async (t) => {
      const server = createTurnServer(options)
      await server.stop()
      await server.start()
      t.equal(server.address().length, 1)
      await server.stop()
      t.same(server.address(), [])
    })

    for (const end of ['stop', 'drain'] as const) {
      t.test(`${end} while the server starts ends it as soon as it has`, async (t) => {
        const free = await UdpPeer.open(t)
        const { port } = free.address
        await free.close()
        const server = createTurnServer({ ...options, listen: `udp:127.0.0.1:${port}` })
        const started = server.start()
        await server[end]()
        await started
        t.same(server.address(), [])
        await UdpPeer.open(t, '127.0.0.1', port)
      })
    }

    t.test('after a start that failed is quiet', async (t) => {
      const taken = await UdpPeer.open(t)
      const server = createTurnServer({ ...options, listen: `udp:${taken.address}` })
      await t.rejects(server.start(), { code: 'TURND_ERR_ADDRESS_IN_USE' })
      await server.stop()
      await server.drain()
    })

    const requests = [
      ['refusal', (client: TurnClient) => client.request(METHOD_CHANNEL_BIND, () => {})],
      ['allocation', (client: TurnClient) => client.allocate()],
      [
        'allocationDeleted',
        async (client: TurnClient) => {
          await client.allocate()
          await client.refresh({ lifetimeSeconds: 0 })
        },
      ],
    ] as const
    for (const [event, request] of requests) {
      t.test(`may be called in a handler of '${event}'; the request is still answered`, async (t) => {
        const server = createTurnServer(options)
        await server.start()
        const client = await connect(t, server)
        const stopped = nextEvent(server, 'stopped')
        server.once(event, () => server.stop())
        await request(client)
        await stopped
        t.same(server.address(), [])
      })
    }
  })

  t.test('a draining server relays on, and stops when the last allocation ends', async (t) => {
    const { begun, logger } = drainWatch()
    const server = createTurnServer({ ...options, allowPeer: '127.0.0.0/8' }, logger)
    await server.start()
    t.teardown(() => server.stop())
    const [client, late] = [await connect(t, server), await connect(t, server)]
    const peer = await UdpPeer.open(t)
    t.equal((await client.allocate()).code, 0)
    t.equal((await client.bindChannel(0x4000, peer.address)).code, 0)
    const drained = server.drain(60)
    await begun()
    t.equal((await late.allocate()).code, 508)
    client.sendChannelData(0x4000, 'still there')
    const { source } = await peer.inbox.next()
    peer.send(source, 'and back')
    t.match(await client.nextData(), { text: 'and back', channelNumber: 0x4000 })
    t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
    await drained
    t.same(server.address(), [])
  })
}
