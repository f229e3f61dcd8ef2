// A short run of the sockets target on each engine: part of the corpus through every door, some damaged requests of every method behind valid
// credentials on UDP and cut anywhere over TCP, and a few batches. The long form begins with all of it.
import t from 'tap'
import { ENGINES, withoutDtls } from '../../support/engines.js'
import { fuzzSockets } from './sockets-fuzz.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const BATCHES = isLong ? 200 : 1
const DAMAGED_COUNT = isLong ? 4_000 : 60
/** Of the conversations with the corpus, each engine has its own part. */
const CORPUS_PARTS = isLong ? 1 : 3

t.setTimeout(isLong ? 3_600_000 : 240_000)

for (const [index, engine] of ENGINES.entries()) {
  t.test(
    `the ${engine.name} engine under hostile input on its sockets`,
    { skip: engine.skip || withoutDtls },
    async (t) => {
      const corpusPart = { index, count: CORPUS_PARTS }
      const report = await fuzzSockets(
        { seed: 1, iterations: BATCHES, damagedCount: DAMAGED_COUNT, corpusPart },
        engine,
      )
      t.equal(report.iterationCount, BATCHES)
      t.comment(report.summary)
      const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(report.summary)?.[1])
      const depths: [what: string, countMin: number][] = [
        ...([
          ['answered', 200],
          ['succeeded', 20],
          ['refused', 50],
          ['relayed', 20],
          ['innocents', 30],
        ] as const),
        ...([
          ['TLS handshakes', 20],
          ['DTLS handshakes', 1],
          ['PROXY headers', 3],
          ['HTTP answers', 5],
        ] as const),
      ].map(([what, min]) => [what, min])
      for (const [what, countMin] of depths)
        t.ok(count(what) >= countMin, `${count(what)} ${what}, at least ${countMin}`)
    },
  )
}
