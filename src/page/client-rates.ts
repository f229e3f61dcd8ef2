// What a client sends and gets per second, from two looks at its counters. Pure.
import type { Client } from '../admin/schema/clients.js'

export interface Rates {
  readonly bitsFromClient: number
  readonly packetsFromClient: number
  readonly bitsToClient: number
  readonly packetsToClient: number
}

/** Counters are told anew every two seconds at most: the same twice says nothing. */
const SPAN_MILLISECONDS_MIN = 1500

export class ClientRates {
  #last: { readonly client: Client; readonly timeMs: number } | null = null
  #current: Rates | null = null

  /** null until it was seen twice. */
  get current(): Rates | null {
    return this.#current
  }

  add(client: Client, timeMs: number): void {
    const last = this.#last
    if (last !== null && timeMs - last.timeMs < SPAN_MILLISECONDS_MIN) return
    if (last !== null) {
      const span = (timeMs - last.timeMs) / 1000
      const rate = (key: 'bytesFromClient' | 'packetsFromClient' | 'bytesToClient' | 'packetsToClient') =>
        Math.max(0, client[key] - last.client[key]) / span
      this.#current = {
        bitsFromClient: 8 * rate('bytesFromClient'),
        packetsFromClient: rate('packetsFromClient'),
        bitsToClient: 8 * rate('bytesToClient'),
        packetsToClient: rate('packetsToClient'),
      }
    }
    this.#last = { client, timeMs }
  }
}
