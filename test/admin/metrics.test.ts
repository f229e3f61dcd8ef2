// GET /metrics: who may read it, what promtool says of it, and that every reason is there from the start.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { METRICS, Metrics } from '../../src/admin/metrics.js'
import { CONNECTION_REFUSAL_NAMES } from '../../src/log/connection-refusals.js'
import { DROP_REASONS } from '../../src/log/drops.js'
import { REFUSAL_REASON_NAMES } from '../../src/log/refusals.js'
import { peerOrSkip } from '../support/peers.js'
import { projectRoot } from '../support/project-root.js'
import { ask, bearer, logIn, openStage } from './support/admin-stage.js'
import { FakeAdministered } from './support/fake-administered.js'
import { promtool } from './support/prometheus.js'

/** Values by series. */
function seriesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

t.test('metrics', async (t) => {
  t.test('have no complaint of promtool', { skip: peerOrSkip('prometheus') }, async (t) => {
    const { server } = await openStage(t)
    const answer = await ask(server, { path: '/metrics' })
    t.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/)
    t.equal(promtool(['check', 'metrics'], answer.text), '')
    t.not(
      promtool(['check', 'metrics'], answer.text.replaceAll('turnd_drops_total', 'turnd_Drops')),
      '',
      'it would complain',
    )
  })

  t.test(
    'have every reason and transport with 0 before anything happened, and nothing that is not in the table',
    async (t) => {
      const fake = new FakeAdministered()
      fake.userRows = [{ ...fake.userRows[0], name: 'a-user-name' }]
      fake.clientRows = [{ ...fake.clientRows[0], user: 'a-user-name' }]
      const { server } = await openStage(t, { administered: fake })
      const { text } = await ask(server, { path: '/metrics' })
      const series = seriesOf(text)
      const expected = [
        ...REFUSAL_REASON_NAMES.map((reason) => `turnd_refusals_total{reason="${reason}"}`),
        ...CONNECTION_REFUSAL_NAMES.map((reason) => `turnd_connection_refusals_total{reason="${reason}"}`),
        ...Object.keys(DROP_REASONS).map((reason) => `turnd_drops_total{reason="${reason}"}`),
        ...['udp', 'tcp', 'tls', 'dtls'].map((transport) => `turnd_allocations_total{transport="${transport}"}`),
        ...['turnd_worker_deaths_total', 'turnd_reports_lost_total', 'turnd_received_bytes_total', 'turnd_draining'],
      ]
      for (const name of expected) t.equal(series.get(name), 0, name)
      const families = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
      t.same([...families].sort(), METRICS.map(({ name }) => name).sort())
      t.notMatch(text, /a-user-name|198\.51\.100\.7/)
      t.ok(series.size < 300, `${series.size} series`)
    },
  )

  t.test('follow the server', async (t) => {
    const { fake, server } = await openStage(t)
    fake.tick()
    fake.tick()
    fake.statusValue = 'Draining'
    const series = seriesOf((await ask(server, { path: '/metrics' })).text)
    t.equal(series.get('turnd_refusals_total{reason="bad-password"}'), 2)
    t.equal(series.get('turnd_drops_total{reason="send-queue"}'), 2)
    t.equal(series.get('turnd_draining'), 1)
    t.equal(series.get('turnd_licence_limit'), 1800)
    t.equal(series.get('turnd_alarms{severity="warning"}'), 1)
    t.equal(series.get('turnd_clients'), 3)
    const days =
      (series.get('turnd_certificate_expiry_timestamp_seconds{listener="tls:192.0.2.1:5349"}')! - Date.now() / 1000) /
      86_400
    t.ok(Math.abs(days - 30) < 0.1)
    t.equal(series.get(`turnd_build_info{version="0.1.0",engine="native",node_version="${process.version}"}`), 1)
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_open_fds',
      'process_max_fds',
      'nodejs_heap_used_bytes',
    ]) {
      t.ok(series.get(name)! > 0, name)
    }
    t.ok(series.has('turnd_main_thread_delay_seconds{percentile="99"}'))
  })

  t.test('are read in less than 5 ms', async (t) => {
    const metrics = new Metrics(new FakeAdministered())
    t.teardown(() => metrics.close())
    for (let count = 0; count < 20; count++) await metrics.read()
    const before = process.cpuUsage()
    for (let count = 0; count < 50; count++) await metrics.read()
    const { system, user } = process.cpuUsage(before)
    const milliseconds = (system + user) / 1000 / 50
    t.comment(`${milliseconds.toFixed(2)} ms of the processor`)
    // Beside other tests a processor does less in its time.
    t.ok(milliseconds < (process.env.TURND_TEST_LONG === '1' ? 5 : 25))
  })
})

t.test('docs/metrics.md has the table of the sources; if not: npm run docs', async (t) => {
  const page = readFileSync(join(projectRoot, 'docs/metrics.md'), 'utf8')
  const { metricsPage } = await import(pathToFileURL(join(projectRoot, 'scripts/metrics-page.mjs')).href)
  t.equal(metricsPage(page, METRICS), page)
  for (const { help, name } of METRICS) t.ok(page.includes(`\`${name}\``) && help.endsWith('.'), name)
  t.throws(() => metricsPage('# Metrics', METRICS), /no place/)
})

t.test('who may read them', async (t) => {
  /** As from elsewhere. */
  const forwarded = { 'x-forwarded-for': '198.51.100.1' }

  t.test('is this machine, whoever has the token, and who is logged in', async (t) => {
    const { server } = await openStage(t, { metricsTokens: ['old-token-0123456789', 'new-token-0123456789'] })
    const status = async (headers: Record<string, string>) => (await ask(server, { path: '/metrics', headers })).status
    t.equal(await status({}), 200)
    t.equal(await status(forwarded), 401)
    t.equal(await status({ ...forwarded, ...bearer('old-token-0123456789') }), 200)
    t.equal(await status({ ...forwarded, ...bearer('new-token-0123456789') }), 200)
    t.equal(await status({ ...forwarded, ...bearer('new-token-012345678') }), 401)
    t.equal(await status({ ...forwarded, ...bearer(await logIn(server)) }), 200)
    server.setTokens([], [])
    t.equal(await status({ ...forwarded, ...bearer('new-token-0123456789') }), 401)
    const refused = await ask(server, { path: '/metrics', headers: forwarded })
    t.match(refused.json(), { message: /--metrics-token/ })
  })

  t.test('is nobody for the rest with the token of metrics', async (t) => {
    const { server } = await openStage(t, { metricsTokens: ['a-token-of-metrics-01'] })
    t.equal((await ask(server, { path: '/api/v1/status', headers: bearer('a-token-of-metrics-01') })).status, 401)
  })
})
