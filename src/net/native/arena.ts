// One piece of memory for everything that the kernel reads or writes: message headers, addresses, packets. Built once at start,
// never resized, transferred or freed while the engine lives. Every address that is handed to the C library comes from pointerAt.
import type { Koffi } from './koffi.js'

const ALIGNMENT = 64
const HIGH_WORD = 2 ** 32
const ALLOCATION_ATTEMPT_COUNT = 8

export class Arena {
  readonly bytes: Uint8Array
  /** The same memory as 32-bit words in the machine's order (little-endian). */
  readonly words: Int32Array
  readonly #base: number
  /** The upper half of every address in the arena. */
  readonly #baseHigh: number
  readonly #baseLow: number
  #used = 0

  /** @param base the address of the memory, which must not cross a multiple of 4 GiB */
  constructor(memory: ArrayBuffer, base: number) {
    this.bytes = new Uint8Array(memory)
    this.words = new Int32Array(memory)
    this.#base = base
    this.#baseHigh = (base / HIGH_WORD) | 0
    this.#baseLow = (base % HIGH_WORD) | 0
  }

  /** Reserves zeroed memory, aligned to a cache line. Returns its offset. */
  reserve(length: number): number {
    const offset = this.#used
    this.#used += Math.ceil(length / ALIGNMENT) * ALIGNMENT
    if (this.#used > this.bytes.length) throw new RangeError('the arena is too small')
    return offset
  }

  /** The address of this offset. */
  pointerAt(offset: number): number {
    if (offset < 0 || offset >= this.bytes.length) throw new RangeError('a pointer outside of the arena')
    return this.#base + offset
  }

  /** Stores the address of `target` at offset `at`, both halves. */
  storePointer(at: number, target: number): void {
    this.storePointerLow(at, target)
    this.words[(at >> 2) + 1] = this.#baseHigh
  }

  /** The same where another pointer into the arena was stored before: the upper half does not change. */
  storePointerLow(at: number, target: number): void {
    if (target < 0 || target >= this.bytes.length) throw new RangeError('a pointer outside of the arena')
    this.words[at >> 2] = (this.#baseLow + target) | 0
  }
}

/** A new arena of this many bytes. */
export function allocateArena(koffi: Koffi, length: number): Arena {
  const rejected: ArrayBuffer[] = []
  for (let attempt = 0; attempt < ALLOCATION_ATTEMPT_COUNT; attempt++) {
    const memory = new ArrayBuffer(length)
    const base = Number(koffi.address(new Uint8Array(memory)))
    if (Math.floor(base / HIGH_WORD) === Math.floor((base + length - 1) / HIGH_WORD)) return new Arena(memory, base)
    // Kept for now, so that the next one lies elsewhere.
    rejected.push(memory)
  }
  throw new Error(`no ${rejected.length} buffers in a row can cross a 4 GiB boundary`)
}
