// Tokens that the operator configured, which let whoever sends one do one thing: compared by their hashes, in a time that tells nothing of them.
import { createHash, timingSafeEqual } from 'node:crypto'

export class BearerTokens {
  #hashes: readonly Buffer[]

  constructor(tokens: readonly string[]) {
    this.#hashes = tokens.map(hashOf)
  }

  get isEmpty(): boolean {
    return this.#hashes.length === 0
  }

  set(tokens: readonly string[]): void {
    this.#hashes = tokens.map(hashOf)
  }

  has(token: string): boolean {
    const hash = hashOf(token)
    return this.#hashes.filter((each) => timingSafeEqual(each, hash)).length > 0
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
