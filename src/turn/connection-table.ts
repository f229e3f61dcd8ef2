// The peer connections of TCP allocations (RFC 6062), in shared memory: a client's data connection may reach another worker than its
// control connection. The worker of the allocation owns the entry, the one that the data connection has reached, the binder, claims it.
//
//   each worker owns PEER_CONNECTION_SLOT_COUNT slots · state [ generation · binder · FREE … DOOMED ] · id · user · handle · client port · bucket · bytes
//
//   FREE ──publish──► PENDING ──claim (any worker)──► BOUND ──end (binder)──► ENDED ──release (owner)──► FREE
//                        └──withdraw (owner)──► FREE     └──doom (owner)──► DOOMED ──end (binder)──► ENDED
//
// Why no lock is needed. All words of a slot are read and written with Atomics, which are sequentially consistent, and each state is left
// by one worker only, but for two, which are left by compare-and-exchange: PENDING (owner withdraws, any worker claims) and BOUND (owner
// dooms, binder ends).
//
// - Id, user, handle, client port and bucket are written by the owner before the state says PENDING, and not again before it is FREE once more. So who
//   claims reads them between a load that said PENDING and a compare-and-exchange that still finds the same word: they belong together.
//   The generation is in the word, so that a slot which was freed and published again in between is another word; it comes round after
//   two million uses of one slot, and nobody sleeps that long between two instructions.
// - One compare-and-exchange wins: of two binders one gets the connection, and of an owner that withdraws and a binder that claims, one
//   closes the handle.
// - The bytes are plain numbers of the binder's, written before it stores ENDED and read by the owner after it has seen that; an
//   earlier look may be a little behind.
// - Who changes a state that another worker waits for adds one to that worker's notices afterwards. A worker that finds its notices
//   unchanged has missed nothing, or finds them changed the next time.
// - An id is stored first and looked for in all other slots then: of two workers that draw the same one at once, one at least sees it.
// - The sweeper writes a dead worker's share: where it was the owner, PENDING becomes FREE, and BOUND by another DOOMED; where it was the
//   binder, ENDED. Its successor finds what is not FREE in its slots, and releases it when it has ended.
import { PEER_CONNECTION_SLOT_COUNT } from '../limits/turn.js'
import type { RandomSource } from './output.js'
import type { SharedBucket } from './user-bandwidth.js'

const FREE = 0
const PENDING = 1
const BOUND = 2
const ENDED = 3
const DOOMED = 4
const STATE_MASK = 0b111
/** The binder: worker index + 1, of WORKER_COUNT_MAX. */
const BINDER_SHIFT = 3
const BINDER_MASK = 0xff
const GENERATION = 1 << 11
const GENERATION_MASK = -GENERATION

const WORDS_PER_SLOT = 9
const BYTES_PER_SLOT = 16 + WORDS_PER_SLOT * 4

export class ConnectionTable {
  readonly #workerIndex: number
  readonly #workerCount: number
  readonly #bytes: Float64Array
  readonly #states: Int32Array
  readonly #ids: Int32Array
  readonly #usersLow: Int32Array
  readonly #usersHigh: Int32Array
  readonly #handles: Int32Array
  readonly #clientPorts: Int32Array
  readonly #buckets: Int32Array
  /** Two words a bucket; there are as many as slots. */
  readonly #bandwidth: Int32Array
  /** By worker. */
  readonly #notices: Int32Array
  /** By worker: how many of its slots were ever used. */
  readonly #usedCounts: Int32Array

  constructor(workerCount: number, shared: SharedArrayBuffer, workerIndex: number) {
    const slotCount = workerCount * PEER_CONNECTION_SLOT_COUNT
    let offset = slotCount * 16
    const words = (length: number): Int32Array => {
      const view = new Int32Array(shared, offset, length)
      offset += view.byteLength
      return view
    }
    this.#workerIndex = workerIndex
    this.#workerCount = workerCount
    this.#bytes = new Float64Array(shared, 0, slotCount * 2)
    this.#states = words(slotCount)
    this.#ids = words(slotCount)
    this.#usersLow = words(slotCount)
    this.#usersHigh = words(slotCount)
    this.#handles = words(slotCount)
    this.#clientPorts = words(slotCount)
    this.#buckets = words(slotCount)
    this.#bandwidth = words(slotCount * 2)
    this.#notices = words(workerCount)
    this.#usedCounts = words(workerCount)
  }

