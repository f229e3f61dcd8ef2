// The users who hold places in the quota, in shared memory: an entry each, with the places of every worker by itself. No method
// locks: the caller holds the lock of the tables, but for what says otherwise.
//
//   index   [ 0 | 3 | 1 | 0 | … ]      open addressing by the name's hash: entry + 1, or 0; at most half full
//   entries [ low high · two words of bandwidth · places of worker 0, 1, … ]      stays where it is while anybody holds a place
//   free    [ 2 | … ]                  entries that were used before
//
// Places are the truth: the rest is made from them again when a worker has died in the midst of a change.

const HEADER_WORDS = 3
const HELD = 0
const FREE_COUNT = 1
/** Entries that have ever been used: the ones above are zeros that no page of memory stands for yet. */
const FRESH = 2

const LOW = 0
const HIGH = 1
const BANDWIDTH = 2
const PLACES = 4

export class UserTable {
  readonly capacity: number
  readonly #workerCount: number
  readonly #stride: number
  readonly #header: Int32Array
  readonly #entries: Int32Array
  readonly #free: Int32Array
  readonly #index: Int32Array
  readonly #mask: number

  /**
   * @param capacity users at the same time
   * @param shared the memory of UserTable.allocate for the same numbers
   */
  constructor(capacity: number, workerCount: number, shared: SharedArrayBuffer) {
    const stride = PLACES + workerCount
    const indexLength = indexLengthOf(capacity)
    let offset = 0
    const words = (length: number): Int32Array => {
      const view = new Int32Array(shared, offset, length)
      offset += view.byteLength
      return view
    }
    this.capacity = capacity
    this.#workerCount = workerCount
    this.#stride = stride
    this.#header = words(HEADER_WORDS)
    this.#entries = words(capacity * stride)
    this.#free = words(capacity)
    this.#index = words(indexLength)
    this.#mask = indexLength - 1
  }

  static allocate(capacity: number, workerCount: number): SharedArrayBuffer {
    const wordCount = HEADER_WORDS + capacity * (PLACES + workerCount + 1) + indexLengthOf(capacity)
    return new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT)
  }

  /** Places of all users; may be read without the lock. */
  get held(): number {
    return Atomics.load(this.#header, HELD)
  }

  /** The entry of the user with this hash, or -1. */
  find(low: number, high: number): number {
    const mark = markOf(low)
    for (let slot = mark & this.#mask; this.#index[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const entry = this.#index[slot] - 1
      const at = entry * this.#stride
      if (this.#entries[at + LOW] === mark && this.#entries[at + HIGH] === high) return entry
    }
    return -1
  }

  /**
   * A new entry without places. There must be room: every user holds a place, and places are counted first.
   * @param fullAt the tick at which the user's bandwidth is full, in both directions; stored modulo 2^32
   */
  add(low: number, high: number, fullAt: number): number {
    const freeCount = this.#header[FREE_COUNT]
    const entry = freeCount > 0 ? this.#free[freeCount - 1] : this.#header[FRESH]
    if (entry >= this.capacity) throw new Error('more users than places')
    if (freeCount > 0) this.#header[FREE_COUNT]--
    else this.#header[FRESH]++
    const at = entry * this.#stride
    this.#entries.fill(0, at, at + this.#stride)
    this.#entries[at + LOW] = markOf(low)
    this.#entries[at + HIGH] = high
    this.#entries.fill(fullAt, at + BANDWIDTH, at + BANDWIDTH + 2)
    this.#place(entry)
    return entry
  }

  /** May be read without the lock by who holds one of them, for an estimate. */
  placesOf(entry: number): number {
    let count = 0
    for (let worker = 0; worker < this.#workerCount; worker++) count += this.placesOfWorker(entry, worker)
    return count
  }

  placesOfWorker(entry: number, worker: number): number {
    return this.#entries[entry * this.#stride + PLACES + worker]
  }

  /** Changes the places that the user has by a worker; a user without any is forgotten. */
  addPlaces(entry: number, worker: number, count: number): void {
    this.#entries[entry * this.#stride + PLACES + worker] += count
    Atomics.add(this.#header, HELD, count)
    if (count < 0 && this.placesOf(entry) === 0) this.#remove(entry)
  }

  /** Takes all places of a worker away. Returns their number. */
  sweep(worker: number): number {
    let swept = 0
    let held = 0
    this.#header[FREE_COUNT] = 0
    this.#index.fill(0)
    for (let entry = 0; entry < this.#header[FRESH]; entry++) {
      const at = entry * this.#stride
      if (this.#entries[at + LOW] !== 0) {
        swept += this.placesOfWorker(entry, worker)
        this.#entries[at + PLACES + worker] = 0
      }
      const places = this.placesOf(entry)
      held += places
      if (places > 0) this.#place(entry)
      else this.#release(entry)
    }
    Atomics.store(this.#header, HELD, held)
    return swept
  }

  /** Where the words of the user's shared bandwidth begin, one a direction. They may be used by who holds a place, without the lock. */
  bandwidthAt(entry: number): number {
    return entry * this.#stride + BANDWIDTH
  }

  /** The memory that bandwidthAt points into. */
  get entries(): Int32Array {
    return this.#entries
  }

  #place(entry: number): void {
    let slot = this.#entries[entry * this.#stride + LOW] & this.#mask
    while (this.#index[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#index[slot] = entry + 1
  }

  #remove(entry: number): void {
    let slot = this.#entries[entry * this.#stride + LOW] & this.#mask
    while (this.#index[slot] !== entry + 1) slot = (slot + 1) & this.#mask
    this.#closeGap(slot)
    this.#release(entry)
  }

  /** Later entries of the same run move back, so a look-up ends at the first empty slot. */
  #closeGap(gap: number): void {
    let slot = gap
    for (;;) {
      slot = (slot + 1) & this.#mask
      if (this.#index[slot] === 0) break
      const home = this.#entries[(this.#index[slot] - 1) * this.#stride + LOW]
      if (((slot - home) & this.#mask) >= ((slot - gap) & this.#mask)) {
        this.#index[gap] = this.#index[slot]
        gap = slot
      }
    }
    this.#index[gap] = 0
  }

  #release(entry: number): void {
    this.#entries[entry * this.#stride + LOW] = 0
    this.#free[this.#header[FREE_COUNT]++] = entry
  }
}

/** Never 0, which marks an entry that nobody has. */
function markOf(low: number): number {
  return low === 0 ? 1 : low
}

function indexLengthOf(capacity: number): number {
  let length = 2
  while (length < capacity * 2) length *= 2
  return length
}
