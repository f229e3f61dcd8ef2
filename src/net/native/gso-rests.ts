// Destinations where segmented sends failed (a small MTU on the way out, a transform that cannot segment): for a minute packets of
// that size or longer go there one by one. One such peer must not slow the others, nor its own small packets.
import { GSO_REST_COUNT, GSO_REST_SECONDS } from '../../limits/engines.js'
import { hashTransportAddress, type TransportAddress } from '../../stun/address.js'
import { TICKS_PER_SECOND } from '../../turn/allocation.js'

export const GSO_REST_TICKS = GSO_REST_SECONDS * TICKS_PER_SECOND

export class GsoRests {
  readonly #hashes = new Int32Array(GSO_REST_COUNT)
  readonly #lengths = new Int32Array(GSO_REST_COUNT)
  readonly #untils = new Float64Array(GSO_REST_COUNT)
  /** Nothing rests after this time (ticks): the usual case costs one compare. */
  #lastUntil = 0

  /** Packets of this length and longer rest from now on. */
  add(destination: TransportAddress, length: number, now: number): void {
    const hash = hashTransportAddress(destination)
    const entry = hash % GSO_REST_COUNT
    const isSame = this.#hashes[entry] === hash && this.#untils[entry] > now
    this.#lengths[entry] = isSame ? Math.min(this.#lengths[entry], length) : length
    this.#hashes[entry] = hash
    this.#untils[entry] = now + GSO_REST_TICKS
    this.#lastUntil = now + GSO_REST_TICKS
  }

  isResting(destination: TransportAddress, length: number, now: number): boolean {
    if (now >= this.#lastUntil) return false
    const hash = hashTransportAddress(destination)
    const entry = hash % GSO_REST_COUNT
    return this.#hashes[entry] === hash && this.#untils[entry] > now && length >= this.#lengths[entry]
  }
}
