// A keyed 64-bit hash for tables that others fill: user names and source addresses. Whoever does not know the key can neither
// aim at a slot nor make two names meet. HalfSipHash-2-4 with 64 bits of output (Aumasson, Bernstein): 32-bit words throughout, which
// is what JavaScript is quick at.
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'

export class KeyedHash {
  /** The result of the last hash: two 32-bit integers. */
  low = 0
  high = 0
  readonly #key0: number
  readonly #key1: number
  #v0 = 0
  #v1 = 0
  #v2 = 0
  #v3 = 0

  constructor(key0: number, key1: number) {
    this.#key0 = key0 | 0
    this.#key1 = key1 | 0
  }

  /** Of its UTF-16 code units, two bytes each. */
  hashText(text: string): this {
    const pairEnd = text.length & ~1
    this.#begin()
    for (let index = 0; index < pairEnd; index += 2) {
      this.#add(text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16))
    }
    return this.#finish(text.length * 2, pairEnd < text.length ? text.charCodeAt(pairEnd) : 0)
  }

  /** Of whom an address stands for: an IPv4 address, or the /64 of an IPv6 address, which one host can use as a whole. */
  hashSource(address: TransportAddress): this {
    this.#begin()
    this.#add(address.word0)
    if (address.family === FAMILY_IPV6) this.#add(address.word1)
    return this.#finish(address.family, 0)
  }

  hashWords(words: readonly number[]): this {
    this.#begin()
    for (const word of words) this.#add(word)
    return this.#finish(words.length * 4, 0)
  }

  #begin(): void {
    // The constants and the order of steps are the reference implementation's.
    this.#v0 = this.#key0
    this.#v1 = this.#key1 ^ 0xee
    this.#v2 = 0x6c796765 ^ this.#key0
    this.#v3 = 0x74656462 ^ this.#key1
  }

  #add(word: number): void {
    this.#v3 ^= word
    this.#rounds(2)
    this.#v0 ^= word
  }

  /** `tail` is what did not fill a word: at most three bytes. */
  #finish(byteLength: number, tail: number): this {
    this.#add((byteLength << 24) | tail)
    this.#v2 ^= 0xee
    this.#rounds(4)
    this.low = this.#v1 ^ this.#v3
    this.#v1 ^= 0xdd
    this.#rounds(4)
    this.high = this.#v1 ^ this.#v3
    return this
  }

  #rounds(count: number): void {
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0
      v1 = rotated(v1, 5) ^ v0
      v0 = rotated(v0, 16)
      v2 = (v2 + v3) | 0
      v3 = rotated(v3, 8) ^ v2
      v0 = (v0 + v3) | 0
      v3 = rotated(v3, 7) ^ v0
      v2 = (v2 + v1) | 0
      v1 = rotated(v1, 13) ^ v2
      v2 = rotated(v2, 16)
    }
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}

function rotated(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count))
}
