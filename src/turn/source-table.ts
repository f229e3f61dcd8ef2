// How much each source has had of something lately: a leaky bucket per source in a table of fixed size, in shared memory, so that a cap
// holds across workers. Sources are IPv4 addresses and IPv6 /64s (keyed-hash.ts), and anybody can forge as many as they like.
//
// A bucket is one number, the time at which it will have leaked dry. Sets of eight ways; a source that is not in its set takes over the
// way that runs dry first, AND ITS LEVEL. That makes the table safe against floods of forged sources in both directions:
//
// - Nobody gets more than the cap by being pushed out. Levels in a set never fall but by leaking, and the way that is given away is
//   the lowest: whoever returns finds every level of the set at least as high as its own was. So the level that counts for a source is
//   never below the true one, and filling the table with strangers does not reset a victim's bucket, or a guesser's.
// - Nobody is shut out by strangers that send little. One answer leaks away within 5 ms (200 a second), so forged sources with a packet
//   each leave behind ways that are dry again, and newcomers take over nothing. To shut out one newcomer, all eight ways of its set
//   must be kept full, each by 200 packets a second; nobody without the key knows which sources share a set, so that takes all
//   32,768 ways: 6.5 million packets a second. A server that receives those has other worries.
//
// A sketch of counters without sources (count-min) would shut out newcomers much earlier, and evicting the oldest would reset buckets.
//
// Workers read and write without atomics: two that answer one source at the same moment may count once, which bends the cap by a
// packet. A torn number would be wrong for one source until it has leaked.
import { SOURCE_SET_COUNT, SOURCE_WAY_COUNT } from '../limits/turn.js'

const SLOT_COUNT = SOURCE_SET_COUNT * SOURCE_WAY_COUNT

export class SourceTable {
  readonly #tags: Int32Array
  /** Ticks of CLOCK_MONOTONIC at which the bucket of that way is empty. */
  readonly #dryAt: Float64Array
  readonly #cost: number
  readonly #levelMax: number

  /**
   * @param perSecond how many a second leak away
   * @param burst how many fit into a bucket
   */
  constructor(perSecond: number, burst: number, ticksPerSecond: number, shared = SourceTable.allocate()) {
    this.#dryAt = new Float64Array(shared, 0, SLOT_COUNT)
    this.#tags = new Int32Array(shared, this.#dryAt.byteLength, SLOT_COUNT)
    this.#cost = ticksPerSecond / perSecond
    // Half a unit of room, so that sums of fractions are not refused the last one.
    this.#levelMax = (burst - 0.5) * this.#cost
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(SLOT_COUNT * (Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT))
  }

  /**
   * One more for the source with this hash, if its bucket has room.
   * @param now ticks of CLOCK_MONOTONIC
   */
  admit(low: number, high: number, now: number): boolean {
    const slot = this.#slotOf(low & (SOURCE_SET_COUNT - 1), high)
    const dryAt = Math.max(this.#dryAt[slot], now)
    if (dryAt - now > this.#levelMax) return false
    this.#tags[slot] = high
    this.#dryAt[slot] = dryAt + this.#cost
    return true
  }

  /** Would one more be admitted? Nothing is counted. */
  hasRoom(low: number, high: number, now: number): boolean {
    return this.#dryAt[this.#slotOf(low & (SOURCE_SET_COUNT - 1), high)] - now <= this.#levelMax
  }

  /** The way of this source, or the one that it would take over. */
  #slotOf(set: number, tag: number): number {
    const first = set * SOURCE_WAY_COUNT
    let driest = first
    for (let slot = first; slot < first + SOURCE_WAY_COUNT; slot++) {
      if (this.#tags[slot] === tag) return slot
      if (this.#dryAt[slot] < this.#dryAt[driest]) driest = slot
    }
    return driest
  }
}
