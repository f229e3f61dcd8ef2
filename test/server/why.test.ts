// The report of a server: what its digests and counters become, what matches a filter, and that it stays small.

import t from 'tap'
import type { WhyFilter } from '../../src/admin/schema/why.js'
import { WHY_ENTRY_COUNT_MAX } from '../../src/limits/reports.js'
import { silentLogger } from '../../src/log/logger.js'
import { COUNTER_NAMES } from '../../src/net/counters.js'
import type { Relaying } from '../../src/server/relaying.js'
import { Reporter } from '../../src/server/reporter.js'
import { connectionReasonIndex, reasonIndex, Statistics, WORD_REPORTS_LOST } from '../../src/server/statistics.js'
import { whyReport } from '../../src/server/why.js'
import { DROP_BANDWIDTH } from '../../src/turn/drop-reasons.js'
import { settingsOf } from './settings.js'

const NO_EVENTS = {
  allocation() {},
  allocationDeleted() {},
  refusal() {},
  workerDied() {},
  warning() {},
  detailOf: () => '',
  settings: () => settingsOf({}),
}

function setUp() {
  const reporter = new Reporter(silentLogger(), NO_EVENTS)
  const statistics = new Statistics()
  const relaying: Relaying = {
    engine: 'dgram',
    workerCount: 1,
    listeners: [],
    totals: () => statistics,
    allocationCount: () => 3,
    isRelaying: () => true,
    ask: async () => [],
    prepare: () => Promise.reject(new Error('nothing to change here')),
    captureSink: null,
    async drain() {},
    setLocalHosts() {},
    setAlternates() {},
    setCertificate() {},
    async stop() {},
  }
  const running = { relaying, startTimeMs: Date.now() }
  const settings = settingsOf({ user: 'alice:secret' })
  const why = (filter: WhyFilter = {}) =>
    whyReport({ parsed: { settings, given: new Map() }, running, reporter }, filter)
  const refuse = (user: string, source: string, timeMs = Date.now()) => {
    const request = { code: 401, method: 'Allocate', peer: '' }
    reporter.report({ kind: 'refusal', refusal: { timeMs, reason: 'bad-password', user, source, ...request } }, null)
  }
  return { refuse, reporter, statistics, why }
}

t.test('a filter', async (t) => {
  const { refuse, reporter, why } = setUp()
  refuse('alice', '192.0.2.1:5000')
  refuse('1700000000:alice', '192.0.2.2:5000')
  refuse('x:alice', '[2001:db8::1]:5000', Date.now() - 60_000)
  reporter.report({ kind: 'connection-refused', timeMs: Date.now(), reason: 'not-stun', source: '192.0.2.1:6000' }, 0)
  const sourcesOf = (filter: WhyFilter) =>
    why(filter)
      .refusals.map(({ source }) => source)
      .sort()
  t.same(sourcesOf({ user: 'alice' }), ['192.0.2.1', '192.0.2.2'], 'by name, or the name behind the time of TURN REST')
  t.same(sourcesOf({ user: '1700000000:alice' }), ['192.0.2.2'])
  t.same(sourcesOf({ source: '192.0.2.1' }), ['192.0.2.1', '192.0.2.1'])
  t.same(sourcesOf({ source: '192.0.2.0/24', user: 'alice' }), ['192.0.2.1', '192.0.2.2'])
  t.same(sourcesOf({ source: '2001:db8::/32' }), ['2001:db8::1'])
  t.same(sourcesOf({ reason: 'not-stun' }), ['192.0.2.1'])
  t.same(sourcesOf({ sinceSeconds: 30 }), ['192.0.2.1', '192.0.2.1', '192.0.2.2'])
  t.same(why({ user: 'bob' }).others, { 'bad-password': 3, 'not-stun': 1 })
})

t.test('what no entry tells of is said', async (t) => {
  const { refuse, statistics, why } = setUp()
  refuse('alice', '192.0.2.1:5000')
  statistics.refusals[reasonIndex('bad-password')] = 100
  statistics.heldBack[reasonIndex('bad-password')] = 90
  statistics.connectionRefusals[connectionReasonIndex('not-stun')] = 7
  statistics.connectionsHeldBack[connectionReasonIndex('not-stun')] = 5
  t.match(why(), { totals: { 'bad-password': 100, 'not-stun': 7 } })
  t.same(why().undescribed, { 'bad-password': 90, 'not-stun': 5 })
  statistics.words[WORD_REPORTS_LOST] = 11
  t.same(why().undescribed, { 'bad-password': 99, 'not-stun': 7 })
})

t.test('drops are told with their words, those of engines too, the most frequent first', async (t) => {
  const { statistics, why } = setUp()
  statistics.drops[DROP_BANDWIDTH] = 5
  statistics.engine[COUNTER_NAMES.indexOf('stalledDrops')] = 9
  t.match(why().drops, [
    { reason: 'stalled-client', count: 9, meaning: /does not read/ },
    { reason: 'bandwidth', count: 5, remedy: /--max-bps/ },
  ])
  t.same(
    why({ reason: 'bandwidth' }).drops.map(({ reason }) => reason),
    ['bandwidth'],
  )
})

t.test(`at most ${WHY_ENTRY_COUNT_MAX} entries are in a report, the most recent first`, async (t) => {
  const { reporter, why } = setUp()
  const now = Date.now()
  const reasons = ['bad-password', 'unknown-user', 'stale-nonce', 'licence', 'draining', 'user-quota'] as const
  let timeMs = now - 10_000
  for (const reason of reasons) {
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 128; index++) {
        const about = { reason, user: `${index}`, source: `192.0.2.${index}:5000` }
        const request = { code: 401, method: 'Allocate', peer: '' }
        if (round === 0 || index < 64) reporter.refusalDigest.record({ timeMs: timeMs++, ...about, ...request })
      }
    }
  }
  const { leftOutCount, refusals } = why({ entriesMax: 100_000 })
  t.equal(refusals.length, Math.min(WHY_ENTRY_COUNT_MAX, refusals.length + leftOutCount))
  t.same(
    refusals.map(({ lastTime }) => lastTime),
    refusals
      .map(({ lastTime }) => lastTime)
      .toSorted()
      .toReversed(),
  )
  t.equal(refusals[0].reason, 'user-quota')
  t.equal(why({ entriesMax: 3 }).refusals.length, 3)
})

t.test('counts since the start are those of the reason that is asked for', async (t) => {
  const { statistics, why } = setUp()
  for (const reason of ['bad-password', 'unknown-user'] as const) {
    statistics.refusals[reasonIndex(reason)] = 100
    statistics.heldBack[reasonIndex(reason)] = 90
  }
  const { totals, undescribed } = why({ reason: 'unknown-user' })
  t.same({ totals, undescribed }, { totals: { 'unknown-user': 100 }, undescribed: { 'unknown-user': 90 } })
  t.same(why().undescribed, { 'bad-password': 90, 'unknown-user': 90 })
})

t.test('numbers that make no sense are refused in a sentence', async (t) => {
  const { why } = setUp()
  for (const value of [-1, -0.5, Number.NaN]) {
    t.throws(() => why({ sinceSeconds: value }), {
      code: 'TURND_ERR_OPTION',
      message: `sinceSeconds is ${value}: give`,
    })
    t.throws(() => why({ entriesMax: value }), { code: 'TURND_ERR_OPTION', message: `entriesMax is ${value}: give` })
  }
  t.same(why({ sinceSeconds: Number.POSITIVE_INFINITY, entriesMax: 0 }).refusals, [])
})
