// The bandwidth of one user (--user-max-bps), over all allocations and workers. On the hot path where that limit is set.
//
// The bucket lies in shared memory, one word a direction: the tick at which it would be full again. A worker leases ticks of budget, 10
// ms of the rate each, and spends them by itself. There is an atomic per lease, a hundred a second at most, and none per packet.
import { BUCKET_TICKS } from './bandwidth.js'

/** A debt is never as long: the word is older than its 32 bits reach, and the bucket long full. */
const TICKS_AHEAD_MAX = 1 << 26

export class UserBandwidth {
  /** Allocations on this worker that use it. */
  allocationCount = 0
  readonly #bytesPerTick: number
  readonly #clockOffset: number
  readonly #words: Int32Array
  readonly #at: number
  /** Bytes left of leases, by direction. */
  readonly #credit = new Float64Array(2)
  /** The tick at which there was nothing to lease, by direction: asked once a tick. */
  readonly #refusedAt = new Int32Array(2).fill(-1)

  /**
   * @param words shared memory; words[at] and words[at + 1] are the user's
   * @param clockOffset ticks of CLOCK_MONOTONIC at the core's tick 0, for workers to agree on the time
   */
  constructor(bytesPerTick: number, words: Int32Array, at: number, clockOffset: number) {
    this.#bytesPerTick = bytesPerTick
    this.#words = words
    this.#at = at
    this.#clockOffset = clockOffset
  }

  /** Takes a payload's bytes, if it may pass now: as long as anything is left, on lease or in the bucket. */
  admit(direction: number, length: number, now: number): boolean {
    const credit = this.#credit[direction]
    if (credit > length) {
      this.#credit[direction] = credit - length
      return true
    }
    if (credit <= 0 && this.#refusedAt[direction] === now) return false
    const ticks = this.#lease(this.#at + direction, length, credit, (this.#clockOffset + now) | 0)
    if (ticks < 0) {
      this.#refusedAt[direction] = now
      return false
    }
    this.#credit[direction] = credit + ticks * this.#bytesPerTick - length
    return true
  }

  /**
   * Takes the ticks out of the bucket that a payload costs beyond the credit, and returns their number; -1 if both are empty. What the
   * bucket does not have becomes its debt, and leaves no credit. Clocks are modulo 2^32.
   */
  #lease(at: number, length: number, credit: number, clock: number): number {
    const whole = Math.floor((length - credit) / this.#bytesPerTick)
    for (;;) {
      const fullAt = Atomics.load(this.#words, at)
      let ahead = (fullAt - clock) | 0
      if (ahead < 0 || ahead > TICKS_AHEAD_MAX) ahead = 0
      const left = BUCKET_TICKS - ahead
      if (left <= 0 && credit <= 0) return -1
      const ticks = Math.max(whole, Math.min(whole + 1, left))
      if (Atomics.compareExchange(this.#words, at, fullAt, (clock + ahead + ticks) | 0) === fullAt) return ticks
    }
  }
}
