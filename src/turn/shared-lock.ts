// A lock in shared memory that names its holder, so that a dead worker's can be taken over. For what happens per Allocate, never per
// packet: what it guards takes microseconds, so whoever must wait spins, then naps.
import { LOCK_TAKEOVER_MILLISECONDS } from '../limits/turn.js'

/** Looks at the lock before the first nap: longer than a holder needs that is running. */
const SPIN_COUNT = 1000
const NAP_MS = 1
/** Naps of the sweeper for one and the same holder that it does not know to be dead, but that nobody will ever see alive again. */
const NAP_COUNT_MAX = LOCK_TAKEOVER_MILLISECONDS / NAP_MS

/** The holder's name when the main thread sweeps; workers are 1–253. */
export const SWEEPER = 0xff

export class SharedLock {
  readonly #words: Int32Array
  readonly #holder: number

  /**
   * @param words its first word is the lock: 0, or the holder
   * @param holder who we are, 1–255
   */
  constructor(words: Int32Array, holder: number) {
    this.#words = words
    this.#holder = holder
  }

  /** Does this while nobody else does anything under the lock. */
  hold<Result>(work: () => Result): Result {
    this.#acquire()
    try {
      return work()
    } finally {
      this.release()
    }
  }

  /** Nothing if the lock was taken over: it is another's then. */
  release(): void {
    Atomics.compareExchange(this.#words, 0, this.#holder, 0)
  }

  /**
   * Takes the lock for the sweep of a dead worker, from that worker too. A second one that died with it cannot be told from a slow
   * one, but no holder is slow for a whole second.
   */
  takeOver(deadHolder: number): void {
    let napCount = 0
    let lastHolder = 0
    for (;;) {
      const holder = Atomics.load(this.#words, 0)
      if (holder !== lastHolder) napCount = 0
      lastHolder = holder
      const mayTake = holder === 0 || holder === deadHolder || napCount === NAP_COUNT_MAX
      if (mayTake && Atomics.compareExchange(this.#words, 0, holder, this.#holder) === holder) return
      if (!mayTake && Atomics.wait(this.#words, 0, holder, NAP_MS) === 'timed-out') napCount++
    }
  }

  #acquire(): void {
    for (let attempt = 1; ; attempt++) {
      const holder = Atomics.compareExchange(this.#words, 0, 0, this.#holder)
      if (holder === 0) return
      if (holder === this.#holder) throw new Error('the lock of the shared tables is taken twice')
      if (attempt > SPIN_COUNT) Atomics.wait(this.#words, 0, holder, NAP_MS)
    }
  }
}
