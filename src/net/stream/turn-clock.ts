// The time that clients have had to read: a clock that moves with the turns of the event loop. A worker that was kept from running for a while
// finds old data in its queues, for which no client is to blame: a turn counts for no longer than a turn may take.
import { TICK_MILLISECONDS_MAX } from '../../limits/engines.js'

export class TurnClock {
  milliseconds = 0
  readonly #now: () => number
  #turnedAt: number

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now
    this.#turnedAt = now()
  }

  /** A turn has come to its end. */
  turn(): void {
    const now = this.#now()
    this.milliseconds += Math.min(now - this.#turnedAt, TICK_MILLISECONDS_MAX)
    this.#turnedAt = now
  }
}
