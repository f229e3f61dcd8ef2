import t from 'tap'
import { COVERAGE_NAMES, Coverage } from './coverage.js'
import { simulate } from './simulator.js'

const SEED_COUNT = process.env.TURND_TEST_LONG === '1' ? 5_000 : 200

t.test('the whole core in a simulated network', async (t) => {
  const coverage = new Coverage()

  t.test(`${SEED_COUNT} seeds: every effect is as the wire model says, and every invariant holds`, async (t) => {
    let inputCount = 0
    for (let seed = 1; seed <= SEED_COUNT; seed++) {
      const report = simulate(seed)
      inputCount += report.inputCount
      coverage.merge(report.coverage)
    }
    t.ok(inputCount > SEED_COUNT * 200, `${inputCount} inputs`)
  })

  t.test('was not idle: everything that it is there for has happened', async (t) => {
    for (const name of COVERAGE_NAMES) t.ok(coverage.of(name) > 0, `${name}: ${coverage.of(name)}`)
  })

  t.test('repeats a seed exactly, and no other seed', async (t) => {
    const countsOf = (seed: number) => [...simulate(seed).coverage.counts]
    t.same(countsOf(7), countsOf(7))
    t.notSame(countsOf(7), countsOf(8))
  })
})
