// The relay licence (--max-allocations) and the quota of each user (--user-quota), for all workers together. A dual allocation counts
// once; a reserved port counts like an allocation until it is claimed or expires. Places belong to a worker, so that a dead one's
// can be swept; a user is known by the keyed hash of the name.
import { BANDWIDTH_BUCKET_TICKS } from '../limits/turn.js'
import type { KeyedHash } from './keyed-hash.js'
import type { SharedLock } from './shared-lock.js'
import type { SharedBucket } from './user-bandwidth.js'
import type { UserTable } from './user-table.js'

export type QuotaRefusal = 'user-quota' | 'licence'

export class Quotas {
  #maxAllocations: number
  #userQuota: number
  readonly #users: UserTable
  readonly #lock: SharedLock
  readonly #hash: KeyedHash
  readonly #workerIndex: number

  /**
   * @param userQuota allocations of one user; 0 for no limit
   * @param users has room for as many users as there are ports
   * @param workerIndex who takes places here
   */
  constructor(
    maxAllocations: number,
    userQuota: number,
    users: UserTable,
    lock: SharedLock,
    hash: KeyedHash,
    workerIndex: number,
  ) {
    this.#maxAllocations = maxAllocations
    this.#userQuota = userQuota
    this.#users = users
    this.#lock = lock
    this.#hash = hash
    this.#workerIndex = workerIndex
  }

  /** For who comes from now on: whoever has more keeps it. */
  setLimits(maxAllocations: number, userQuota: number): void {
    this.#maxAllocations = maxAllocations
    this.#userQuota = userQuota
  }

  /** Allocations and reservations of all users, by all workers. */
  get held(): number {
    return this.#users.held
  }

  /** Are there as many as this share of the licence, in percent? Read without the lock: others may come and go meanwhile. */
  isAbove(percent: number): boolean {
    const limit = Math.min(this.#maxAllocations, this.#users.capacity)
    return this.held >= Math.floor((limit * percent) / 100)
  }

  /**
   * Takes `count` places for this user, or none. Returns null, or why not; the quota comes before the licence (RFC 8656 §7.2).
   * @param now ticks of CLOCK_MONOTONIC
   */
  take(account: string, count = 1, now = 0): QuotaRefusal | null {
    const { low, high } = this.#hash.hashText(account)
    return this.#lock.hold(() => this.#take(low, high, count, now))
  }

  give(account: string): void {
    const { low, high } = this.#hash.hashText(account)
    const isGiven = this.#lock.hold(() => this.giveLocked(low, high, this.#workerIndex))
    // Every give() pairs with one take(): a mismatch would slowly open or close the licence.
    if (!isGiven) throw new Error(`quota of ${JSON.stringify(account)} given back twice`)
  }

  heldBy(account: string): number {
    const { low, high } = this.#hash.hashText(account)
    return this.#lock.hold(() => {
      const entry = this.#users.find(low, high)
      return entry < 0 ? 0 : this.#users.placesOf(entry)
    })
  }

  /** Gives back a place of the user with this hash that `worker` holds. The caller has the lock. False if there is none. */
  giveLocked(low: number, high: number, worker: number): boolean {
    const entry = this.#users.find(low, high)
    if (entry < 0 || this.#users.placesOfWorker(entry, worker) === 0) return false
    this.#users.addPlaces(entry, worker, -1)
    return true
  }

  /** A place that `worker` holds for this user becomes this worker's. The caller has the lock. False if there is none. */
  adoptLocked(low: number, high: number, worker: number): boolean {
    const entry = this.#users.find(low, high)
    if (entry < 0 || this.#users.placesOfWorker(entry, worker) === 0) return false
    this.#users.addPlaces(entry, this.#workerIndex, 1)
    this.#users.addPlaces(entry, worker, -1)
    return true
  }

  /** A place of this worker's for one account becomes one for another, whose quota it may exceed. The caller has the lock. */
  moveLocked(low: number, high: number, toLow: number, toHigh: number, now: number): void {
    if (!this.giveLocked(low, high, this.#workerIndex)) return
    const known = this.#users.find(toLow, toHigh)
    const entry = known < 0 ? this.#users.add(toLow, toHigh, now + BANDWIDTH_BUCKET_TICKS - 1) : known
    this.#users.addPlaces(entry, this.#workerIndex, 1)
  }

  /** The bandwidth bucket of a user who holds a place here. It is the user's for as long as that place is held. */
  bandwidthBucketOf(account: string): SharedBucket {
    const bucket = this.findBandwidthBucket(account)
    if (bucket === null) throw new Error(`no place in the quota of ${JSON.stringify(account)}`)
    return bucket
  }

  /** The same of a user who holds a place on any worker; null if there is none (any more). */
  findBandwidthBucket(account: string): SharedBucket | null {
    const { low, high } = this.#hash.hashText(account)
    const entry = this.#lock.hold(() => this.#users.find(low, high))
    if (entry < 0) return null
    const isShared = () => this.#users.placesOf(entry) > 1
    return { words: this.#users.entries, at: this.#users.bandwidthAt(entry), isShared }
  }

  #take(low: number, high: number, count: number, now: number): QuotaRefusal | null {
    const known = this.#users.find(low, high)
    const held = known < 0 ? 0 : this.#users.placesOf(known)
    if (this.#userQuota > 0 && held + count > this.#userQuota) return 'user-quota'
    if (this.#users.held + count > Math.min(this.#maxAllocations, this.#users.capacity)) return 'licence'
    // A newcomer's bucket is empty but for a tick: who came back at once would have another full one each time.
    const entry = known < 0 ? this.#users.add(low, high, now + BANDWIDTH_BUCKET_TICKS - 1) : known
    this.#users.addPlaces(entry, this.#workerIndex, count)
    return null
  }
}
