// What cores count in shared memory, the sums of it, and how people read them.
import t from 'tap'
import { CONNECTION_REFUSAL_NAMES } from '../../src/log/connection-refusals.js'
import { REFUSAL_REASON_NAMES } from '../../src/log/refusals.js'
import { COUNTER_NAMES, type EngineCounterName } from '../../src/net/counters.js'
import { serverCounters } from '../../src/server/server-counters.js'
import {
  byTransport,
  connectionReasonIndex,
  reasonIndex,
  Statistics,
  totalsOf,
  WORD_ALLOCATIONS,
  WORD_DEATHS,
  WORD_REPORTS_LOST,
} from '../../src/server/statistics.js'
import { DROP_NAMES, DROP_NO_ALLOCATION } from '../../src/turn/drop-reasons.js'
import { TRANSPORT_DTLS, TRANSPORT_TLS } from '../../src/turn/five-tuple.js'

const twice = (names: readonly string[]) => [names, names]

const count = (statistics: Statistics, name: EngineCounterName, value: number) => {
  statistics.engine[COUNTER_NAMES.indexOf(name)] = value
}

t.test('statistics', async (t) => {
  t.test('have a place of their own for each number', async (t) => {
    const statistics = new Statistics()
    const { allocations, connectionRefusals, connectionsHeldBack, drops, engine, heldBack, refusals, words } =
      statistics
    const arrays = [engine, drops, refusals, heldBack, connectionRefusals, connectionsHeldBack, allocations, words]
    for (const [index, array] of arrays.entries()) array.fill(index + 1)
    for (const [index, array] of arrays.entries())
      t.ok(
        array.every((value) => value === index + 1),
        `array ${index}`,
      )
    t.same(
      arrays.slice(0, 6).map(({ length }) => length),
      [COUNTER_NAMES, DROP_NAMES, ...twice(REFUSAL_REASON_NAMES), ...twice(CONNECTION_REFUSAL_NAMES)].map(
        ({ length }) => length,
      ),
    )
  })

  t.test('are seen by who shares their memory, as a successor does', async (t) => {
    const statistics = new Statistics()
    const successor = new Statistics(structuredClone(statistics.memory))
    count(successor, 'packetsSent', 5)
    successor.words[WORD_REPORTS_LOST] = 3
    t.equal(statistics.engine[COUNTER_NAMES.indexOf('packetsSent')], 5)
    t.equal(statistics.reportsLost, 3)
  })

  t.test('are summed', async (t) => {
    const parts = [new Statistics(), new Statistics(), new Statistics()]
    for (const [index, part] of parts.entries()) {
      count(part, 'packetsReceived', 10 ** index)
      part.drops[DROP_NO_ALLOCATION] = index
      part.refusals[reasonIndex('licence')] = 2 * index
      part.heldBack[reasonIndex('licence')] = index
      part.connectionRefusals[connectionReasonIndex('not-stun')] = 3 * index
      part.connectionsHeldBack[connectionReasonIndex('not-stun')] = 4 * index
      part.words[WORD_REPORTS_LOST] = index
      part.relays[TRANSPORT_TLS] = 5 * index
      part.allocations[TRANSPORT_DTLS] = 6 * index
      if (index === 1) part.words[WORD_DEATHS] = 1
    }
    const totals = totalsOf(parts)
    t.equal(totals.engine[COUNTER_NAMES.indexOf('packetsReceived')], 111)
    t.equal(totals.drops[DROP_NO_ALLOCATION], 3)
    t.equal(totals.refusals[reasonIndex('licence')], 6)
    t.equal(totals.heldBack[reasonIndex('licence')], 3)
    t.equal(totals.connectionRefusals[connectionReasonIndex('not-stun')], 9)
    t.equal(totals.connectionsHeldBack[connectionReasonIndex('not-stun')], 12)
    t.equal(totals.reportsLost, 3)
    t.equal(totals.workerDeaths, 1)
    t.same(byTransport(totals.relays), { udp: 0, tcp: 0, tls: 15, dtls: 0 })
    t.same(byTransport(totals.allocations), { udp: 0, tcp: 0, tls: 0, dtls: 18 })
    t.equal(parts[0].drops[DROP_NO_ALLOCATION], 0, 'and stay as they are')
  })

  t.test('keep what happened when a worker dies, and forget what existed', async (t) => {
    const statistics = new Statistics()
    statistics.words[WORD_ALLOCATIONS] = 3
    statistics.relays.fill(2)
    statistics.allocations.fill(7)
    statistics.noteEnd()
    statistics.noteDeath()
    t.same([statistics.words[WORD_ALLOCATIONS], statistics.workerDeaths], [0, 1])
    t.same(byTransport(statistics.relays), { udp: 0, tcp: 0, tls: 0, dtls: 0 })
    t.same(byTransport(statistics.allocations), { udp: 7, tcp: 7, tls: 7, dtls: 7 })
  })
})

t.test('the counters of a server', async (t) => {
  t.test('have every counter of the engine, and averages', async (t) => {
    const statistics = new Statistics()
    for (const [name, value] of [
      ['packetsReceived', 1000],
      ['receiveCalls', 300],
      ['gsoSegments', 640],
      ['gsoSends', 20],
    ] as const) {
      count(statistics, name, value)
    }
    const { engine } = serverCounters(statistics)
    t.same(Object.keys(engine), [...COUNTER_NAMES, 'averageReceiveBatch', 'averageGsoSegments'])
    t.match(engine, { packetsReceived: 1000, bytesSent: 0, averageReceiveBatch: 3.33, averageGsoSegments: 32 })
  })

  t.test('have no averages of nothing', async (t) => {
    t.match(serverCounters(totalsOf([])).engine, { averageReceiveBatch: 0, averageGsoSegments: 0 })
  })

  t.test('name the drops and refusals that occurred', async (t) => {
    const statistics = new Statistics()
    statistics.drops[DROP_NO_ALLOCATION] = 2
    statistics.refusals[reasonIndex('bad-password')] = 7
    statistics.connectionRefusals[connectionReasonIndex('tls-handshake')] = 3
    const { connectionRefusals, drops, refusals } = serverCounters(statistics)
    t.same(
      { connectionRefusals, drops, refusals },
      { connectionRefusals: { 'tls-handshake': 3 }, drops: { 'no-allocation': 2 }, refusals: { 'bad-password': 7 } },
    )
  })
})
