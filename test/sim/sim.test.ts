import t from 'tap'
import { Coverage, coverageNamesOf } from './coverage.js'
import { RIM_NAMES, type RimName } from './rim.js'
import { simulate } from './simulator.js'

const isLong = process.env.TURND_TEST_LONG === '1'
/** Where time is short, as many more as it takes until everything has happened that is rare. */
const SEED_COUNTS: Readonly<Record<RimName, number>> = isLong
  ? { bare: 5_000, native: 3_000, dgram: 3_000 }
  : { bare: 20, native: 16, dgram: 20 }
const SEED_COUNT_MAX = 600
/** Those in which what is rare has happened lately come first. When they tell something else one day, the search goes on without them. */
const PROMISING_SEEDS: Readonly<Record<RimName, readonly number[]>> = {
  bare: [50, 35, 14, 11],
  native: [54, 17, 14, 11],
  dgram: [32, 17, 11, 8],
}

function* seedsOf(rim: RimName): Generator<number> {
  const promising = isLong ? [] : PROMISING_SEEDS[rim]
  yield* promising
  for (let seed = 1; ; seed++) if (!promising.includes(seed)) yield seed
}

for (const rim of RIM_NAMES) {
  t.test(`the whole core in a simulated network, engine ${rim}`, async (t) => {
    const coverage = new Coverage()
    const seedCount = SEED_COUNTS[rim]
    const missing = () => coverageNamesOf(rim).filter((name) => coverage.of(name) === 0)

    t.test(
      `${seedCount} seeds${isLong ? '' : ' and more'}: every effect is as the wire model says, and every invariant holds`,
      async (t) => {
        let inputCount = 0
        let count = 0
        for (const seed of seedsOf(rim)) {
          if (count >= seedCount && (isLong || count >= SEED_COUNT_MAX || missing().length === 0)) break
          count++
          const report = await simulate(seed, rim)
          inputCount += report.inputCount
          coverage.merge(report.coverage)
        }
        t.ok(inputCount > count * 200, `${inputCount} inputs of ${count} seeds`)
      },
    )

    t.test('was not idle: everything that it is there for has happened', async (t) => {
      t.same(missing(), [])
    })

    t.test('repeats a seed exactly, and no other seed', async (t) => {
      const countsOf = async (seed: number) => [...(await simulate(seed, rim)).coverage.counts]
      t.same(await countsOf(7), await countsOf(7))
      t.notSame(await countsOf(7), await countsOf(8))
    })
  })
}
