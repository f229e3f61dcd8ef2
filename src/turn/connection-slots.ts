// A worker's own slots in the table of peer connections: which are free, and which bucket of bandwidth each uses. All connections of one
// allocation share a bucket, whichever worker carries their data; it has the number of some slot, but not its life.
import { BANDWIDTH_BUCKET_TICKS } from '../limits/turn.js'
import type { ConnectionTable } from './connection-table.js'
import type { RandomSource } from './output.js'

export class ConnectionSlots {
  /** What a predecessor of this worker has left bound: to be released when it has ended. */
  readonly left: readonly number[]
  readonly #table: ConnectionTable
  readonly #random: RandomSource
  readonly #freeSlots: number[] = []
  /** One came with each slot that was ever used, so there is always one for an allocation's first slot. */
  readonly #freeBuckets: number[] = []
  /** By bucket: slots that use it. */
  readonly #bucketUses = new Map<number, number>()

  constructor(table: ConnectionTable, random: RandomSource) {
    this.#table = table
    this.#random = random
    const left: number[] = []
    const end = table.first + table.usedCount
    for (let index = table.first; index < end; index++) {
      if (table.isFree(index)) {
        this.#freeSlots.push(index)
      } else {
        left.push(index)
        this.#useBucket(table.bucketOf(index), 1)
      }
    }
    for (let bucket = table.first; bucket < end; bucket++) {
      if (!this.#bucketUses.has(bucket)) this.#freeBuckets.push(bucket)
    }
    this.left = left
  }

  /** Slots in use, those of a predecessor too. */
  get size(): number {
    return this.#table.usedCount - this.#freeSlots.length
  }

  /**
   * Takes a slot, which has its id then. Returns -1 if all are taken.
   * @param sibling another slot of the same allocation; -1 if there is none
   * @param now ticks of CLOCK_MONOTONIC
   */
  reserve(sibling: number, now: number): number {
    const index = this.#freeSlots.pop() ?? this.#newSlot()
    if (index < 0) return -1
    const bucket = sibling < 0 ? this.#newBucket(now) : this.#table.bucketOf(sibling)
    this.#useBucket(bucket, 1)
    this.#table.prepare(index, bucket, this.#random)
    return index
  }

  /** Gives back a slot that is reserved, withdrawn or ended. */
  release(index: number): void {
    const bucket = this.#table.bucketOf(index)
    this.#table.free(index)
    if (this.#useBucket(bucket, -1) === 0) this.#freeBuckets.push(bucket)
    this.#freeSlots.push(index)
  }

  #newSlot(): number {
    const index = this.#table.addSlot()
    if (index >= 0) this.#freeBuckets.push(index)
    return index
  }

  #newBucket(now: number): number {
    const bucket = this.#freeBuckets.pop() as number
    const { words, at } = this.#table.bandwidthOf(bucket)
    // Empty but for a tick, as that of a new user: who closes a connection and opens another has no more for it.
    words.fill((now + BANDWIDTH_BUCKET_TICKS - 1) | 0, at, at + 2)
    return bucket
  }

  /** Returns how many slots use it now. */
  #useBucket(bucket: number, change: 1 | -1): number {
    const count = (this.#bucketUses.get(bucket) ?? 0) + change
    if (count === 0) this.#bucketUses.delete(bucket)
    else this.#bucketUses.set(bucket, count)
    return count
  }
}
