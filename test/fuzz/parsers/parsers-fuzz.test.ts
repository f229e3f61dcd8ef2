import t from 'tap'
import { messageKind } from '../target.js'
import { fuzzParsers } from './parsers-fuzz.js'

const ITERATIONS = process.env.TURND_TEST_LONG === '1' ? 400_000 : 8_000

t.test('parsers of what strangers and operators write', async (t) => {
  t.test(`${ITERATIONS} hostile inputs: nothing but the declared errors is thrown`, async (t) => {
    const report = fuzzParsers({ seed: 1, iterations: ITERATIONS })
    t.ok(report.iterationCount >= ITERATIONS)
    t.comment(report.summary)
    const shares = [...report.summary.matchAll(/(\d+) %/g)].map((match) => Number(match[1]))
    t.ok(shares.length > 20, 'every parser has its share')
    // A nonce is taken whole, or not at all.
    const shallow = shares.filter((share) => share < 2)
    t.ok(shallow.length <= 1, `a part gets through each: ${report.summary}`)
  })

  t.test('are the same run for the same seed', async (t) => {
    const [first, second] = [1, 2].map(() => fuzzParsers({ seed: 7, iterations: 2_000 }))
    t.equal(first.summary, second.summary)
    t.not(fuzzParsers({ seed: 8, iterations: 2_000 }).summary, first.summary)
  })
})

t.test('the kind of an input is in its first bits', async (t) => {
  t.equal(messageKind(Uint8Array.of(0x40)), 'channel-data')
  t.equal(messageKind(Uint8Array.of(0x00)), 'stun')
})
