// The server's life inside one process: a start that fails leaves nothing open, a drain ends when it may.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import type { Logger } from '../../src/log/logger.js'
import { connectUdp } from '../support/client-transport.js'
import { withDeadline } from '../support/deadline.js'
import { ENGINES } from '../support/engines.js'
import { nextEvent } from '../support/next-event.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { drainWatch } from './draining.js'

const COMMON: TurnServerOptions = {
  ...{ listen: 'udp:127.0.0.1:0', relayIp: '127.0.0.1', minPort: 32_700, maxPort: 32_749, user: 'alice:secret' },
}

const soon = <Value>(promise: Promise<Value>) => withDeadline(promise, 60_000, () => 'it has not ended')

async function allocate(t: Test, server: TurnServer): Promise<{ client: TurnClient; code: number }> {
  const [{ host, port }] = server.address()
  const client = TurnClient.on(t, await connectUdp(host, port), { username: 'alice', password: 'secret' })
  return { client, code: (await client.allocate()).code }
}

/** A UDP address that was free a moment ago. */
async function freeAddress(t: Test) {
  const peer = await UdpPeer.open(t)
  await peer.close()
  return peer.address
}

for (const engine of ENGINES) {
  t.test(`with the ${engine.name} engine`, { skip: engine.skip }, (t) => life(t, { ...COMMON, ...engine.options }))
}

async function life(t: Test, options: TurnServerOptions): Promise<void> {
  const start = async (t: Test, logger?: Logger): Promise<TurnServer> => {
    const server = createTurnServer(options, logger)
    t.teardown(() => server.stop())
    await server.start()
    return server
  }

  t.test('a start that fails closes what it opened', async (t) => {
    t.test('when the second listener is in use', async (t) => {
      const first = await freeAddress(t)
      const taken = await UdpPeer.open(t)
      const server = createTurnServer({ ...options, listen: [`udp:${first}`, `udp:${taken.address}`] })
      await t.rejects(server.start(), { code: 'TURND_ERR_ADDRESS_IN_USE' })
      t.same(server.address(), [])
      t.equal((await UdpPeer.open(t, '127.0.0.1', first.port)).address.port, first.port)
    })

    t.test('and opens no listener when something else is wrong', async (t) => {
      const stateDir = join(t.testdir({ 'nonce-secret': 'broken' }))
      const cases: readonly [options: TurnServerOptions, code: string][] = [
        [{ relayIp: '192.0.2.77' }, 'TURND_ERR_ADDRESS_NOT_AVAILABLE'],
        [{ usersFile: join(stateDir, 'missing') }, 'TURND_ERR_USERS_FILE'],
        [{ authSecretFile: join(stateDir, 'missing') }, 'TURND_ERR_SECRET_FILE'],
        [{ stateDir }, 'TURND_ERR_STATE_DIR'],
      ]
      // A listener would be refused here: who gets another error has not tried.
      const taken = await UdpPeer.open(t)
      for (const [wrong, code] of cases) {
        const server = createTurnServer({ ...options, listen: `udp:${taken.address}`, ...wrong })
        await t.rejects(server.start(), { code }, code)
      }
    })
  })

  t.test('stop', async (t) => {
    t.test('frees the listener and the relays', async (t) => {
      const server = await start(t)
      const { client } = await allocate(t, server)
      const [{ port }] = server.address()
      await soon(server.stop())
      t.equal((await UdpPeer.open(t, '127.0.0.1', port)).address.port, port)
      t.equal((await UdpPeer.open(t, '127.0.0.1', client.relay.port)).address.port, client.relay.port)
    })

    t.test('twice is the same as once', async (t) => {
      const server = await start(t)
      let stopCount = 0
      server.on('stopped', () => stopCount++)
      await soon(Promise.all([server.stop(), server.stop()]))
      await soon(server.stop())
      t.equal(stopCount, 1)
    })
  })

  t.test('drain', async (t) => {
    t.test('stops at once without allocations', async (t) => {
      const server = await start(t)
      await soon(server.drain(60))
      t.same(server.address(), [])
    })

    t.test('stops when the last of two allocations ends, not the first', async (t) => {
      const server = await start(t)
      const [one, two] = [await allocate(t, server), await allocate(t, server)]
      const drained = server.drain(60)
      t.equal((await one.client.refresh({ lifetimeSeconds: 0 })).code, 0)
      t.equal((await two.client.refresh()).code, 0, 'the other one is still served')
      t.equal(server.allocationCount(), 1)
      t.equal((await two.client.refresh({ lifetimeSeconds: 0 })).code, 0)
      await soon(drained)
      t.same(server.address(), [])
    })

    t.test('refuses new allocations with 508', async (t) => {
      const { begun, logger } = drainWatch()
      const server = await start(t, logger)
      await allocate(t, server)
      void server.drain(60)
      await begun()
      const refused = nextEvent(server, 'refusal')
      t.equal((await allocate(t, server)).code, 508)
      await refused
      t.match(server.refusals(1), [{ reason: 'draining', user: 'alice' }])
    })

    t.test('ends with its time', async (t) => {
      const server = await start(t)
      const { client } = await allocate(t, server)
      const ended: string[] = []
      server.on('allocationDeleted', ({ relayed }, cause) => ended.push(`${relayed} ${cause}`))
      await soon(server.drain(0.05))
      t.same(ended, [`${client.relay} stopped`])
    })

    t.test('is cut short by stop', async (t) => {
      const server = await start(t)
      await allocate(t, server)
      const drained = server.drain(60)
      await soon(server.stop())
      await soon(drained)
    })
  })
}
