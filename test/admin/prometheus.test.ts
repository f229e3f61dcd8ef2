// Debian's Prometheus scrapes the admin server: every query of the dashboard and every alert is one that it takes, and finds something where there is
// something to find.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { until } from '../command/until.js'
import { peerOrSkip } from '../support/peers.js'
import { openStage } from './support/admin-stage.js'
import { DASHBOARD, DASHBOARD_QUERIES, Prometheus, promtool, RULES_PATH } from './support/prometheus.js'

const SCRAPES_MILLISECONDS_MAX = 60_000

t.test('the dashboard', async (t) => {
  t.test('is for Grafana 10 or later, any data source and any server', async (t) => {
    t.ok(DASHBOARD.schemaVersion >= 38)
    t.same(
      DASHBOARD.templating.list.map(({ name, type }) => [name, type]),
      [
        ['datasource', 'datasource'],
        ['instance', 'query'],
      ],
    )
    for (const panel of DASHBOARD.panels) {
      if (panel.type === 'row') continue
      t.match(panel.datasource?.uid, /^\$\{datasource\}$/, panel.title)
      t.ok((panel.targets ?? []).length > 0, panel.title)
      for (const { expr } of panel.targets ?? []) t.match(expr, /instance=~"\$instance"/, panel.title)
    }
    t.equal(new Set(DASHBOARD.panels.map(({ id }) => id)).size, DASHBOARD.panels.length)
  })

  t.test('has no panel upon another', async (t) => {
    const taken = new Map<string, string>()
    for (const {
      gridPos: { h, w, x, y },
      title,
    } of DASHBOARD.panels) {
      t.ok(x + w <= 24, title)
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          t.equal(taken.get(`${column},${line}`), undefined, `${title} at ${column},${line}`)
          taken.set(`${column},${line}`, title)
        }
      }
    }
  })
})

t.test('Prometheus', { skip: peerOrSkip('prometheus'), timeout: 120_000 }, async (t) => {
  t.equal(promtool(['check', 'rules', RULES_PATH]), '')
  const { fake, server } = await openStage(t)
  const timer = setInterval(() => fake.tick(), 100)
  t.teardown(() => clearInterval(timer))
  const prometheus = await Prometheus.start(t, `127.0.0.1:${server.address.port}`, RULES_PATH)
  const count = async (query: string) => (await prometheus.query(query)).length

  await until(
    async () => (await count('count_over_time(turnd_build_info[1m]) >= 6')) > 0,
    'six scrapes',
    SCRAPES_MILLISECONDS_MAX,
  )

  await t.test('scrapes it without an error', async (t) => {
    t.match(await prometheus.query('up{job="turnd"}'), [{ value: [Number, '1'] }])
    const [{ value }] = await prometheus.query('rate(turnd_refusals_total{reason="bad-password"}[10s])')
    t.ok(Number(value[1]) > 0, `a rate of ${value[1]}`)
  })

  await t.test('finds something for every query of the dashboard', async (t) => {
    t.ok(DASHBOARD_QUERIES.length > 20)
    for (const { expr, title } of DASHBOARD_QUERIES) {
      const query = expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*')
      const results = await prometheus.query(query)
      t.ok(results.length > 0, `${title}: ${query}`)
      for (const { value } of results) t.ok(Number.isFinite(Number(value[1])), `${title}: ${value[1]}`)
    }
    await t.rejects(prometheus.query('sum(rate(turnd_drops_total[5m])'), /parse error/)
  })

  await t.test('evaluates every alert, and raises those whose reason is there', async (t) => {
    await until(
      async () => (await prometheus.alerts()).every(({ health }) => health !== 'unknown'),
      'alerts are evaluated',
      SCRAPES_MILLISECONDS_MAX,
    )
    const alerts = await prometheus.alerts()
    t.ok(alerts.length >= 10)
    for (const { health, lastError = '', name } of alerts) t.equal(health, 'ok', `${name} ${lastError}`)
    const stateOf = (name: string) => alerts.find((alert) => alert.name === name)?.state
    t.equal(stateOf('TurndWorkerDied'), 'firing', 'the fake counts deaths')
    t.equal(stateOf('TurndDown'), 'inactive')
    t.equal(stateOf('TurndCertificateExpiring'), 'inactive')
    const [{ metric }] = await prometheus.query('ALERTS{alertname="TurndLicenceReached"}')
    t.match(metric, { severity: 'critical', instance: /^127\.0\.0\.1:/ })
  })

  await t.test('knows each metric that alerts and dashboard name', async (t) => {
    const text = `${readFileSync(RULES_PATH, 'utf8')}${JSON.stringify(DASHBOARD)}`
    const names = new Set([...text.matchAll(/\b(?:turnd|process|nodejs)_[a-z_]+\b/g)].map(([name]) => name))
    t.ok(names.size > 20)
    for (const name of names) t.ok((await count(name)) > 0, name)
  })
})
