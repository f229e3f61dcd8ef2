// The admin plane of a real server with real clients: its metrics as Prometheus reads them, its answers to a script that logs in by `turnd login`,
// and its port when it is taken.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ClientPage } from '../../src/admin/schema/clients.js'
import { type Asked, ask, bearer } from '../admin/support/admin-stage.js'
import { DASHBOARD_QUERIES, Prometheus, promtool, RULES_PATH } from '../admin/support/prometheus.js'
import { temporaryDirectory } from '../support/certificate.js'
import { holderText } from '../support/holder-text.js'
import { peerOrSkip } from '../support/peers.js'
import type { ServerProcess } from '../support/server-process.js'
import { UdpPeer } from '../support/udp-peer.js'
import { allocateCode, connectClient, startLocalServer } from './local-server.js'
import { runTurnd } from './run-turnd.js'
import { until } from './until.js'

const MIN_PORT = 33_600
const PASSWORD = 'hunter2'
const CHANNEL = 0x4000
const TOKEN = 'a-token-of-metrics-0123456789'
const SCRAPES_MILLISECONDS_MAX = 60_000

t.setTimeout(240_000)

interface AdminServer {
  readonly server: ServerProcess
  readonly admin: Asked
  readonly stateDirectory: string
}

async function start(t: Test, args: readonly string[] = []): Promise<AdminServer> {
  const stateDirectory = temporaryDirectory()
  const all = ['--user', `alice:${PASSWORD}`, '--admin-listen', '127.0.0.1:0', ...args]
  const server = await startLocalServer(t, MIN_PORT, all, [PASSWORD, TOKEN], { stateDirectory })
  const { port } = new URL(String(server.ready.admin))
  return { server, admin: { address: { host: '127.0.0.1', port: Number(port) } }, stateDirectory }
}

/** Calls alice's channel back and forth until `t` ends. */
async function startCall(t: Test, server: ServerProcess): Promise<void> {
  const client = await connectClient(t, server, 'alice', PASSWORD)
  const peer = await UdpPeer.open(t)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  const timer = setInterval(() => {
    client.sendChannelData(CHANNEL, 'from the client')
    peer.send(client.relayed[0], 'from the peer')
  }, 50)
  t.teardown(() => clearInterval(timer))
}

async function seriesValue(admin: Asked, series: string): Promise<number> {
  const { text } = await ask(admin, { path: '/metrics' })
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return Number(line?.slice(series.length))
}

