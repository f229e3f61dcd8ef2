import t from 'tap'
import { fuzzCore } from './core-fuzz.js'

const ITERATIONS = 20_000

t.test('core under hostile input with valid credentials', async (t) => {
  t.test(`${ITERATIONS} inputs: nothing throws, and the books balance after each`, async (t) => {
    const report = fuzzCore({ seed: 1, iterations: ITERATIONS })
    t.equal(report.iterationCount, ITERATIONS)
    t.comment(report.summary)
    const [answered, succeeded, refused, relayed] = [...report.summary.matchAll(/(\d+) %/g)].map((match) =>
      Number(match[1]),
    )
    t.ok(answered >= 50, 'most are answered')
    t.ok(succeeded >= 10, 'a part succeeds')
    t.ok(refused >= 20, 'a good part is refused behind the authentication')
    t.ok(relayed >= 1, 'some data is relayed')
    t.ok(Number(/(\d+) data connections/.exec(report.summary)?.[1]) >= 20, 'some connections are bound')
  })

  t.test('is the same run for the same seed', async (t) => {
    const first = fuzzCore({ seed: 3, iterations: 1000 })
    t.equal(fuzzCore({ seed: 3, iterations: 1000 }).summary, first.summary)
  })
})
