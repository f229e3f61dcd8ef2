// What a worker tells the main thread, and how much of it at most: a flood must use up neither its time nor its memory.
import t from 'tap'
import type { RefusalReason } from '../../../src/log/refusals.js'
import { CoreObserver } from '../../../src/server/core-observer.js'
import type { Report } from '../../../src/server/reports.js'
import { reasonIndex, Statistics, WORD_BATCHES_READ } from '../../../src/server/statistics.js'
import { Outbox } from '../../../src/server/worker/outbox.js'
import { METHOD_ALLOCATE } from '../../../src/stun/constants.js'
import { addressOf } from '../../support/turn-address.js'

/** The documented bounds. */
const REFUSALS_PER_SECOND_MAX = 1000
const REFUSALS_PER_SOURCE_MAX = 250
const OF_STRANGERS_PER_SECOND_MAX = 750
const OF_STRANGERS_PER_SOURCE_MAX = 190
const CONNECTIONS_PER_SECOND_MAX = 200
const CONNECTIONS_PER_SOURCE_MAX = 50
const BATCHES_PER_TICK_MAX = 16
const BATCHES_UNREAD_MAX = 64
const REPORTS_WAITING_MAX = 65_536
const REPORTS_OF_BATCH_MAX = 1024

function setUp() {
  const statistics = new Statistics()
  const batches: (readonly Report[])[] = []
  const outbox = new Outbox(statistics, (reports) => batches.push(reports))
  return { batches, outbox, statistics, reportCount: () => batches.flat().length }
}

const report = (user: string): Report => ({
  kind: 'allocation',
  info: { user, client: '192.0.2.1:5000', relayed: ['192.0.2.9:24000'], lifetimeSeconds: 600 },
  ways: { transport: 'udp', relayTransport: 'udp' },
})
const userOf = (one: Report) => (one.kind === 'allocation' ? one.info.user : '')

t.test('a report is posted at once while there are few', async (t) => {
  const { batches, outbox } = setUp()
  outbox.report(report('alice'))
  t.same(batches.flat().map(userOf), ['alice'])
  t.ok(outbox.isEmpty)
})

t.test('many in one tick wait for the next, and go together, in order', async (t) => {
  const { batches, outbox } = setUp()
  for (let index = 0; index < BATCHES_PER_TICK_MAX + 100; index++) outbox.report(report(String(index)))
  t.equal(batches.length, BATCHES_PER_TICK_MAX)
  t.notOk(outbox.isEmpty)
  outbox.advance(0)
  t.equal(batches.length, BATCHES_PER_TICK_MAX, 'the tick is the same')
  outbox.advance(1)
  t.equal(batches.length, BATCHES_PER_TICK_MAX + 1)
  t.same(batches.flat().map(userOf), [...Array(BATCHES_PER_TICK_MAX + 100).keys()].map(String))
  outbox.advance(2)
  t.equal(batches.length, BATCHES_PER_TICK_MAX + 1, 'nothing is posted when nothing waits')
})

t.test('to a main thread that reads nothing', async (t) => {
  t.test(`no more than ${BATCHES_UNREAD_MAX} batches are posted; it gets the rest when it reads`, async (t) => {
    const { batches, outbox, reportCount, statistics } = setUp()
    for (let tick = 1; tick <= 100; tick++) {
      outbox.advance(tick)
      outbox.report(report(String(tick)))
    }
    t.equal(batches.length, BATCHES_UNREAD_MAX)
    statistics.words[WORD_BATCHES_READ] = 1
    outbox.advance(101)
    t.equal(batches.length, BATCHES_UNREAD_MAX + 1)
    t.equal(reportCount(), 100)
  })

  t.test(`${REPORTS_WAITING_MAX} reports wait, and the next one is lost and counted`, async (t) => {
    const { outbox, reportCount, statistics } = setUp()
    const count = BATCHES_PER_TICK_MAX + REPORTS_WAITING_MAX
    for (let index = 0; index < count; index++) outbox.report(report('alice'))
    t.equal(statistics.reportsLost, 0)
    outbox.report(report('mallory'))
    t.equal(statistics.reportsLost, 1)
    t.notOk(outbox.admitsRefusal('bad-password', '192.0.2.1', 0), 'refusals are held back before they are made')
    outbox.flushLast()
    t.equal(reportCount(), count)
  })

  t.test(`${BATCHES_UNREAD_MAX} batches of ${REPORTS_OF_BATCH_MAX} are all that it has not read`, async (t) => {
    const { batches, outbox, reportCount, statistics } = setUp()
    for (let tick = 1; tick <= 10; tick++) {
      outbox.advance(tick)
      for (let index = 0; index < REPORTS_WAITING_MAX; index++) outbox.report(report('alice'))
    }
    // It reads one now and then, and gets one for it.
    for (let read = 1; read <= 10; read++) {
      statistics.words[WORD_BATCHES_READ] = read
      outbox.advance(100 + read)
      t.equal(batches.length, BATCHES_UNREAD_MAX + read)
    }
    t.ok(batches.every(({ length }) => length <= REPORTS_OF_BATCH_MAX))
    t.ok(reportCount() <= (BATCHES_UNREAD_MAX + 10) * REPORTS_OF_BATCH_MAX)
  })
})

