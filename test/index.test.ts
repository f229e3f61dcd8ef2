// The library face as an embedding program uses it, and the example as somebody would copy it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { askServers } from '../src/admin/control-client.js'
import {
  type AllocationInfo,
  createTurnServer,
  REFUSAL_REASONS,
  type Refusal,
  TurndError,
  type TurnServerOptions,
} from '../src/index.js'
import { until } from './command/until.js'
import { temporaryDirectory } from './support/certificate.js'
import { connectUdp } from './support/client-transport.js'
import { projectRoot } from './support/project-root.js'
import { TurnClient } from './support/turn-client.js'

const OPTIONS: TurnServerOptions = {
  realm: 'example.org',
  listen: '127.0.0.1:0',
  relayIp: '127.0.0.1',
  minPort: 33_000,
  maxPort: 33_199,
  user: { name: 'alice', password: 'secret' },
}
/** Where the engine is nothing to the test: the one that starts soonest. */
const PLAIN: TurnServerOptions = { ...OPTIONS, engine: 'dgram' }

t.test('createTurnServer', async (t) => {
  t.test('starts, tells where it listens, relays, reports, and stops', async (t) => {
    const server = createTurnServer(OPTIONS)
    t.same(server.address(), [], 'nowhere before start')
    const allocations: AllocationInfo[] = []
    const refusals: Refusal[] = []
    server.on('allocation', (info) => allocations.push(info))
    server.on('refusal', (refusal) => refusals.push(refusal))
    await server.start()
    const [{ host, port, transport }] = server.address()
    t.same({ host, transport }, { host: '127.0.0.1', transport: 'udp' })
    const [, tcp] = server.address()
    t.same({ host: tcp.host, transport: tcp.transport }, { host: '127.0.0.1', transport: 'tcp' })
    t.same(server.uris(), [`turn:127.0.0.1:${port}?transport=udp`, `turn:127.0.0.1:${tcp.port}?transport=tcp`])

    const connect = async (password: string) =>
      TurnClient.on(t, await connectUdp(host, port), { username: 'alice', password })
    const client = await connect('secret')
    const stranger = await connect('wrong')
    t.equal((await client.allocate()).code, 0)
    t.equal((await stranger.allocate()).code, 401)
    await until(() => refusals.length > 0, 'the refusal is told')
    t.match(allocations, [{ user: 'alice', relayed: [/^127\.0\.0\.1:33[01]\d\d$/] }])
    t.match(refusals, [{ reason: 'bad-password', user: 'alice', code: 401 }])
    t.match(server.refusals(), [{ reason: 'bad-password' }])
    const found = server.why({ source: '127.0.0.0/8' })
    t.match(found, {
      ...{ allocationCount: 1, relayPorts: { min: 33_000 }, totals: { 'bad-password': 1 } },
      refusals: [{ reason: 'bad-password', user: 'alice', count: 1, remedy: REFUSAL_REASONS['bad-password'].remedy }],
      allocations: [{ user: 'alice', count: 1, liveCount: 1 }],
    })
    t.same(found.refusals, server.why().refusals)
    t.same(server.why({ user: 'bob' }).others, { 'bad-password': 1 })
    for (const filter of [{ user: 'bob' }, { source: '192.0.2.1' }, { entriesMax: 0 }, { reason: 'licence' }]) {
      t.same(server.why(filter).refusals, [], JSON.stringify(filter))
    }
    t.equal(server.why({ entriesMax: 0 }).leftOutCount, 1)
    t.same(server.why({ source: '192.0.2.1' }).allocations, [])
    for (const filter of [{ source: 'nowhere' }, { reason: 'nonsense' }]) {
      t.throws(() => server.why(filter), { code: 'TURND_ERR_OPTION' }, JSON.stringify(filter))
    }
    t.equal(server.allocationCount(), 1)

    const deleted = once(server, 'allocationDeleted')
    await server.stop()
    t.match(await deleted, [{ user: 'alice' }, 'stopped'])
    t.same(server.address(), [], 'nowhere after stop')
  })

  t.test('has a control socket only if it is asked for, and only until it stops', async (t) => {
    const stateDir = temporaryDirectory()
    const server = createTurnServer({ ...PLAIN, stateDir })
    await server.start()
    t.same(readdirSync(stateDir), ['nonce-secret'])
    const path = await server.openControlSocket()
    t.equal(await server.openControlSocket(), path, 'one')
    t.match(await askServers(stateDir, { command: 'why' }), [
      { kind: 'result', path, result: { engine: /native|dgram/ } },
    ])
    t.match(await askServers(stateDir, { command: 'why', user: 7 }), [
      { kind: 'failed', error: /user is not a string/ },
    ])
    await server.stop()
    t.same(readdirSync(stateDir), ['nonce-secret'])
    await t.rejects(server.openControlSocket(), { code: 'TURND_ERR_LIFECYCLE' })
  })

  t.test('two servers live in one process', async (t) => {
    const servers = [createTurnServer(PLAIN), createTurnServer({ ...PLAIN, realm: 'other.example' })]
    for (const server of servers) await server.start()
    t.teardown(() => Promise.all(servers.map((server) => server.stop())))
    t.not(servers[0].address()[0].port, servers[1].address()[0].port)
  })

  t.test('starts once', async (t) => {
    const server = createTurnServer(PLAIN)
    await server.start()
    await t.rejects(server.start(), { code: 'TURND_ERR_LIFECYCLE' })
    await server.stop()
    await server.stop()
    await t.rejects(server.start(), { code: 'TURND_ERR_LIFECYCLE' })
    await createTurnServer(PLAIN).stop()
  })

  t.test('says what is wrong, with a code', async (t) => {
    const fails = (options: object, code: string, message: RegExp) =>
      t.throws(() => createTurnServer(options as TurnServerOptions), { code, message }, JSON.stringify(options))
    fails({ ...PLAIN, minPort: 5, maxPort: 4 }, 'TURND_ERR_OPTION', /minPort.*5.*maxPort.*4/)
    fails({ ...PLAIN, listen: 'nonsense' }, 'TURND_ERR_OPTION', /listen.*nonsense/)
    fails({ ...PLAIN, minport: 5 }, 'TURND_ERR_OPTION', /minport.*minPort/)
    const { user: _user, ...nobody } = PLAIN
    await t.rejects(createTurnServer(nobody).start(), { code: 'TURND_ERR_NO_USERS' })
    t.ok(new TurndError('TURND_ERR_OPTION', '') instanceof Error)
  })

  t.test('an address in use leaves nothing open', async (t) => {
    const first = createTurnServer(PLAIN)
    await first.start()
    t.teardown(() => first.stop())
    const listen = ['127.0.0.2:0', `127.0.0.1:${first.address()[0].port}`]
    const second = createTurnServer({ ...PLAIN, listen })
    await t.rejects(second.start(), { code: 'TURND_ERR_ADDRESS_IN_USE' })
    t.same(second.address(), [])
  })
})

t.test('examples/embed.mjs starts, prints its URI and stops at SIGTERM', async (t) => {
  const child = spawn(process.execPath, [join(projectRoot, 'examples/embed.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(60_000) })
  const uris = /turn:127\.0\.0\.1:\d+\?transport=udp turn:127\.0\.0\.1:\d+\?transport=tcp/
  t.match(line, new RegExp(`^give your clients: ${uris.source}, username alice, credential secret$`))
  child.kill('SIGTERM')
  t.same(await once(child, 'exit', { signal: AbortSignal.timeout(60_000) }), [0, null])
})
