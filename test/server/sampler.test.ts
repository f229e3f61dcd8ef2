import t from 'tap'
import { COUNTER_BYTES_SENT, COUNTER_PACKETS_RECEIVED } from '../../src/net/counters.js'
import { Sampler } from '../../src/server/sampler.js'
import { Statistics, totalsOf } from '../../src/server/statistics.js'

t.test('Sampler', async (t) => {
  const statistics = new Statistics()
  statistics.relays.set([1, 2, 3, 4])
  const sampler = new Sampler({
    totals: () => totalsOf([statistics]),
    allocationCount: () => 7,
  })

  t.test('tells what is there, and rates of nothing', async (t) => {
    t.match(sampler.sample(), {
      ...{ clients: 7, relaysUdp: 1, relaysTcp: 2, relaysTls: 7 },
      ...{ packetsReceivedPerSecond: 0, bitsSentPerSecond: 0, dropsPerSecond: 0, refusalsPerSecond: 0 },
    })
  })

  t.test('tells rates over the time since the last look, in bits and packets', async (t) => {
    const start = performance.now()
    statistics.engine[COUNTER_PACKETS_RECEIVED] += 1000
    statistics.engine[COUNTER_BYTES_SENT] += 500
    statistics.drops[3] += 10
    statistics.refusals[0] += 4
    const sample = sampler.sample()
    const secondsMax = (performance.now() - start) / 1000 + 10
    t.ok(sample.packetsReceivedPerSecond >= 1000 / secondsMax)
    t.equal(Math.round((sample.bitsSentPerSecond / sample.packetsReceivedPerSecond) * 1000), 4000)
    t.equal(Math.round((sample.dropsPerSecond / sample.packetsReceivedPerSecond) * 1000), 10)
    t.equal(Math.round((sample.refusalsPerSecond / sample.packetsReceivedPerSecond) * 1000), 4)
    t.ok(sample.residentBytes > 1e6)
  })

  t.test('has no negative rate', async (t) => {
    statistics.engine.fill(0)
    t.equal(sampler.sample().packetsReceivedPerSecond, 0)
  })
})
