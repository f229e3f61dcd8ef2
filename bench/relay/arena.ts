// One piece of memory for everything that the kernel reads or writes: headers, addresses, packets. Never resized, never freed.
import { addressOf } from './libc.js'

const ALIGNMENT = 64
const HIGH_WORD = 2 ** 32

export class Arena {
  readonly bytes: Uint8Array
  /** The same memory as 32-bit words in the machine's order (little-endian on every machine that this runs on). */
  readonly words: Uint32Array
  readonly #base: number
  #used = 0

  constructor(size: number) {
    const memory = new ArrayBuffer(size)
    this.bytes = new Uint8Array(memory)
    this.words = new Uint32Array(memory)
    this.#base = addressOf(memory)
  }

  /** Reserves zeroed memory and returns its offset. */
  reserve(size: number): number {
    const offset = this.#used
    this.#used += Math.ceil(size / ALIGNMENT) * ALIGNMENT
    if (this.#used > this.bytes.length) throw new RangeError('the arena is too small')
    return offset
  }

  pointerAt(offset: number): number {
    if (offset < 0 || offset >= this.bytes.length) throw new RangeError('a pointer outside of the arena')
    return this.#base + offset
  }

  /** Stores a pointer to `target` at offset `at`. */
  storePointer(at: number, target: number): void {
    const pointer = this.pointerAt(target)
    this.words[at >> 2] = pointer >>> 0
    this.words[(at >> 2) + 1] = (pointer / HIGH_WORD) >>> 0
  }
}
