// The relay ports of all relay addresses: who holds which, in one shared array that any worker can read and claim from.
//
// One word per (relay address, even/odd pair), claimed by compare-and-exchange; each half-word is one port:
//
//   bits 0–7   owner: worker index + 1, 0 = free          (255 = outside the range, never free)
//   bit  8     live: a relay socket is bound (hairpin, nested clients)
//   bit  9     reserved: promised to a RESERVATION-TOKEN, not bound
//   bit 10     the live socket is a TCP listener, otherwise it is one of UDP; a port is never both
//
// The low half is the even port, so EVEN-PORT with R=1 (RFC 8656 §7.2) takes a free pair in one step. Behind the words are two counts per
// relay address: live ports, and claimed ones, for a claim in a full range to cost nothing.
import type { RandomSource } from './output.js'

const OWNER_MASK = 0xff
const OWNER_OUTSIDE = 0xff
const LIVE = 0x100
const RESERVED = 0x200
const TCP = 0x400
const HALF_MASK = 0xffff

/** Random picks before the range is scanned in order: enough while fewer than nine ports in ten are taken. */
const RANDOM_PICK_COUNT = 8

export class RelayPorts {
  readonly minPort: number
  readonly maxPort: number
  readonly #firstPair: number
  readonly #pairCount: number
  readonly #words: Int32Array
  readonly #liveCounts: Int32Array
  readonly #claimedCounts: Int32Array
  readonly #owner: number
  readonly #random: RandomSource

  /**
   * @param hostCount relay addresses; each has the whole range minPort–maxPort (both inclusive)
   * @param workerIndex 0–253: whose claims these are
   * @param shared the memory of RelayPorts.allocate, so that workers share one table; a new one if absent
   */
  constructor(
    hostCount: number,
    minPort: number,
    maxPort: number,
    random: RandomSource,
    workerIndex = 0,
    shared: SharedArrayBuffer = RelayPorts.allocate(hostCount, minPort, maxPort),
  ) {
    this.minPort = minPort
    this.maxPort = maxPort
    this.#firstPair = minPort >> 1
    this.#pairCount = (maxPort >> 1) - this.#firstPair + 1
    this.#words = new Int32Array(shared, 0, hostCount * this.#pairCount)
    this.#liveCounts = new Int32Array(shared, this.#words.byteLength, hostCount)
    this.#claimedCounts = new Int32Array(shared, this.#words.byteLength + this.#liveCounts.byteLength, hostCount)
    this.#owner = workerIndex + 1
    this.#random = random
  }

  /** The memory of a table with nothing claimed. */
  static allocate(hostCount: number, minPort: number, maxPort: number): SharedArrayBuffer {
    const pairCount = (maxPort >> 1) - (minPort >> 1) + 1
    const shared = new SharedArrayBuffer(hostCount * (pairCount + 2) * 4)
    const words = new Int32Array(shared)
    for (let host = 0; host < hostCount; host++) {
      if ((minPort & 1) === 1) words[host * pairCount] |= OWNER_OUTSIDE
      if ((maxPort & 1) === 0) words[(host + 1) * pairCount - 1] |= OWNER_OUTSIDE << 16
    }
    return shared
  }

