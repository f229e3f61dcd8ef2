// What people are told of refusals: a line each, but no flood of lines; every one is counted, and the latest are kept. And of workers
// that die.

import pino from 'pino'
import t, { type Test } from 'tap'
import { REFUSAL_TEXT_LENGTH_MAX } from '../../src/limits/reports.js'
import type { Refusal } from '../../src/log/refusals.js'
import { CoreObserver } from '../../src/server/core-observer.js'
import type { WorkerDeath } from '../../src/server/relaying.js'
import { Reporter } from '../../src/server/reporter.js'
import type { Report } from '../../src/server/reports.js'
import { reasonIndex, Statistics, WORD_REPORTS_LOST } from '../../src/server/statistics.js'
import { METHOD_ALLOCATE, METHOD_CREATE_PERMISSION } from '../../src/stun/constants.js'
import { addressOf } from '../support/turn-address.js'
import { settingsOf } from './settings.js'

const CLIENT = addressOf('192.0.2.1:5000')
/** The documented bounds of lines in one second: of all sources, and of one. */
const LINES_MAX = 50
const LINES_OF_SOURCE_MAX = 10
const START_MS = 1_700_000_000_000

function setUp(t: Test) {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const events: Refusal[] = []
  const silent = () => {}
  const deaths: number[][] = []
  const listeners = {
    allocation: silent,
    allocationDeleted: silent,
    refusal: (refusal: Refusal) => events.push(refusal),
    workerDied: ({ allocationCount, worker }: WorkerDeath) => void deaths.push([worker, allocationCount]),
    warning: () => {},
    detailOf: ({ reason }: Refusal) => (reason === 'refused-by-store' ? 'suspended' : ''),
    settings: () => settingsOf({}),
  }
  const clock = { ms: START_MS }
  t.intercept(Date, 'now', { value: () => clock.ms })
  const reporter = new Reporter(logger, listeners)
  const statistics = new Statistics()
  const sink = {
    report: (report: Report) => reporter.report(report, null),
    admitsRefusal: () => true,
    admitsConnectionRefusal: () => true,
  }
  const observer = new CoreObserver(sink, statistics, () => 0)
  /** From as many sources as it takes to stay below the bound of one. */
  const refuse = (count: number, user = 'mallory', source?: string) => {
    for (let index = 0; index < count; index++) {
      const client = addressOf(source ?? (count === 1 ? '192.0.2.1:5000' : `192.0.2.${2 + (index % 200)}:5000`))
      observer.refused('unknown-user', 401, METHOD_ALLOCATE, user, client, null)
    }
  }
  return { clock, deaths, events, lines, logger, observer, refuse, reporter, statistics }
}

t.test('a refusal is a line, an event, a count, and an entry of the ring', async (t) => {
  const { events, lines, observer, reporter, statistics } = setUp(t)
  observer.refused('peer-policy', 403, METHOD_CREATE_PERMISSION, 'alice', CLIENT, addressOf('10.0.0.1:80'))
  const fields = {
    ...{ reason: 'peer-policy', code: 403, method: 'CreatePermission' },
    ...{ user: 'alice', source: '192.0.2.1:5000', peer: '10.0.0.1:80' },
  }
  t.match(lines, [{ event: 'refusal', level: 40, ...fields }])
  t.equal(
    lines[0].msg,
    'refused CreatePermission to 10.0.0.1:80 of "alice" at 192.0.2.1:5000: the peer address is forbidden',
  )
  t.same(events, [{ timeMs: START_MS, ...fields }])
  t.same(reporter.refusals.recent(), events)
  t.equal(statistics.refusals[reasonIndex('peer-policy')], 1)
})

t.test('what else there is to say stands behind the meaning, in the line and in the digest', async (t) => {
  const { lines, observer, reporter } = setUp(t)
  observer.refused('refused-by-store', 401, METHOD_ALLOCATE, 'alice', CLIENT, null)
  t.match(lines, [{ reason: 'refused-by-store', detail: 'suspended' }])
  t.match(lines[0].msg, /the user store knows the name, and refuses it: suspended$/)
  t.match(reporter.refusalDigest.entries(), [{ detail: 'suspended' }])
})

