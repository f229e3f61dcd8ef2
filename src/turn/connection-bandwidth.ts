// The bandwidth of one data connection: its share of its allocation's (--max-bps), and of its user's (--user-max-bps). Both lie in shared
// memory, for the connections of one allocation may be on several workers. See user-bandwidth.ts for how that works.
import type { UserBandwidth } from './user-bandwidth.js'

export class ConnectionBandwidth {
  /** Null without a limit. */
  readonly #allocation: UserBandwidth | null
  readonly #user: UserBandwidth | null

  constructor(allocation: UserBandwidth | null, user: UserBandwidth | null) {
    this.#allocation = allocation
    this.#user = user
  }

  /** Takes a payload's bytes, if it may pass now. `direction` is FROM_CLIENT or TO_CLIENT, `now` ticks of the core. */
  admit(direction: number, length: number, now: number): boolean {
    if (this.#allocation !== null && !this.#allocation.admit(direction, length, now)) return false
    if (this.#user === null || this.#user.admit(direction, length, now)) return true
    this.#allocation?.giveBack(direction, length)
    return false
  }
}
