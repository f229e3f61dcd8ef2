import t from 'tap'
import { monotonicSeconds, TickClock } from '../../src/net/clock.js'

t.test('TickClock counts whole ticks of 10 ms from its construction', async (t) => {
  let milliseconds = 5_000.7
  t.intercept(performance, 'now', { value: () => milliseconds })
  const clock = new TickClock()
  t.equal(clock.ticks(), 0)
  milliseconds += 9.9
  t.equal(clock.ticks(), 0)
  milliseconds += 0.2
  t.equal(clock.ticks(), 1)
  milliseconds += 3_600_000
  t.equal(clock.ticks(), 360_001)
})

t.test('the clocks do not follow the wall clock', async (t) => {
  const clock = new TickClock()
  const [ticks, seconds] = [clock.ticks(), monotonicSeconds()]
  t.intercept(Date, 'now', { value: () => 86_400_000 })
  t.ok(clock.ticks() - ticks < 100)
  t.ok(monotonicSeconds() - seconds <= 1)
  t.ok(seconds > 0 && seconds <= monotonicSeconds())
})