t.test('without a user or a peer it is told by the source alone', async (t) => {
  const { lines, refuse } = setUp(t)
  refuse(1, '')
  t.equal(lines[0].msg, 'refused Allocate of 192.0.2.1:5000: no configured user has this name')
  t.notOk('peer' in lines[0])
})

t.test('a flood', async (t) => {
  t.test(`of ${LINES_MAX} refusals in a second is logged in full, ${LINES_MAX + 1} are not`, async (t) => {
    const { lines, refuse } = setUp(t)
    refuse(LINES_MAX)
    t.equal(lines.length, LINES_MAX)
    refuse(1)
    t.equal(lines.length, LINES_MAX)
  })

  t.test(
    `of one source leaves room for the others: ${LINES_OF_SOURCE_MAX} lines in a second, whatever its port`,
    async (t) => {
      const { lines, refuse } = setUp(t)
      for (let port = 1; port <= LINES_OF_SOURCE_MAX; port++) refuse(1, 'mallory', `203.0.113.1:${port}`)
      t.equal(lines.length, LINES_OF_SOURCE_MAX)
      refuse(1000, 'mallory', '203.0.113.1:9999')
      t.equal(lines.length, LINES_OF_SOURCE_MAX)
      refuse(1, 'alice', '203.0.113.2:5000')
      t.match(lines.at(-1), { user: 'alice' })
    },
  )

  t.test('is summed up once', async (t) => {
    const { clock, lines, refuse, reporter, statistics } = setUp(t)
    refuse(LINES_MAX + 7)
    reporter.flush(statistics)
    reporter.flush(statistics)
    t.match(lines.slice(LINES_MAX), [
      { event: 'refusals-suppressed', count: 7, msg: '7 more refusals were not logged one by one' },
    ])
    clock.ms += 1000
    refuse(LINES_MAX)
    reporter.flush(statistics)
    t.equal(lines.length, LINES_MAX + 1 + LINES_MAX)
    refuse(1)
    reporter.flush(statistics)
    t.match(lines.at(-1), { count: 1, msg: '1 more refusal was not logged one by one' })
  })

  t.test('of lines that the level hides takes no room from the others', async (t) => {
    const { lines, logger, observer, refuse } = setUp(t)
    logger.level = 'warn'
    for (let count = 0; count < 100; count++)
      observer.refused('stale-nonce', 438, METHOD_ALLOCATE, 'alice', CLIENT, null)
    refuse(1)
    t.match(lines, [{ reason: 'unknown-user' }])
  })

  t.test('that a worker held back is in the sum: once, and not what the level hides', async (t) => {
    const { lines, logger, refuse, reporter, statistics } = setUp(t)
    refuse(LINES_MAX + 1)
    statistics.heldBack[reasonIndex('bad-password')] = 1000
    statistics.heldBack[reasonIndex('stale-nonce')] = 500
    reporter.flush(statistics)
    t.match(lines.slice(LINES_MAX), [{ event: 'refusals-suppressed', count: 1501 }])
    logger.level = 'warn'
    statistics.heldBack[reasonIndex('bad-password')] += 7
    statistics.heldBack[reasonIndex('stale-nonce')] += 9
    reporter.flush(statistics)
    reporter.flush(statistics)
    t.match(lines.slice(LINES_MAX + 1), [{ event: 'refusals-suppressed', count: 7 }])
    t.equal(lines.length, LINES_MAX + 2)
  })

  t.test('is counted, and kept in the ring, to the last one', async (t) => {
    const { events, refuse, reporter, statistics } = setUp(t)
    refuse(LINES_MAX * 3)
    t.equal(events.length, LINES_MAX * 3)
    t.equal(statistics.refusals[reasonIndex('unknown-user')], LINES_MAX * 3)
    t.equal(reporter.refusals.recent().length, LINES_MAX * 3)
  })
})

