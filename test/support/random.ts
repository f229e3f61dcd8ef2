// A small seeded generator (xoshiro128**, by Blackman and Vigna), so that a failure of a fuzz or simulator run comes back with its seed.

/** Pseudo-random numbers that depend on the seed alone. Not for secrets. */
export class SeededRandom {
  private readonly state = new Uint32Array(4)

  constructor(seed: number) {
    // The seed is spread over the state (splitmix32): neighbouring seeds give unrelated sequences, and the state is never all zero.
    let word = seed >>> 0
    for (let index = 0; index < 4; index++) {
      word = (word + 0x9e3779b9) >>> 0
      let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
      this.state[index] = mixed ^ (mixed >>> 16)
    }
  }

  nextUint32(): number {
    const state = this.state
    const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0
    const shifted = state[1] << 9
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = rotateLeft(state[3], 11)
    return result
  }

  /** An integer from 0 to n − 1. */
  nextInt(n: number): number {
    return Math.floor((this.nextUint32() / 0x1_0000_0000) * n)
  }

  nextBytes(n: number): Uint8Array {
    const bytes = new Uint8Array(n)
    for (let index = 0; index < n; index++) bytes[index] = this.nextUint32() >>> 24
    return bytes
  }

  /** True once in `n` times on average. */
  oneIn(n: number): boolean {
    return this.nextInt(n) === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.nextInt(list.length)]
  }
}

function rotateLeft(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count))
}
