import t from 'tap'
import { Coverage, coverageNamesOf } from './coverage.js'
import { RIM_NAMES, type RimName } from './rim.js'
import { simulate } from './simulator.js'

const SEED_COUNTS: Readonly<Record<RimName, number>> =
  process.env.TURND_TEST_LONG === '1'
    ? { bare: 5_000, native: 3_000, dgram: 3_000 }
    : { bare: 55, native: 56, dgram: 60 }

for (const rim of RIM_NAMES) {
  t.test(`the whole core in a simulated network, engine ${rim}`, async (t) => {
    const coverage = new Coverage()
    const seedCount = SEED_COUNTS[rim]

    t.test(`${seedCount} seeds: every effect is as the wire model says, and every invariant holds`, async (t) => {
      let inputCount = 0
      for (let seed = 1; seed <= seedCount; seed++) {
        const report = await simulate(seed, rim)
        inputCount += report.inputCount
        coverage.merge(report.coverage)
      }
      t.ok(inputCount > seedCount * 200, `${inputCount} inputs`)
    })

    t.test('was not idle: everything that it is there for has happened', async (t) => {
      for (const name of coverageNamesOf(rim)) t.ok(coverage.of(name) > 0, `${name}: ${coverage.of(name)}`)
    })

    t.test('repeats a seed exactly, and no other seed', async (t) => {
      const countsOf = async (seed: number) => [...(await simulate(seed, rim)).coverage.counts]
      t.same(await countsOf(7), await countsOf(7))
      t.notSame(await countsOf(7), await countsOf(8))
    })
  })
}
