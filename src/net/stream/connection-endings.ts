// What is counted and told of stream connections that are closed for what they did, or did not do, or because there are too many.
import type { ConnectionRefusal } from '../../log/connection-refusals.js'
import type { TransportAddress } from '../../stun/address.js'
import {
  COUNTER_CONNECTIONS_MALFORMED,
  COUNTER_CONNECTIONS_REFUSED,
  COUNTER_CONNECTIONS_TIMED_OUT,
  COUNTER_HANDSHAKES_FAILED,
} from '../counters.js'
import { type ClientConnection, PHASE_CLOSING, PHASE_FIRST_MESSAGE, PHASE_HANDSHAKE } from './client-connection.js'

export class ConnectionEndings {
  readonly #counters: Float64Array
  readonly #onRefused: (reason: ConnectionRefusal, client: TransportAddress) => void

  constructor(counters: Float64Array, onRefused: (reason: ConnectionRefusal, client: TransportAddress) => void) {
    this.#counters = counters
    this.#onRefused = onRefused
  }

  noteRefused({ fiveTuple }: ClientConnection, reason: ConnectionRefusal): void {
    this.#counters[COUNTER_CONNECTIONS_REFUSED]++
    this.#onRefused(reason, fiveTuple.client)
  }

  noteMalformed({ fiveTuple }: ClientConnection, reason: 'not-stun' | 'proxy-header'): void {
    this.#counters[COUNTER_CONNECTIONS_MALFORMED]++
    this.#onRefused(reason, fiveTuple.client)
  }

  noteTimeout({ fiveTuple, phase }: ClientConnection): void {
    if (phase !== PHASE_CLOSING) this.#counters[COUNTER_CONNECTIONS_TIMED_OUT]++
    const isBeginner = phase <= PHASE_FIRST_MESSAGE && phase !== PHASE_HANDSHAKE
    if (isBeginner) this.#onRefused('connection-timeout', fiveTuple.client)
  }

  noteFailedHandshake({ fiveTuple }: ClientConnection): void {
    this.#counters[COUNTER_HANDSHAKES_FAILED]++
    this.#onRefused('tls-handshake', fiveTuple.client)
  }
}
