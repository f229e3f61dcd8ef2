// The clocks of the core: 10 ms ticks since start, and the monotonic seconds that nonces and reservations are made of.
import { TICKS_PER_SECOND } from '../turn/allocation.js'

const MS_PER_TICK = 1000 / TICKS_PER_SECOND

/** Ticks since construction, from CLOCK_MONOTONIC: wall-clock jumps do not touch it. */
export class TickClock {
  readonly #startMs = performance.now()

  ticks(): number {
    return Math.floor((performance.now() - this.#startMs) / MS_PER_TICK)
  }
}

/** CLOCK_MONOTONIC in seconds, with the fraction: the same for every process of this boot. */
export function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9
}
