import t from 'tap'
import { SeededRandom } from '../support/random.js'
import { bytesOfHex, SAMPLE_REQUEST } from '../support/vectors.js'
import { checkDecoding, checkFraming, fuzzCodec } from './codec-fuzz.js'
import { makeHostile } from './mutate.js'
import { loadCorpus } from './samples.js'
import { FuzzFailure, fuzzLoop } from './target.js'

const ITERATIONS = process.env.TURND_TEST_LONG === '1' ? 40_000 : 15_000

t.test('codec under hostile input', async (t) => {
  t.test(`${ITERATIONS} mutated messages: nothing throws, nothing outside them is read`, async (t) => {
    const report = fuzzCodec({ seed: 1, iterations: ITERATIONS })
    t.equal(report.iterationCount, ITERATIONS)
    t.comment(report.summary)
    const [decoded, framed] = [...report.summary.matchAll(/(\d+) %/g)].map((match) => Number(match[1]))
    t.ok(decoded >= 25, 'a good part gets through the decoder')
    t.ok(framed >= 25, 'a good part gets through the framer')
  })

  t.test('every message of the corpus, as it is', async (t) => {
    const random = new SeededRandom(2)
    let decodedCount = 0
    for (const input of loadCorpus()) {
      if (checkDecoding(input, random)) decodedCount++
      checkFraming(input, random)
    }
    t.ok(decodedCount >= 11)
  })
})

t.test('fuzz runs', async (t) => {
  t.test('are the same for the same seed, and differ for another', async (t) => {
    const inputsOf = (seed: number) => {
      const random = new SeededRandom(seed)
      const corpus = loadCorpus()
      return Array.from({ length: 200 }, () => Buffer.from(makeHostile(random, corpus)).toString('hex'))
    }
    t.same(inputsOf(7), inputsOf(7))
    t.notSame(inputsOf(7), inputsOf(8))
  })

  t.test('report seed, iteration and input of a failure', async (t) => {
    let count = 0
    const failing = () =>
      fuzzLoop(
        { seed: 5, iterations: 10 },
        () => bytesOfHex('0abc'),
        () => {
          if (++count === 4) throw new Error('broken')
        },
      )
    t.throws(failing, {
      ...{ name: 'FuzzFailure', seed: 5, iteration: 3, message: /broken/ },
      inputs: [{ kind: 'stun', bytes: bytesOfHex('0abc') }],
    })
  })

  t.test('end after their seconds, and tell their progress', async (t) => {
    let told = 0
    const report = fuzzLoop(
      { seed: 1, seconds: 0.01, onProgress: () => told++ },
      () => SAMPLE_REQUEST.bytes,
      () => {},
    )
    t.ok(report.elapsedSeconds >= 0.01)
    t.ok(told > 0)
    t.ok(new FuzzFailure(1, 2, [], 'text').message.includes('text'))
  })
})