  /** Claims a random free port. Returns it, or 0 if there is none. */
  claim(hostIndex: number): number {
    if (this.#isFull(hostIndex)) return 0
    for (let attempt = 0; attempt < RANDOM_PICK_COUNT; attempt++) {
      const port = this.#portAt(this.#random.nextUint32())
      if (this.#tryClaim(hostIndex, port)) return port
    }
    const offset = this.#random.nextUint32()
    for (let step = 0; step <= this.maxPort - this.minPort; step++) {
      const port = this.#portAt(offset + step)
      if (this.#tryClaim(hostIndex, port)) return port
    }
    return 0
  }

  /** Claims a random free even port; with `reserveNext` also the odd port above it, as reserved. Returns the even port, or 0. */
  claimEven(hostIndex: number, reserveNext: boolean): number {
    if (this.#isFull(hostIndex)) return 0
    const offset = this.#random.nextUint32() % this.#pairCount
    for (let attempt = 0; attempt < RANDOM_PICK_COUNT + this.#pairCount; attempt++) {
      const pair =
        attempt < RANDOM_PICK_COUNT ? this.#random.nextUint32() % this.#pairCount : (offset + attempt) % this.#pairCount
      const port = ((this.#firstPair + pair) * 2) | 0
      if (reserveNext ? this.#tryClaimPair(hostIndex, port) : this.#tryClaim(hostIndex, port)) return port
    }
    return 0
  }

  /** A reserved port becomes an ordinary claim of this worker. */
  claimReserved(hostIndex: number, port: number): boolean {
    return this.#replaceHalf(hostIndex, port, isReserved, this.#owner) >= 0
  }

  release(hostIndex: number, port: number): void {
    this.#release(hostIndex, port, isHeld)
  }

  /** Releases every port that a worker which has died holds, live or reserved. Returns their number. */
  sweep(workerIndex: number): number {
    // A live worker may claim a reserved one meanwhile, which is then its own.
    const isOfDead = (half: number): boolean => (half & OWNER_MASK) === workerIndex + 1
    let count = 0
    for (let hostIndex = 0; hostIndex < this.#liveCounts.length; hostIndex++) {
      for (let port = this.minPort; port <= this.maxPort; port++) {
        if (isOfDead(this.#half(hostIndex, port)) && this.#release(hostIndex, port, isOfDead)) count++
      }
    }
    return count
  }

  /** The relay socket on this port is bound. */
  markLive(hostIndex: number, port: number, isTcp = false): void {
    const half = this.#replaceHalf(hostIndex, port, isHeld, this.#owner | LIVE | (isTcp ? TCP : 0))
    if (half >= 0 && (half & LIVE) === 0) Atomics.add(this.#liveCounts, hostIndex, 1)
  }

  isInRange(port: number): boolean {
    return port >= this.minPort && port <= this.maxPort
  }

  /** Is a relay socket bound to this port, by any worker? */
  isLive(hostIndex: number, port: number): boolean {
    return this.isInRange(port) && (this.#half(hostIndex, port) & LIVE) !== 0
  }

  /** Is it bound, and of this protocol? To the other one the port is a stranger's. */
  isLiveOf(hostIndex: number, port: number, isTcp: boolean): boolean {
    const live = isTcp ? LIVE | TCP : LIVE
    return this.isInRange(port) && (this.#half(hostIndex, port) & (LIVE | TCP)) === live
  }

  /** Relay sockets bound on one relay address. */
  liveCount(hostIndex: number): number {
    return Atomics.load(this.#liveCounts, hostIndex)
  }

  /** Ports that are claimed or reserved on one relay address. */
  claimedCountOf(hostIndex: number): number {
    return Atomics.load(this.#claimedCounts, hostIndex)
  }

  /** The same on all of them, counted in the words: slow, for tests. */
  claimedCount(): number {
    let count = 0
    for (const word of this.#words) {
      if (isHeld(word & HALF_MASK)) count++
      if (isHeld(word >>> 16)) count++
    }
    return count
  }

  /** Some port of the range. `| 0`: numbers of 32 bits are doubles, and one double among ports makes every `port` field one. */
  #portAt(number: number): number {
    return (this.minPort + (number % (this.maxPort - this.minPort + 1))) | 0
  }

  #half(hostIndex: number, port: number): number {
    const word = Atomics.load(this.#words, this.#index(hostIndex, port))
    return (port & 1) === 0 ? word & HALF_MASK : word >>> 16
  }

  #index(hostIndex: number, port: number): number {
    return hostIndex * this.#pairCount + (port >> 1) - this.#firstPair
  }

  #isFull(hostIndex: number): boolean {
    return this.claimedCountOf(hostIndex) > this.maxPort - this.minPort
  }

  #tryClaim(hostIndex: number, port: number): boolean {
    // A scan passes thousands that are taken.
    if (this.#half(hostIndex, port) !== 0) return false
    const isClaimed = this.#replaceHalf(hostIndex, port, isFree, this.#owner) >= 0
    if (isClaimed) Atomics.add(this.#claimedCounts, hostIndex, 1)
    return isClaimed
  }

  #tryClaimPair(hostIndex: number, evenPort: number): boolean {
    const both = this.#owner | ((this.#owner | RESERVED) << 16)
    const isClaimed = Atomics.compareExchange(this.#words, this.#index(hostIndex, evenPort), 0, both) === 0
    if (isClaimed) Atomics.add(this.#claimedCounts, hostIndex, 2)
    return isClaimed
  }

  #release(hostIndex: number, port: number, accept: (half: number) => boolean): boolean {
    // A worker that dies here leaves the count of claimed ports too low, which costs somebody a scan; too high, and one is never found.
    Atomics.sub(this.#claimedCounts, hostIndex, 1)
    const half = this.#replaceHalf(hostIndex, port, accept, 0)
    // That of live ports it leaves too high: nobody may think that there are none.
    if (half < 0) Atomics.add(this.#claimedCounts, hostIndex, 1)
    else if ((half & LIVE) !== 0) Atomics.sub(this.#liveCounts, hostIndex, 1)
    return half >= 0
  }

  /**
   * Replaces one half-word if `accept` says so of its present value; the neighbour's half stays as it is. Returns what was there, or
   * -1 if it was not accepted.
   */
  #replaceHalf(hostIndex: number, port: number, accept: (half: number) => boolean, next: number): number {
    const index = this.#index(hostIndex, port)
    for (;;) {
      const word = Atomics.load(this.#words, index)
      const half = (port & 1) === 0 ? word & HALF_MASK : word >>> 16
      if (!accept(half)) return -1
      const replaced = (port & 1) === 0 ? (word & ~HALF_MASK) | next : (word & HALF_MASK) | (next << 16)
      if (Atomics.compareExchange(this.#words, index, word, replaced) === word) return half
    }
  }
}

function isFree(half: number): boolean {
  return half === 0
}

function isReserved(half: number): boolean {
  return (half & RESERVED) !== 0
}

function isHeld(half: number): boolean {
  const owner = half & OWNER_MASK
  return owner !== 0 && owner !== OWNER_OUTSIDE
}
