import t from 'tap'
import { SharedLock, SWEEPER } from '../../src/turn/shared-lock.js'

function words(holder = 0): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8)).fill(holder, 0, 1)
}

t.test('SharedLock', async (t) => {
  t.test('names its holder while the work is done, and is free afterwards, also when that throws', async (t) => {
    const memory = words()
    const lock = new SharedLock(memory, 7)
    t.equal(
      lock.hold(() => memory[0]),
      7,
    )
    t.equal(memory[0], 0)
    t.throws(
      () =>
        lock.hold(() => {
          throw new Error('at work')
        }),
      /at work/,
    )
    t.equal(memory[0], 0)
  })

  t.test('cannot be taken twice by the same one: that would last for ever', async (t) => {
    const lock = new SharedLock(words(), 7)
    t.throws(() => lock.hold(() => lock.hold(() => 0)), /taken twice/)
    t.equal(
      lock.hold(() => 1),
      1,
    )
  })

  t.test('is taken over from the dead one at once, and when it is free', async (t) => {
    for (const holder of [7, 0]) {
      const takes = Array.from({ length: 3 }, () => {
        const memory = words(holder)
        const sweeper = new SharedLock(memory, SWEEPER)
        const start = performance.now()
        sweeper.takeOver(7)
        const milliseconds = performance.now() - start
        t.equal(memory[0], SWEEPER)
        sweeper.release()
        t.equal(memory[0], 0)
        return milliseconds
      })
      // The machine may do something else meanwhile, but not each time.
      t.ok(Math.min(...takes) < 500, takes.join())
    }
  })

  t.test('is taken over in the end from another one that died too, but not before it has had its time', async (t) => {
    const memory = words(8)
    const start = performance.now()
    new SharedLock(memory, SWEEPER).takeOver(7)
    t.ok(performance.now() - start > 900)
    t.equal(memory[0], SWEEPER)
  })

  t.test('is never taken over from those who are alive and hand it on', async (t) => {
    for (const [name, result, holders] of [
      ['seen with one, then with another', 'timed-out', [8, 9]],
      ['gone from the one who has it again', 'not-equal', [8]],
    ] as const) {
      const memory = words(8)
      let waitCount = 0
      const { wait } = Atomics
      Atomics.wait = (() => {
        waitCount++
        memory[0] = waitCount === 5000 ? 0 : holders[waitCount % holders.length]
        return result
      }) as typeof wait
      try {
        new SharedLock(memory, SWEEPER).takeOver(7)
      } finally {
        Atomics.wait = wait
      }
      t.equal(waitCount, 5000, name)
      t.equal(memory[0], SWEEPER)
    }
  })

  t.test('is not freed by one whom it was taken from', async (t) => {
    const memory = words()
    const slow = new SharedLock(memory, 7)
    const sweeper = new SharedLock(memory, SWEEPER)
    slow.hold(() => sweeper.takeOver(7))
    t.equal(memory[0], SWEEPER)
    sweeper.release()
    t.equal(memory[0], 0)
  })
})