t.test('the ring', async (t) => {
  t.test('keeps the latest 1,024, newest first', async (t) => {
    const { refuse, reporter } = setUp(t)
    refuse(1, 'oldest')
    refuse(1023)
    t.equal(reporter.refusals.recent().at(-1)?.user, 'oldest')
    refuse(1, 'newest')
    t.equal(reporter.refusals.recent().length, 1024)
    t.equal(reporter.refusals.recent()[0].user, 'newest')
    t.equal(reporter.refusals.recent().at(-1)?.user, 'mallory')
    t.same(
      reporter.refusals.recent(2).map(({ user }) => user),
      ['newest', 'mallory'],
    )
  })

  t.test('keeps the beginning of long names', async (t) => {
    const { refuse, reporter } = setUp(t)
    refuse(1, 'x'.repeat(REFUSAL_TEXT_LENGTH_MAX))
    refuse(1, 'y'.repeat(REFUSAL_TEXT_LENGTH_MAX + 1))
    t.same(
      reporter.refusals.recent().map(({ user }) => user),
      ['y'.repeat(REFUSAL_TEXT_LENGTH_MAX), 'x'.repeat(REFUSAL_TEXT_LENGTH_MAX)],
    )
  })
})

t.test('reports that were lost are told once', async (t) => {
  const { lines, reporter, statistics } = setUp(t)
  statistics.words[WORD_REPORTS_LOST] = 3
  reporter.flush(statistics)
  reporter.flush(statistics)
  t.match(lines, [{ event: 'reports-lost', count: 3 }])
  t.equal(lines.length, 1)
})

t.test('a connection that was closed has a line that says why and what to do, but not ten of one source', async (t) => {
  const { lines, reporter } = setUp(t)
  for (let count = 0; count < 10; count++) {
    const source = `192.0.2.1:${5000 + count}`
    reporter.report({ kind: 'connection-refused', timeMs: START_MS, reason: 'proxy-header', source }, 3)
  }
  reporter.report(
    { kind: 'connection-refused', timeMs: START_MS, reason: 'tls-handshake', source: '192.0.2.2:5000' },
    3,
  )
  const about = { event: 'connection-refused', level: 30, worker: 3, remedy: /\S/ }
  t.match(lines, [
    { ...about, reason: 'proxy-header', source: '192.0.2.1:5000', msg: /192\.0\.2\.1:5000: .*PROXY header/ },
    { ...about, reason: 'proxy-header', source: '192.0.2.1:5001' },
    { ...about, reason: 'tls-handshake', source: '192.0.2.2:5000' },
  ])
  t.equal(lines.length, 3)
})

t.test('a page that was asked for by another name is told with both, in the log and to turnd why', async (t) => {
  const { lines, reporter } = setUp(t)
  const asked = { received: 'cms.internal\n', expected: 'cms.example.org', serverName: '' }
  const source = '192.0.2.1:5000'
  reporter.report({ kind: 'connection-refused', timeMs: START_MS, reason: 'http-host', source, asked }, 3)
  t.match(lines, [
    {
      ...{ event: 'connection-refused', reason: 'http-host', ...asked },
      msg: 'closed a connection of 192.0.2.1:5000: a page was asked for by a name that is not one of --http-name: Host "cms.internal\\n" instead of cms.example.org',
    },
  ])
  t.match(reporter.refusalDigest.entries(), [{ detail: 'Host "cms.internal\\n" instead of cms.example.org' }])
})

t.test('the report of a worker says whose it is', async (t) => {
  const { lines, reporter } = setUp(t)
  const info = { user: 'alice', client: '192.0.2.1:5000', relayed: ['192.0.2.9:24000'], lifetimeSeconds: 600 }
  const ways = { transport: 'tls', relayTransport: 'tcp' } as const
  reporter.report({ kind: 'allocation', info, ways }, 1)
  reporter.report({ kind: 'allocation', info, ways }, null)
  t.match(lines, [{ event: 'allocation', worker: 1, ...info, ...ways }, { event: 'allocation' }])
  t.notOk('worker' in lines[1])
})

t.test('the death of a worker is an error with its stack, and what it cost', async (t) => {
  const { deaths, lines, reporter } = setUp(t)
  const error = new Error('broken')
  reporter.workerDied({ worker: 1, isForStreams: false, error, allocationCount: 5, restartSeconds: 2 })
  reporter.workerRestarted(1)
  t.match(lines, [
    {
      event: 'worker-died',
      level: 50,
      worker: 1,
      allocations: 5,
      restartSeconds: 2,
      error: 'broken',
      stack: error.stack,
    },
    { event: 'worker-restarted', level: 30, worker: 1 },
  ])
  t.match(lines[0].msg, /^worker 1 died \(broken\): 5 allocations .*in 2 s$/)
  t.same(deaths, [[1, 5]])
})
