// The reserved relay ports of all workers, in shared memory: a list without order, since they are few, and each lasts half a minute.
// No method locks: the caller holds the lock of the tables, but for what says otherwise. reservations.ts is the one to call.
//
//   count · nextExpiry · expiries [ t | t | … ] · entries [ token user host port owner account | … ]

const COUNT_BYTES = 8
const NEXT_EXPIRY_BYTES = 8
const ENTRY_WORDS = 9
// Words of an entry: the token, the hash of who may claim it, the port, the worker that holds its place, and the hash of whose place it is.
const TOKEN = 0
export const HOST_INDEX = 4
export const PORT = 5
export const OWNER = 6
export const ACCOUNT = 7

/** The list as it lies in shared memory. The caller of every method holds the lock. */
export class ReservationList {
  readonly capacity: number
  readonly #count: Int32Array
  /** One number: no reservation expires earlier. */
  readonly #nextExpiry: Float64Array
  readonly #expiries: Float64Array
  readonly #words: Int32Array

  constructor(capacity: number, shared: SharedArrayBuffer) {
    this.capacity = capacity
    this.#count = new Int32Array(shared, 0, 1)
    this.#nextExpiry = new Float64Array(shared, COUNT_BYTES, 1)
    this.#expiries = new Float64Array(shared, COUNT_BYTES + NEXT_EXPIRY_BYTES, capacity)
    this.#words = new Int32Array(shared, COUNT_BYTES + NEXT_EXPIRY_BYTES + capacity * 8, capacity * ENTRY_WORDS)
  }

  static allocate(capacity: number): SharedArrayBuffer {
    return new SharedArrayBuffer(COUNT_BYTES + NEXT_EXPIRY_BYTES + capacity * (8 + ENTRY_WORDS * 4))
  }

  /** May be read without the lock. */
  get size(): number {
    return Atomics.load(this.#count, 0)
  }

  /** May be read without the lock: who is mistaken looks again at the next tick. */
  get nextExpiry(): number {
    return this.#nextExpiry[0]
  }

  set nextExpiry(expiresAt: number) {
    this.#nextExpiry[0] = expiresAt
  }

  word(index: number, offset: number): number {
    return this.#words[index * ENTRY_WORDS + offset]
  }

  setWord(index: number, offset: number, value: number): void {
    this.#words[index * ENTRY_WORDS + offset] = value
  }

  expiresAt(index: number): number {
    return this.#expiries[index]
  }

  /** The reservation with this token for this owner, by the words of both; -1 if there is none. */
  find(words: readonly number[]): number {
    const [token] = words
    const { size } = this
    for (let index = 0; index < size; index++) {
      if (this.word(index, TOKEN) !== token) continue
      if (words.every((word, offset) => this.word(index, TOKEN + offset) === word)) return index
    }
    return -1
  }

  /** The last step makes it count: who dies before leaves nothing behind. */
  add(words: readonly number[], expiresAt: number): void {
    const index = this.size
    // Each reservation holds a place of the licence, and there are as many entries as places.
    if (index >= this.capacity) throw new Error('more reservations than places')
    this.#words.set(words, index * ENTRY_WORDS)
    this.#expiries[index] = expiresAt
    if (index === 0 || expiresAt < this.nextExpiry) this.nextExpiry = expiresAt
    Atomics.store(this.#count, 0, index + 1)
  }

  /** The last entry takes its place. */
  remove(index: number): void {
    const last = this.size - 1
    this.#words.copyWithin(index * ENTRY_WORDS, last * ENTRY_WORDS, (last + 1) * ENTRY_WORDS)
    this.#expiries[index] = this.#expiries[last]
    Atomics.store(this.#count, 0, last)
  }

  /** Forgets a dead worker's. Their ports and places are swept like its others. */
  sweep(worker: number): void {
    for (let index = this.size - 1; index >= 0; index--) if (this.word(index, OWNER) === worker) this.remove(index)
  }
}
