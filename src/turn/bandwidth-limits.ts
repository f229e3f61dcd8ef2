// Gives allocations their bandwidth (--max-bps, --user-max-bps), and users of this worker the one that they share.
import { Bandwidth, bytesPerTick } from './bandwidth.js'
import { ConnectionBandwidth } from './connection-bandwidth.js'
import type { RandomSource } from './output.js'
import type { Quotas } from './quotas.js'
import { type SharedBucket, UserBandwidth } from './user-bandwidth.js'

export class BandwidthLimits {
  #maxBps: number
  #userMaxBps: number
  readonly #clockOffset: number
  readonly #quotas: Quotas
  readonly #random: RandomSource
  readonly #users = new Map<string, UserBandwidth>()

  /**
   * @param maxBps bits of payload a second and direction of one allocation; 0 for no limit
   * @param userMaxBps the same for all allocations of one user
   * @param clockOffset ticks of CLOCK_MONOTONIC at the core's tick 0
   */
  constructor(maxBps: number, userMaxBps: number, clockOffset: number, quotas: Quotas, random: RandomSource) {
    this.#maxBps = maxBps
    this.#userMaxBps = userMaxBps
    this.#clockOffset = clockOffset
    this.#quotas = quotas
    this.#random = random
  }

  /** From now on. False if they were these already; else every allocation and data connection is to be opened anew. */
  setLimits(maxBps: number, userMaxBps: number): boolean {
    if (maxBps === this.#maxBps && userMaxBps === this.#userMaxBps) return false
    this.#maxBps = maxBps
    this.#userMaxBps = userMaxBps
    this.#users.clear()
    return true
  }

  /** For a new allocation, which holds its place in the quota. Null if there is no limit. */
  open(account: string): Bandwidth | null {
    if (this.#maxBps === 0 && this.#userMaxBps === 0) return null
    return new Bandwidth(this.#maxBps, this.#userMaxBps === 0 ? null : this.#openUser(account))
  }

  /** The allocation is gone; its place is given back only now, for that is what keeps the user's bucket where it is. */
  close(account: string, bandwidth: Bandwidth | null): void {
    const user = bandwidth?.user ?? null
    if (user !== null && --user.allocationCount === 0) this.#users.delete(account)
  }

  /**
   * For a data connection, whose allocation holds the place in the quota, on this worker or another. Null if there is no limit. What it
   * leases belongs to nobody else here: the allocation may go, and the user's bucket with it, a tick before this worker knows.
   * @param allocationBucket that of the allocation's bandwidth
   */
  openConnection(account: string, allocationBucket: SharedBucket): ConnectionBandwidth | null {
    if (this.#maxBps === 0 && this.#userMaxBps === 0) return null
    const userBucket = this.#userMaxBps === 0 ? null : this.#quotas.findBandwidthBucket(account)
    return new ConnectionBandwidth(
      this.#maxBps === 0 ? null : this.#lease(this.#maxBps, allocationBucket),
      userBucket === null ? null : this.#lease(this.#userMaxBps, { ...userBucket, isShared: () => true }),
    )
  }

  #lease(bitsPerSecond: number, bucket: SharedBucket): UserBandwidth {
    return new UserBandwidth(bytesPerTick(bitsPerSecond), bucket, this.#clockOffset, this.#random)
  }

  #openUser(account: string): UserBandwidth {
    let user = this.#users.get(account)
    if (user === undefined) {
      user = this.#lease(this.#userMaxBps, this.#quotas.bandwidthBucketOf(account))
      this.#users.set(account, user)
    }
    user.allocationCount++
    return user
  }
}
