// The sending half of ClientStreams: what the core sends is gathered per connection until the end of the turn. On the hot path.
import { ANSWER_BYTES_MAX, QUEUED_BYTES_MAX } from '../../limits/streams.js'
import type { TransportAddress } from '../../stun/address.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import { COUNTER_STALLED_DROPS } from '../counters.js'
import { type ClientConnection, PHASE_ALLOCATED } from './client-connection.js'
import type { ClientConnections } from './client-connections.js'
import { localAddressOf } from './remote-address.js'

/** TurnOutput's methods for clients over TCP and TLS. */
export abstract class StreamOutput {
  protected readonly counters: Float64Array
  protected readonly connections: ClientConnections
  readonly #onGathered: () => void
  /** Those with something to send in this turn. */
  readonly #gathered: ClientConnection[] = []

  /** @param onGathered the first frame of a turn was gathered */
  constructor(counters: Float64Array, connections: ClientConnections, onGathered: () => void) {
    this.counters = counters
    this.connections = connections
    this.#onGathered = onGathered
  }

  /** Where this client's connection has come to; null if it has none, or is gone. */
  localAddressOf(client: FiveTuple): TransportAddress | null {
    const connection = this.connections.findFramed(client)
    return connection === null ? null : localAddressOf(connection.stream)
  }

  abstract destroy(connection: ClientConnection): void

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    const connection = this.connections.findFramed(client)
    if (connection === null) return
    const bytesMax = ANSWER_BYTES_MAX + (connection.phase === PHASE_ALLOCATED ? QUEUED_BYTES_MAX : 0)
    if (connection.outgoing.appendMessage(bytes, start, end, bytesMax)) {
      if (!connection.hasGathered) this.#noteGathered(connection)
      return
    }
    // It asks and does not read.
    this.counters[COUNTER_STALLED_DROPS]++
    this.destroy(connection)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const connection = this.connections.findFramed(client)
    if (connection === null) return
    connection.outgoing.appendDataIndication(header, headerEnd, bytes, start, end)
    if (!connection.hasGathered) this.#noteGathered(connection)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    const connection = this.connections.findFramed(client)
    if (connection === null) return
    connection.outgoing.appendChannelData(channelNumber, bytes, start, end)
    if (!connection.hasGathered) this.#noteGathered(connection)
  }

  /** Writes what was gathered: one write per connection. */
  flush(): void {
    const gathered = this.#gathered
    for (let index = 0; index < gathered.length; index++) {
      const connection = gathered[index]
      connection.hasGathered = false
      connection.outgoing.endTurn()
    }
    gathered.length = 0
  }

  #noteGathered(connection: ClientConnection): void {
    connection.hasGathered = true
    if (this.#gathered.push(connection) === 1) this.#onGathered()
  }
}
