// When relays expire: a wheel with one bucket a second, each a doubly linked list through the relays. A refresh costs nothing (a relay
// that is looked at too early moves on); only a shortened lifetime, or the end, unlinks one.
import { EXPIRY_BUCKET_COUNT } from '../limits/turn.js'
import { type Relay, TICKS_PER_SECOND } from './allocation.js'

export class ExpiryWheel {
  readonly #buckets: (Relay | null)[] = new Array(EXPIRY_BUCKET_COUNT).fill(null)
  #second = 0

  /** Call after each change of relay.expiresAt. */
  schedule(relay: Relay): void {
    const second = Math.ceil(relay.expiresAt / TICKS_PER_SECOND)
    if (relay.wheelSecond >= 0) {
      if (relay.wheelSecond <= second) return
      this.remove(relay)
    }
    const bucket = second % EXPIRY_BUCKET_COUNT
    const head = this.#buckets[bucket]
    relay.wheelSecond = second
    relay.wheelNext = head
    if (head !== null) head.wheelPrevious = relay
    this.#buckets[bucket] = relay
  }

  remove(relay: Relay): void {
    if (relay.wheelSecond < 0) return
    const { wheelNext, wheelPrevious } = relay
    if (wheelPrevious !== null) wheelPrevious.wheelNext = wheelNext
    else this.#buckets[relay.wheelSecond % EXPIRY_BUCKET_COUNT] = wheelNext
    if (wheelNext !== null) wheelNext.wheelPrevious = wheelPrevious
    relay.wheelSecond = -1
    relay.wheelNext = null
    relay.wheelPrevious = null
  }

  /** Calls `onExpired`, which may remove relays, for each one whose time has come. */
  advance(now: number, onExpired: (relay: Relay) => void): void {
    const second = Math.floor(now / TICKS_PER_SECOND)
    // After a long pause of the process one whole round looks at everything.
    if (second - this.#second > EXPIRY_BUCKET_COUNT) this.#second = second - EXPIRY_BUCKET_COUNT
    while (this.#second < second) {
      this.#second++
      this.#turn(this.#second % EXPIRY_BUCKET_COUNT, now, onExpired)
    }
  }

  #turn(bucket: number, now: number, onExpired: (relay: Relay) => void): void {
    let relay = this.#buckets[bucket]
    while (relay !== null) {
      // The head is unlinked before anything else happens, so whatever onExpired removes, the list stays whole.
      this.remove(relay)
      if (relay.expiresAt <= now) onExpired(relay)
      else this.schedule(relay)
      relay = this.#buckets[bucket]
    }
  }
}
