// How many stream connections without an allocation each source has, among all workers. Sources are IPv4 addresses and IPv6 /64s.
//
//   shared   [ key | key ]  row 0: bucket 0: [ worker 0 | worker 1 | … ]  bucket 1: …   row 1: …
//
// Each worker writes its own column, so that what a dead one had counted can be taken away at once; the count of a bucket is the sum over
// workers. A source has a bucket in each of two rows, by a keyed hash, and is over the cap when both buckets are: a source is shut out by
// strangers only where its buckets of both rows are full of them, and nobody without the key knows whose buckets those are.

import { randomFillSync } from 'node:crypto'
import {
  CONNECTION_CAP_BUCKET_COUNT,
  CONNECTION_CAP_ROW_COUNT,
  UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX,
} from '../../limits/streams.js'
import type { TransportAddress } from '../../stun/address.js'
import { KeyedHash } from '../../turn/keyed-hash.js'

/** The ticket of a connection that is not counted. */
export const NO_TICKET = -1

const KEY_WORD_COUNT = 2

export class ConnectionCap {
  readonly #words: Int32Array
  readonly #hash: KeyedHash
  readonly #workerCount: number
  readonly #workerIndex: number
  readonly #countMax: number

  constructor(shared: SharedArrayBuffer, workerIndex: number, countMax = UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX) {
    this.#words = new Int32Array(shared)
    this.#hash = new KeyedHash(this.#words[0], this.#words[1])
    this.#workerCount = workerCountOf(this.#words)
    this.#workerIndex = workerIndex
    this.#countMax = countMax
  }

  static allocate(workerCount: number): SharedArrayBuffer {
    const words = KEY_WORD_COUNT + CONNECTION_CAP_ROW_COUNT * CONNECTION_CAP_BUCKET_COUNT * workerCount
    const shared = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT)
    randomFillSync(new Int32Array(shared, 0, KEY_WORD_COUNT))
    return shared
  }

  /** All connections of this worker are gone: it died. */
  static clearWorker(shared: SharedArrayBuffer, workerIndex: number): void {
    const words = new Int32Array(shared)
    const workerCount = workerCountOf(words)
    for (let at = KEY_WORD_COUNT + workerIndex; at < words.length; at += workerCount) Atomics.store(words, at, 0)
  }

  /** Counts one more connection of this source; a ticket to give back, or NO_TICKET: over the cap, close it. */
  admit(source: TransportAddress): number {
    // Added first and looked at then: of connections that come to several workers at once never too many are admitted.
    const ticket = this.add(source)
    if (this.#countAt(0, bucketOf(ticket, 0)) <= this.#countMax) return ticket
    if (this.#countAt(1, bucketOf(ticket, 1)) <= this.#countMax) return ticket
    this.leave(ticket)
    return NO_TICKET
  }

  /** Counts a connection that stays whatever the count: its allocation has gone. */
  add(source: TransportAddress): number {
    const { high, low } = this.#hash.hashSource(source)
    const ticket =
      (low & (CONNECTION_CAP_BUCKET_COUNT - 1)) * CONNECTION_CAP_BUCKET_COUNT +
      (high & (CONNECTION_CAP_BUCKET_COUNT - 1))
    this.#change(ticket, 1)
    return ticket
  }

  leave(ticket: number): void {
    if (ticket !== NO_TICKET) this.#change(ticket, -1)
  }

  #change(ticket: number, difference: number): void {
    for (let row = 0; row < CONNECTION_CAP_ROW_COUNT; row++) {
      Atomics.add(this.#words, this.#startOf(row, bucketOf(ticket, row)) + this.#workerIndex, difference)
    }
  }

  #countAt(row: number, bucket: number): number {
    const start = this.#startOf(row, bucket)
    let count = 0
    for (let worker = 0; worker < this.#workerCount; worker++) count += Atomics.load(this.#words, start + worker)
    return count
  }

  #startOf(row: number, bucket: number): number {
    return KEY_WORD_COUNT + (row * CONNECTION_CAP_BUCKET_COUNT + bucket) * this.#workerCount
  }
}

/** A ticket is its two buckets in one small integer. */
function bucketOf(ticket: number, row: number): number {
  return row === 0 ? Math.floor(ticket / CONNECTION_CAP_BUCKET_COUNT) : ticket % CONNECTION_CAP_BUCKET_COUNT
}

function workerCountOf(words: Int32Array): number {
  return (words.length - KEY_WORD_COUNT) / (CONNECTION_CAP_ROW_COUNT * CONNECTION_CAP_BUCKET_COUNT)
}
