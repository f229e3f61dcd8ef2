// How many of something each source has: an IPv4 address, or the /64 of an IPv6 address, which one host can use as a whole.
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'

export class SourceCounts {
  readonly #counts = new Map<number | string, number>()

  of(address: TransportAddress): number {
    return this.#counts.get(sourceOf(address)) ?? 0
  }

  add(address: TransportAddress): void {
    this.#counts.set(sourceOf(address), this.of(address) + 1)
  }

  remove(address: TransportAddress): void {
    const count = this.of(address)
    if (count > 1) this.#counts.set(sourceOf(address), count - 1)
    else this.#counts.delete(sourceOf(address))
  }
}

function sourceOf({ family, word0, word1 }: TransportAddress): number | string {
  return family === FAMILY_IPV6 ? `${word0}:${word1}` : word0
}
