// Reserved relay ports (EVEN-PORT with R=1, RFC 8656 §7.2): a token is good for one Allocate of the same user, on any worker.
import type { RandomSource } from './output.js'

export const RESERVATION_TOKEN_LENGTH = 8

export interface Reservation {
  readonly token: Uint8Array
  readonly username: string
  readonly hostIndex: number
  readonly port: number
  /** Core ticks. */
  readonly expiresAt: number
}

export class Reservations {
  readonly #byToken = new Map<string, Reservation>()

  /** Bounded by the quotas: each reservation holds a place of the licence. */
  get size(): number {
    return this.#byToken.size
  }

  add(username: string, hostIndex: number, port: number, expiresAt: number, random: RandomSource): Reservation {
    const token = new Uint8Array(RESERVATION_TOKEN_LENGTH)
    const view = new DataView(token.buffer)
    view.setUint32(0, random.nextUint32())
    view.setUint32(4, random.nextUint32())
    const reservation = { token, username, hostIndex, port, expiresAt }
    this.#byToken.set(keyOf(token), reservation)
    return reservation
  }

  /** Takes the reservation out, if the token is known, not expired, and of this user. */
  claim(token: Uint8Array, username: string, now: number): Reservation | null {
    const reservation = this.#byToken.get(keyOf(token))
    if (reservation === undefined || reservation.username !== username || reservation.expiresAt <= now) return null
    this.#byToken.delete(keyOf(token))
    return reservation
  }

  /** Takes out what has expired. Reservations all live equally long, so the oldest come first. */
  *expire(now: number): IterableIterator<Reservation> {
    for (const [key, reservation] of this.#byToken) {
      if (reservation.expiresAt > now) return
      this.#byToken.delete(key)
      yield reservation
    }
  }
}

function keyOf(token: Uint8Array): string {
  return Buffer.from(token.buffer, token.byteOffset, token.length).toString('latin1')
}
