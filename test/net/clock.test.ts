import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { TickClock } from '../../src/net/clock.js'

/** CLOCK_MONOTONIC and performance.now() of one thread, moved by hand; in milliseconds. */
function clocksAt(t: Test, monotonicMs: number, threadStartMs: number) {
  const clocks = { monotonicMs }
  t.intercept(performance, 'now', { value: () => clocks.monotonicMs - threadStartMs })
  t.intercept(process.hrtime, 'bigint', { value: () => BigInt(Math.round(clocks.monotonicMs * 1e6)) })
  return clocks
}

t.test('TickClock', async (t) => {
  t.test('counts ticks of 10 ms from the one of its construction, at the edges of CLOCK_MONOTONIC', async (t) => {
    const clocks = clocksAt(t, 7_000_005.7, 1_234.56)
    const clock = new TickClock()
    t.equal(clock.startSeconds, 7_000)
    t.equal(clock.ticks(), 0)
    clocks.monotonicMs += 4.2
    t.equal(clock.ticks(), 0)
    clocks.monotonicMs += 0.2
    t.equal(clock.ticks(), 1)
    clocks.monotonicMs += 3_600_000
    t.equal(clock.ticks(), 360_001)
  })

  t.test('agrees with every other about the tick of now, wherever and whenever it was made', async (t) => {
    const clocks = clocksAt(t, 5_000_000, 0)
    const made = [0, 3.1, 6.8, 0.2, 1_009.9].map((ms, index) => {
      clocks.monotonicMs += ms
      t.intercept(performance, 'now', { value: () => clocks.monotonicMs - 100 * index })
      return { clock: new TickClock(), nowOfThread: performance.now }
    })
    for (let step = 0; step < 100; step++) {
      clocks.monotonicMs += 0.7
      const ticks = made.map(({ clock, nowOfThread }) => {
        t.intercept(performance, 'now', { value: nowOfThread })
        return Math.round(clock.startSeconds * 100) + clock.ticks()
      })
      t.same(new Set(ticks), new Set([Math.floor(clocks.monotonicMs / 10)]))
    }
  })

  t.test('of another thread ticks when this one does', async (t) => {
    const clock = new TickClock()
    const url = JSON.stringify(new URL('../../src/net/clock.js', import.meta.url).href)
    const program = `import(${url}).then(({ TickClock }) => {
      const clock = new TickClock()
      const before = process.hrtime.bigint()
      const tick = Math.round(clock.startSeconds * 100) + clock.ticks()
      require('node:worker_threads').parentPort.postMessage({ before, tick, after: process.hrtime.bigint() })
    })`
    const worker = new Worker(program, { eval: true })
    const seen = await new Promise<{ before: bigint; tick: number; after: bigint }>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    // A reading may be off by some microseconds.
    const earliest = Math.floor(Number(seen.before) / 1e7 - 0.01)
    const latest = Math.floor(Number(seen.after) / 1e7 + 0.01)
    t.ok(earliest <= seen.tick && seen.tick <= latest, `${seen.tick} is the tick of CLOCK_MONOTONIC`)
    t.ok(Math.round(clock.startSeconds * 100) + clock.ticks() >= seen.tick)
  })

  t.test('does not follow the wall clock', async (t) => {
    const clock = new TickClock()
    const ticks = clock.ticks()
    t.intercept(Date, 'now', { value: () => 86_400_000 })
    t.ok(clock.ticks() - ticks < 100)
  })
})
