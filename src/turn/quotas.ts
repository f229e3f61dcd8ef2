// The relay licence (--max-allocations) and the quota of each user (--user-quota). A dual allocation counts once; a
// reserved port counts like an allocation until it is claimed or expires.
export type QuotaRefusal = 'user-quota' | 'licence'

export class Quotas {
  /** Allocations and reservations of all users. */
  held = 0
  readonly maxAllocations: number
  readonly #userQuota: number
  readonly #heldByUser = new Map<string, number>()

  /** @param userQuota allocations of one user; 0 for no limit */
  constructor(maxAllocations: number, userQuota: number) {
    this.maxAllocations = maxAllocations
    this.#userQuota = userQuota
  }

  /** Takes `count` places for this user, or none. Returns null, or why not; the quota comes before the licence (RFC 8656 §7.2). */
  take(username: string, count = 1): QuotaRefusal | null {
    const heldByUser = this.heldBy(username)
    if (this.#userQuota > 0 && heldByUser + count > this.#userQuota) return 'user-quota'
    if (this.held + count > this.maxAllocations) return 'licence'
    this.held += count
    this.#heldByUser.set(username, heldByUser + count)
    return null
  }

  give(username: string): void {
    const heldByUser = this.heldBy(username)
    // Every give() pairs with one take(): a mismatch would slowly open or close the licence.
    if (heldByUser === 0) throw new Error(`quota of ${JSON.stringify(username)} given back twice`)
    this.held--
    if (heldByUser === 1) this.#heldByUser.delete(username)
    else this.#heldByUser.set(username, heldByUser - 1)
  }

  heldBy(username: string): number {
    return this.#heldByUser.get(username) ?? 0
  }
}
