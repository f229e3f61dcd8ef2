// The bandwidth of one user (--user-max-bps), over all allocations and workers. On the hot path where that limit is set.
//
// The bucket lies in shared memory, one word a direction: the tick at which it would be full again. A worker leases ticks of budget, 10
// ms of the rate each, and spends them by itself. There is an atomic per lease, a hundred a second at most, and none per packet.
//
// Under overload all want what comes into the bucket tick by tick, and the one whose tick begins first would get it each time. So who
// has emptied the bucket sits out, for a time that nobody knows: what is not taken stays there for others, and the sum is the same.
import { BANDWIDTH_BUCKET_TICKS, BANDWIDTH_SIT_OUT_TICKS_MAX } from '../limits/turn.js'
import type { RandomSource } from './output.js'

/** A debt is never as long: the word is older than its 32 bits reach, and the bucket long full. */
const TICKS_AHEAD_MAX = 1 << 26

/** A user's bucket in shared memory. */
export interface SharedBucket {
  /** words[at] and words[at + 1]: the ticks of CLOCK_MONOTONIC, modulo 2^32, at which it is full, one a direction. */
  readonly words: Int32Array
  readonly at: number
  /** Has the user more than one allocation, on any workers? Others may want budget then. */
  isShared(): boolean
}

export class UserBandwidth {
  /** Allocations on this worker that use it. */
  allocationCount = 0
  readonly #bytesPerTick: number
  readonly #clockOffset: number
  readonly #bucket: SharedBucket
  readonly #random: RandomSource
  /** Bytes left of leases, by direction. */
  readonly #credit = new Float64Array(2)
  /** The tick of the core before which there is nothing to lease, by direction. */
  readonly #waitsUntil = new Float64Array(2)

  /** @param clockOffset ticks of CLOCK_MONOTONIC at the core's tick 0, for workers to agree on the time */
  constructor(bytesPerTick: number, bucket: SharedBucket, clockOffset: number, random: RandomSource) {
    this.#bytesPerTick = bytesPerTick
    this.#bucket = bucket
    this.#clockOffset = clockOffset
    this.#random = random
  }

  /** Takes a payload's bytes, if it may pass now: as long as anything is left, on lease or in the bucket. */
  admit(direction: number, length: number, now: number): boolean {
    const credit = this.#credit[direction]
    if (credit > length) {
      this.#credit[direction] = credit - length
      return true
    }
    if (credit <= 0 && now < this.#waitsUntil[direction]) return false
    const ticks = this.#lease(direction, length, credit, now)
    if (ticks < 0) return false
    this.#credit[direction] = credit + ticks * this.#bytesPerTick - length
    return true
  }

  /** Takes back what was admitted and did not pass after all. */
  giveBack(direction: number, length: number): void {
    this.#credit[direction] += length
  }

  /**
   * Takes the ticks out of the bucket that a payload costs beyond the credit, and returns their number; -1 if both are empty. What the
   * bucket does not have becomes its debt, and leaves no credit. Clocks are modulo 2^32.
   */
  #lease(direction: number, length: number, credit: number, now: number): number {
    const { words, at } = this.#bucket
    const clock = (this.#clockOffset + now) | 0
    const whole = Math.floor((length - credit) / this.#bytesPerTick)
    for (;;) {
      const fullAt = Atomics.load(words, at + direction)
      let ahead = (fullAt - clock) | 0
      if (ahead < 0 || ahead > TICKS_AHEAD_MAX) ahead = 0
      const left = BANDWIDTH_BUCKET_TICKS - ahead
      if (left <= 0 && credit <= 0) {
        this.#waitsUntil[direction] = now + 1
        return -1
      }
      const ticks = Math.max(whole, Math.min(whole + 1, left))
      const isTaken = Atomics.compareExchange(words, at + direction, fullAt, (clock + ahead + ticks) | 0) === fullAt
      if (!isTaken) continue
      const debt = ticks - left
      if (debt >= 0 && this.#bucket.isShared()) this.#waitsUntil[direction] = now + debt + this.#ticksToSitOut()
      return ticks
    }
  }

  #ticksToSitOut(): number {
    return 1 + (this.#random.nextUint32() & (BANDWIDTH_SIT_OUT_TICKS_MAX - 1))
  }
}