t.test('a successor counts unread batches from where its predecessor was read', async (t) => {
  for (const readBefore of [1_000_000, 2 ** 31 - 10]) {
    const { batches, statistics } = setUp()
    statistics.words[WORD_BATCHES_READ] = readBefore
    const outbox = new Outbox(statistics, (reports) => batches.push(reports))
    for (let tick = 1; tick <= 100; tick++) {
      outbox.advance(tick)
      outbox.report(report(String(tick)))
    }
    t.equal(batches.length, BATCHES_UNREAD_MAX)
    Atomics.add(statistics.words, WORD_BATCHES_READ, BATCHES_UNREAD_MAX)
    outbox.advance(101)
    t.equal(batches.length, BATCHES_UNREAD_MAX + 1)
  }
})

t.test('refusals', async (t) => {
  const flood = (sourceOf: (index: number) => string, count: number) => {
    const world = setUp()
    const { now } = Date
    // All in one second. (tap's intercept remembers every call.)
    Date.now = () => 1_700_000_000_000
    const observer = new CoreObserver(world.outbox, world.statistics, () => 0)
    for (let index = 0; index < count; index++) {
      observer.refused('bad-password', 401, METHOD_ALLOCATE, 'mallory', addressOf(sourceOf(index)), null)
    }
    Date.now = now
    world.outbox.flushLast()
    return { ...world, index: reasonIndex('bad-password') }
  }

  t.test(`of one source: ${REFUSALS_PER_SOURCE_MAX} a second are reported, all are counted`, async (t) => {
    const { index, reportCount, statistics } = flood((index) => `192.0.2.1:${1 + (index % 60_000)}`, 100_000)
    t.equal(reportCount(), REFUSALS_PER_SOURCE_MAX)
    t.equal(statistics.refusals[index], 100_000)
    t.equal(statistics.heldBack[index], 100_000 - REFUSALS_PER_SOURCE_MAX)
  })

  t.test(`of many sources: ${REFUSALS_PER_SECOND_MAX} a second are reported, all are counted`, async (t) => {
    const { index, reportCount, statistics } = flood(
      (index) => `10.0.${(index >> 8) & 255}.${index & 255}:5000`,
      50_000,
    )
    t.equal(reportCount(), REFUSALS_PER_SECOND_MAX)
    t.equal(statistics.refusals[index], 50_000)
    t.equal(statistics.heldBack[index], 50_000 - REFUSALS_PER_SECOND_MAX)
  })
})

t.test('refusals of made-up names', async (t) => {
  const timeMs = 1_700_000_000_000
  const floodWith = (reason: RefusalReason, sourceOf: (index: number) => string) => {
    const { outbox } = setUp()
    let count = 0
    for (let index = 0; index < 10_000; index++) if (outbox.admitsRefusal(reason, sourceOf(index), timeMs)) count++
    return { count, outbox }
  }

  for (const reason of ['unknown-user', 'wrong-realm', 'stale-nonce', 'missing-attribute'] as const) {
    t.test(`leave room for those of users behind the same address: ${reason}`, async (t) => {
      const { count, outbox } = floodWith(reason, () => '192.0.2.1')
      t.equal(count, OF_STRANGERS_PER_SOURCE_MAX)
      for (let left = REFUSALS_PER_SOURCE_MAX - count; left > 0; left--) {
        t.ok(outbox.admitsRefusal('bad-password', '192.0.2.1', timeMs))
      }
      t.notOk(outbox.admitsRefusal('bad-password', '192.0.2.1', timeMs))
    })
  }

  t.test('leave room for those of users elsewhere, however many sources there are', async (t) => {
    const { count, outbox } = floodWith('unknown-user', (index) => `10.0.${index >> 8}.${index & 255}`)
    t.equal(count, OF_STRANGERS_PER_SECOND_MAX)
    for (const reason of ['bad-password', 'expired-credential', 'user-quota', 'peer-policy'] as const) {
      t.ok(outbox.admitsRefusal(reason, '192.0.2.1', timeMs), reason)
    }
  })

  t.test('are not what users use up', async (t) => {
    t.equal(floodWith('bad-password', () => '192.0.2.1').count, REFUSALS_PER_SOURCE_MAX)
  })
})

t.test('connections that asked for nothing have room of their own, and take none from refusals', async (t) => {
  const { outbox } = setUp()
  const timeMs = 1_700_000_000_000
  const admitted = (sourceOf: (index: number) => string) => {
    let count = 0
    for (let index = 0; index < 10_000; index++) if (outbox.admitsConnectionRefusal(sourceOf(index), timeMs)) count++
    return count
  }
  t.equal(
    admitted(() => '192.0.2.1'),
    CONNECTIONS_PER_SOURCE_MAX,
  )
  t.equal(
    admitted((index) => `10.0.${index >> 8}.${index & 255}`),
    CONNECTIONS_PER_SECOND_MAX - CONNECTIONS_PER_SOURCE_MAX,
  )
  t.ok(outbox.admitsRefusal('bad-password', '192.0.2.1', timeMs))
})
