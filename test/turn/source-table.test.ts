import t from 'tap'
import { SourceTable } from '../../src/turn/source-table.js'
import { SeededRandom } from '../support/random.js'

const TICKS_PER_SECOND = 100
/** Any time: hours after the machine's start. */
const NOW = 1_234_567

function table(perSecond = 200, burst = 2000, shared?: SharedArrayBuffer): SourceTable {
  return new SourceTable(perSecond, burst, TICKS_PER_SECOND, shared)
}

/** How many of `count` are admitted. */
function admitted(sources: SourceTable, low: number, high: number, now: number, count: number): number {
  let sum = 0
  for (let index = 0; index < count; index++) if (sources.admit(low, high, now)) sum++
  return sum
}

t.test('SourceTable', async (t) => {
  t.test('admits a burst, exactly, then what leaks away', async (t) => {
    for (const [perSecond, burst] of [
      [200, 2000],
      [20, 200],
      [3, 30],
      [7, 70],
      [1, 10],
      [10_000, 100_000],
    ]) {
      const sources = table(perSecond, burst)
      t.equal(admitted(sources, 5, 6, NOW, burst + 10), burst, `${perSecond}/s`)
      t.equal(admitted(sources, 5, 6, NOW + TICKS_PER_SECOND, perSecond + 10), perSecond, `${perSecond}/s after 1 s`)
      const later = NOW + TICKS_PER_SECOND * 1000
      t.equal(admitted(sources, 5, 6, later, burst + 10), burst, 'never more than the burst')
    }
  })

  t.test('admits 200 a second, not 201, for as long as it takes', async (t) => {
    const sources = table()
    admitted(sources, 5, 6, NOW, 2000)
    let sum = 0
    for (let tick = 1; tick <= 60 * TICKS_PER_SECOND; tick++) sum += admitted(sources, 5, 6, NOW + tick, 10)
    t.equal(sum, 60 * 200)
  })

  t.test('keeps sources apart, in one set or in many', async (t) => {
    const sources = table()
    t.equal(admitted(sources, 5, 1, NOW, 5000), 2000)
    t.equal(admitted(sources, 5, 2, NOW, 5000), 2000)
    t.equal(admitted(sources, 6, 1, NOW, 5000), 2000)
    t.equal(admitted(sources, 5, 0, NOW, 5000), 2000, 'a hash of 0 is one like any other')
  })

  t.test('counts for all workers that share it', async (t) => {
    const shared = SourceTable.allocate()
    const [a, b] = [table(200, 2000, shared), table(200, 2000, shared)]
    t.equal(admitted(a, 5, 6, NOW, 1500), 1500)
    t.equal(admitted(b, 5, 6, NOW, 1500), 500)
  })

  t.test('shuts a newcomer out only while all eight ways of its set are full', async (t) => {
    const sources = table()
    for (let way = 1; way <= 7; way++) t.equal(admitted(sources, 5, way, NOW, 3000), 2000)
    t.equal(admitted(sources, 5, 8, NOW, 1990), 1990)
    t.equal(admitted(sources, 5, 9, NOW, 30), 10, 'it takes over the way that is the least full, and its level')
    t.equal(admitted(sources, 5, 10, NOW, 30), 0)
    t.equal(admitted(sources, 5, 10, NOW + TICKS_PER_SECOND, 300), 200)
    t.equal(admitted(sources, 4, 10, NOW, 1), 1, 'other sets have nothing to do with it')
  })

  t.test('does not let a flood of forged sources reset the bucket of one', async (t) => {
    const sources = table()
    const random = new SeededRandom(1)
    t.equal(admitted(sources, 5, 6, NOW, 3000), 2000)
    let sum = 0
    for (let tick = 1; tick <= 5 * TICKS_PER_SECOND; tick++) {
      // 100,000 forged packets a second, and 100 of the source whose bucket is full.
      for (let count = 0; count < 1000; count++)
        sources.admit(random.nextUint32() | 0, random.nextUint32() | 0, NOW + tick)
      sum += admitted(sources, 5, 6, NOW + tick, 100)
    }
    t.ok(sum <= 5 * 200, `${sum} answers in 5 s`)
  })

  t.test(
    'does not reset it for strangers of the same set that try to push it out, however they take turns',
    async (t) => {
      const random = new SeededRandom(2)
      const sources = table(20, 200)
      let sum = 0
      for (let tick = 1; tick <= 10 * TICKS_PER_SECOND; tick++) {
        for (let count = 0; count < 40; count++) {
          const isVictim = random.oneIn(4)
          const isAdmitted = sources.admit(5, isVictim ? 6 : random.nextInt(20) + 7, NOW + tick)
          if (isVictim && isAdmitted) sum++
        }
      }
      t.ok(sum <= 200 + 10 * 20, `${sum} answers in 10 s`)
    },
  )

  t.test('serves newcomers during a flood of sources that send a packet each', async (t) => {
    const sources = table()
    const random = new SeededRandom(3)
    let refused = 0
    // 500,000 forged packets in one second, from as many sources; a newcomer asks every millisecond.
    for (let step = 0; step < 1000; step++) {
      const now = NOW + Math.floor(step / 10)
      for (let count = 0; count < 500; count++) sources.admit(random.nextUint32() | 0, random.nextUint32() | 0, now)
      const [low, high] = [random.nextUint32() | 0, random.nextUint32() | 0]
      if (admitted(sources, low, high, now, 10) < 10) refused++
    }
    t.equal(refused, 0)
  })
})
