import t from 'tap'
import { SeededRandom } from './random.js'

t.test('SeededRandom', async (t) => {
  t.test('gives the same sequence for the same seed, and another for the next', async (t) => {
    const sequence = (seed: number) => {
      const random = new SeededRandom(seed)
      return Array.from({ length: 100 }, () => random.nextUint32())
    }
    t.same(sequence(1), sequence(1))
    t.notSame(sequence(1), sequence(2))
    t.ok(new Set(sequence(0)).size >= 99, 'seed 0 too')
  })

  t.test('gives every integer below n about as often, and never n', async (t) => {
    const random = new SeededRandom(3)
    const counts = new Array<number>(10).fill(0)
    for (let index = 0; index < 100_000; index++) counts[random.nextInt(10)]++
    t.equal(counts.length, 10)
    t.ok(
      counts.every((count) => count > 9_500 && count < 10_500),
      counts.join(),
    )
  })

  t.test('gives bytes that set every bit about half of the time', async (t) => {
    const bytes = new SeededRandom(4).nextBytes(80_000)
    t.equal(bytes.length, 80_000)
    for (let bit = 0; bit < 8; bit++) {
      const setCount = bytes.reduce((count, byte) => count + ((byte >> bit) & 1), 0)
      t.ok(setCount > 39_000 && setCount < 41_000, `bit ${bit}: ${setCount}`)
    }
  })
})
