// The clock of a core: 10 ms ticks since its start, at the edges of CLOCK_MONOTONIC.
import { TICKS_PER_SECOND } from '../turn/allocation.js'

const MS_PER_TICK = 1000 / TICKS_PER_SECOND

/**
 * Ticks since construction, from CLOCK_MONOTONIC: wall-clock jumps do not touch it. All clocks of this boot, whichever thread or process
 * they are of, tick at the same moments, so that what is kept in shared memory is of the same time for all workers.
 */
export class TickClock {
  /** CLOCK_MONOTONIC at tick 0: whole ticks, in seconds. */
  readonly startSeconds: number
  /** performance.now() at tick 0: it has an origin in each thread, and costs less than CLOCK_MONOTONIC itself. */
  readonly #startMs: number

  constructor() {
    const monotonicMs = monotonicMilliseconds()
    const startTick = Math.floor(monotonicMs / MS_PER_TICK)
    this.startSeconds = startTick / TICKS_PER_SECOND
    this.#startMs = startTick * MS_PER_TICK - threadOriginMs()
  }

  ticks(): number {
    return Math.floor((performance.now() - this.#startMs) / MS_PER_TICK)
  }
}

function monotonicMilliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** CLOCK_MONOTONIC at this thread's origin of performance.now(). */
function threadOriginMs(): number {
  let originMs = Number.NEGATIVE_INFINITY
  // The thread may lose the processor between the two, which makes a reading too small: once, but not each time.
  for (let reading = 0; reading < 3; reading++) {
    originMs = Math.max(originMs, monotonicMilliseconds() - performance.now())
  }
  return originMs
}