t.test('metrics of a real server', async (t) => {
  t.test(
    'follow clients, refusals and packets, and promtool has no complaint',
    { skip: peerOrSkip('prometheus') },
    async (t) => {
      const { admin, server } = await start(t)
      t.equal(await seriesValue(admin, 'turnd_clients'), 0)
      t.equal(await allocateCode(t, server, 'alice', 'wrong'), 401)
      await startCall(t, server)
      // A worker's report may come after its answer.
      for (const series of [
        'turnd_clients',
        'turnd_relays{transport="udp"}',
        'turnd_allocations_total{transport="udp"}',
        'turnd_refusals_total{reason="bad-password"}',
      ]) {
        await until(async () => (await seriesValue(admin, series)) === 1, `${series} is 1`)
        t.equal(await seriesValue(admin, series), 1, series)
      }
      t.equal(await seriesValue(admin, 'turnd_licence_limit'), 1800)
      await until(async () => (await seriesValue(admin, 'turnd_sent_packets_total')) > 10, 'packets are counted')
      const { text } = await ask(admin, { path: '/metrics' })
      t.equal(promtool(['check', 'metrics'], text), '')
      t.notMatch(text, /alice/)
    },
  )

  t.test('fill the dashboard in Prometheus', { skip: peerOrSkip('prometheus') }, async (t) => {
    const { admin, server } = await start(t)
    const prometheus = await Prometheus.start(t, `127.0.0.1:${admin.address.port}`, RULES_PATH)
    await startCall(t, server)
    t.equal(await allocateCode(t, server, 'alice', 'wrong'), 401)
    const scrapes = async () => (await prometheus.query('count_over_time(turnd_build_info[1m]) >= 6')).length > 0
    await until(scrapes, 'six scrapes', SCRAPES_MILLISECONDS_MAX)
    const numberOf = async (query: string) => Number((await prometheus.query(query))[0]?.value[1])
    t.ok((await numberOf('rate(turnd_received_packets_total[10s])')) > 5)
    t.ok((await numberOf('sum(rate(turnd_sent_bytes_total[10s])) * 8')) > 500)
    t.equal(await numberOf('turnd_licence_used'), 1)
    // What happens to a healthy server is there; it has no certificate, and closes, drops and refuses nothing each second.
    const mayBeEmpty = /certificate_expiry|> 0$|tcp|handshake/
    for (const { expr, title } of DASHBOARD_QUERIES) {
      const query = expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*')
      const results = await prometheus.query(query)
      t.ok(results.length > 0 || mayBeEmpty.test(query), `${title}: ${query}`)
    }
    const firing = (await prometheus.alerts()).filter(({ state }) => state === 'firing').map(({ name }) => name)
    t.same(firing, [], 'nothing is wrong')
  })

  t.test('are told to whoever has a token of the file', async (t) => {
    const path = join(temporaryDirectory(), 'tokens')
    writeFileSync(path, `${TOKEN}\n`)
    const { admin } = await start(t, ['--metrics-token-file', path])
    const status = async (headers: Record<string, string>) => {
      return (await ask(admin, { path: '/metrics', headers: { 'x-forwarded-for': '198.51.100.1', ...headers } })).status
    }
    t.equal(await status({}), 401)
    t.equal(await status(bearer(TOKEN)), 200)
    const { code, stderr } = await runTurnd(
      ['--metrics-token-file', `${path}-missing`, '--admin-listen', '127.0.0.1:0'],
      { cwd: temporaryDirectory() },
    )
    t.equal(code, 2)
    t.match(stderr, /--metrics-token-file .*-missing: no such file or directory/)
  })
})

t.test('the API of a real server', async (t) => {
  t.test('is opened by turnd login, shows a client, and ends its allocation', async (t) => {
    const { admin, server, stateDirectory } = await start(t)
    await startCall(t, server)
    const { stdout } = await runTurnd(['login', '--state-dir', stateDirectory], { cwd: '/' })
    const loginToken = new URL(stdout.trim()).hash.replace('#login=', '')
    const login = await ask(admin, { method: 'POST', path: '/api/v1/session', body: { loginToken } })
    const headers = bearer(login.json<{ token: string }>().token)
    const page = async () =>
      (await ask(admin, { path: '/api/v1/clients?search=ALICE', headers })).json<ClientPage & object>()
    const { clients } = await page()
    t.match(clients, [{ user: 'alice', transport: 'udp', channelCount: 1, permissionCount: 1 }])
    t.equal((await ask(admin, { method: 'DELETE', path: `/api/v1/clients/${clients[0].id}`, headers })).status, 204)
    await until(async () => (await page()).matching === 0, 'it is gone')
    await until(async () => (await seriesValue(admin, 'turnd_clients')) === 0, 'nor is it counted')
    t.equal((await ask(admin, { path: '/readyz' })).status, 200)
  })

  t.test('on a port that is taken stops the start when it was asked for', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1')
    t.teardown(() => holder.close())
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    const args = ['--admin-listen', `127.0.0.1:${port}`, '--listen', '127.0.0.1:0', '--user', `alice:${PASSWORD}`]
    const { code, stderr } = await runTurnd(args, { cwd: temporaryDirectory() })
    t.equal(code, 2)
    t.match(stderr, `--admin-listen 127.0.0.1:${port}: ${holderText('TCP', '127.0.0.1', port)} listens on TCP`)
  })
})
