// The bandwidth of one allocation (--max-bps), and its share of its user's (--user-max-bps). On the hot path where limits are set.
//
// A bucket is one number a direction: the time at which it would be full again. It is BANDWIDTH_BUCKET_TICKS deep, and a packet passes while
// anything is left in it, whatever its size: what it takes too much, later ones wait for. So no datagram is too large for a low limit.
import { BANDWIDTH_BUCKET_TICKS } from '../limits/turn.js'
import { TICKS_PER_SECOND } from './allocation.js'
import type { UserBandwidth } from './user-bandwidth.js'

export const FROM_CLIENT = 0
export const TO_CLIENT = 1

/** Bytes that pass in a tick at this many bits a second. */
export function bytesPerTick(bitsPerSecond: number): number {
  return bitsPerSecond / 8 / TICKS_PER_SECOND
}

export class Bandwidth {
  /** All allocations of the same user on this worker have the same one; null without a limit for users. */
  readonly user: UserBandwidth | null
  /** 0 without a limit for allocations. */
  readonly #ticksPerByte: number
  /** Ticks of the core, by direction. */
  readonly #fullAt = new Float64Array(2)

  /** @param maxBps bits of payload a second, in each direction; 0 for no limit */
  constructor(maxBps: number, user: UserBandwidth | null) {
    this.user = user
    this.#ticksPerByte = maxBps === 0 ? 0 : 1 / bytesPerTick(maxBps)
  }

  /** Takes a payload's bytes, if it may pass now. `direction` is FROM_CLIENT or TO_CLIENT. */
  admit(direction: number, length: number, now: number): boolean {
    const fullAt = Math.max(this.#fullAt[direction], now)
    if (fullAt - now >= BANDWIDTH_BUCKET_TICKS) return false
    if (this.user !== null && !this.user.admit(direction, length, now)) return false
    this.#fullAt[direction] = fullAt + length * this.#ticksPerByte
    return true
  }
}