  static allocate(workerCount: number): SharedArrayBuffer {
    return new SharedArrayBuffer(workerCount * (PEER_CONNECTION_SLOT_COUNT * BYTES_PER_SLOT + 8))
  }

  /** Changes whenever another worker has changed something of ours. */
  get notices(): number {
    return Atomics.load(this.#notices, this.#workerIndex)
  }

  // The owner's side: connection-slots.ts keeps the books of its free slots.

  /** The number of our first slot. */
  get first(): number {
    return this.#workerIndex * PEER_CONNECTION_SLOT_COUNT
  }

  /** How many of our slots were ever used. */
  get usedCount(): number {
    return Atomics.load(this.#usedCounts, this.#workerIndex)
  }

  /** Uses one more of our slots for the first time. Returns it, or -1 if there are no more. */
  addSlot(): number {
    const count = this.usedCount
    if (count === PEER_CONNECTION_SLOT_COUNT) return -1
    Atomics.store(this.#usedCounts, this.#workerIndex, count + 1)
    return this.first + count
  }

  /** Draws an id for a free slot, and gives it a bucket. */
  prepare(index: number, bucket: number, random: RandomSource): void {
    Atomics.store(this.#buckets, index, bucket)
    this.#bytes.fill(0, index * 2, index * 2 + 2)
    do Atomics.store(this.#ids, index, random.nextUint32() | 0)
    while (!this.#isUnique(index))
  }

  /**
   * From now on any worker may claim it, for this user: the two words of the name's hash.
   * @param clientPort of the control connection
   */
  publish(index: number, low: number, high: number, handle: number, clientPort: number): void {
    Atomics.store(this.#usersLow, index, low)
    Atomics.store(this.#usersHigh, index, high)
    Atomics.store(this.#handles, index, handle)
    Atomics.store(this.#clientPorts, index, clientPort)
    const generation = (Atomics.load(this.#states, index) + GENERATION) & GENERATION_MASK
    Atomics.store(this.#states, index, generation | PENDING)
  }

  /** Takes back what is pending. False if it has been claimed. */
  withdraw(index: number): boolean {
    return this.#replace(index, PENDING, FREE, 0) >= 0
  }

  /** Tells the binder that the pair must end. False if it has ended by itself. */
  doom(index: number): boolean {
    const binder = this.#replace(index, BOUND, DOOMED)
    if (binder > 0) this.#notify(binder - 1)
    return binder > 0
  }

  isFree(index: number): boolean {
    return this.#stateOf(index) === FREE
  }

  isEnded(index: number): boolean {
    return this.#stateOf(index) === ENDED
  }

  /** For a slot that is prepared, withdrawn or ended. */
  free(index: number): void {
    Atomics.store(this.#ids, index, 0)
    Atomics.store(this.#states, index, (Atomics.load(this.#states, index) & GENERATION_MASK) | FREE)
  }

  // The binder's side.

  /** Takes the pending connection with this id for this user. Returns its slot, or -1 if there is none. */
  claim(id: number, low: number, high: number): number {
    for (let index = this.#nextOf(id | 0, 0); index >= 0; index = this.#nextOf(id | 0, index + 1)) {
      if (this.#claim(index, id | 0, low, high)) return index
    }
    return -1
  }

  /** The port of the control connection of a pending connection; 0 if there is none of this id. */
  clientPortOf(id: number): number {
    for (let index = this.#nextOf(id | 0, 0); index >= 0; index = this.#nextOf(id | 0, index + 1)) {
      if (this.#stateOf(index) === PENDING) return Atomics.load(this.#clientPorts, index)
    }
    return 0
  }

  isDoomed(index: number): boolean {
    return this.#stateOf(index) === DOOMED
  }

  /** Counts payload of a bound connection. `direction` is FROM_CLIENT or TO_CLIENT. */
  addBytes(index: number, direction: number, length: number): void {
    this.#bytes[index * 2 + direction] += length
  }

  /** The pair of a slot that we have claimed has ended, doomed or not. */
  end(index: number): void {
    const binder = this.#workerIndex + 1
    const word = Atomics.load(this.#states, index) & GENERATION_MASK
    // The owner may doom it meanwhile, which makes no difference any more.
    Atomics.store(this.#states, index, word | (binder << BINDER_SHIFT) | ENDED)
    this.#notify(Math.floor(index / PEER_CONNECTION_SLOT_COUNT))
  }

  idOf(index: number): number {
    return Atomics.load(this.#ids, index) >>> 0
  }

  handleOf(index: number): number {
    return Atomics.load(this.#handles, index)
  }

  bytesOf(index: number, direction: number): number {
    return this.#bytes[index * 2 + direction]
  }

  /** The number of the bucket that this slot's allocation uses for its bandwidth. */
  bucketOf(index: number): number {
    return Atomics.load(this.#buckets, index)
  }

  /** The two words of a bucket. */
  bandwidthOf(bucket: number): SharedBucket {
    return { words: this.#bandwidth, at: bucket * 2, isShared: () => true }
  }

  /** For the sweeper: frees what this table's worker, which has died, had to do with. Returns the handles that nobody has any more. */
  sweep(): number[] {
    const handles: number[] = []
    for (let worker = 0; worker < this.#workerCount; worker++) {
      const first = worker * PEER_CONNECTION_SLOT_COUNT
      const end = first + Atomics.load(this.#usedCounts, worker)
      for (let index = first; index < end; index++) {
        if (worker === this.#workerIndex) this.#sweepOwned(index, handles)
        else this.#sweepBound(index, worker)
      }
    }
    return handles
  }

  #sweepOwned(index: number, handles: number[]): void {
    const handle = this.handleOf(index)
    const isOurs = this.#binderOf(index) === this.#workerIndex + 1
    if (this.withdraw(index)) handles.push(handle)
    else if (!isOurs && this.doom(index)) return
    // Doomed before, and its binder lives.
    if (this.isDoomed(index) && !isOurs) return
    this.free(index)
  }

  #sweepBound(index: number, owner: number): void {
    if (this.#binderOf(index) !== this.#workerIndex + 1) return
    if (this.#replace(index, BOUND, ENDED) >= 0 || this.#replace(index, DOOMED, ENDED) >= 0) this.#notify(owner)
  }

  /** Is its id one, and no other slot's? */
  #isUnique(index: number): boolean {
    const id = Atomics.load(this.#ids, index)
    if (id === 0) return false
    return this.#nextOf(id, 0) === index && this.#nextOf(id, index + 1) < 0
  }

  /** The first slot from `start` on that was ever used and has this id; -1 if none has. An id is one slot's, but while two are drawn. */
  #nextOf(id: number, start: number): number {
    for (let worker = Math.floor(start / PEER_CONNECTION_SLOT_COUNT); worker < this.#workerCount; worker++) {
      const first = worker * PEER_CONNECTION_SLOT_COUNT
      const end = first + Atomics.load(this.#usedCounts, worker)
      for (let index = Math.max(first, start); index < end; index++) {
        if (Atomics.load(this.#ids, index) === id) return index
      }
    }
    return -1
  }

  #claim(index: number, id: number, low: number, high: number): boolean {
    const word = Atomics.load(this.#states, index)
    const isOfUser = Atomics.load(this.#usersLow, index) === low && Atomics.load(this.#usersHigh, index) === high
    if ((word & STATE_MASK) !== PENDING || Atomics.load(this.#ids, index) !== id || !isOfUser) return false
    const bound = (word & GENERATION_MASK) | ((this.#workerIndex + 1) << BINDER_SHIFT) | BOUND
    return Atomics.compareExchange(this.#states, index, word, bound) === word
  }

  /** From one state to another. Returns the binder's mark, which is `binder` then if that is given; -1 if it was in another state. */
  #replace(index: number, from: number, to: number, binder?: number): number {
    const word = Atomics.load(this.#states, index)
    if ((word & STATE_MASK) !== from) return -1
    const mark = binder ?? (word >>> BINDER_SHIFT) & BINDER_MASK
    const next = (word & GENERATION_MASK) | (mark << BINDER_SHIFT) | to
    return Atomics.compareExchange(this.#states, index, word, next) === word ? mark : -1
  }

  #binderOf(index: number): number {
    return (Atomics.load(this.#states, index) >>> BINDER_SHIFT) & BINDER_MASK
  }

  #stateOf(index: number): number {
    return Atomics.load(this.#states, index) & STATE_MASK
  }

  #notify(worker: number): void {
    Atomics.add(this.#notices, worker, 1)
  }
}
