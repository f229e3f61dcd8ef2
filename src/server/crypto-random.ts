// The core's randomness: unpredictable numbers from the operating system.
import { randomFillSync } from 'node:crypto'
import type { RandomSource } from '../turn/output.js'

/** 32-bit numbers, fetched in blocks: one system call serves 256 of them. */
export class CryptoRandom implements RandomSource {
  readonly #block = new Uint32Array(256)
  #next = 256

  nextUint32(): number {
    if (this.#next === this.#block.length) {
      randomFillSync(this.#block)
      this.#next = 0
    }
    const value = this.#block[this.#next]
    // A number that has been given out is not kept.
    this.#block[this.#next++] = 0
    return value
  }
}
