// The connections of one worker by their number, and which of them count against the cap of their address.
import { STREAM_CONNECTION_COUNT_MAX, UNALLOCATED_CONNECTION_COUNT_MAX } from '../../limits/streams.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { ClientConnection } from './client-connection.js'
import { type ConnectionCap, NO_TICKET } from './connection-cap.js'

const CONNECTION_ID_MAX = 0x3fff_ffff

export class ClientConnections {
  readonly #cap: ConnectionCap
  readonly #countMax: number
  readonly #connections = new Map<number, ClientConnection>()
  /** Those that count against the cap of their address, oldest first. */
  readonly #unallocated = new Set<ClientConnection>()
  readonly #unallocatedCountMax: number
  #lastId = 0

  constructor(
    cap: ConnectionCap,
    countMax = STREAM_CONNECTION_COUNT_MAX,
    unallocatedCountMax = UNALLOCATED_CONNECTION_COUNT_MAX,
  ) {
    this.#cap = cap
    this.#countMax = countMax
    this.#unallocatedCountMax = unallocatedCountMax
  }

  get size(): number {
    return this.#connections.size
  }

  get isFull(): boolean {
    return this.#connections.size >= this.#countMax
  }

  /** A number that no connection has, above 0. It comes again after a billion others. */
  nextId(): number {
    do this.#lastId = (this.#lastId % CONNECTION_ID_MAX) + 1
    while (this.#connections.has(this.#lastId))
    return this.#lastId
  }

  add(connection: ClientConnection): void {
    this.#connections.set(connection.fiveTuple.connectionId, connection)
  }

  /** The connection of this client, if it is framed. */
  findFramed(client: FiveTuple): ClientConnection | null {
    const connection = this.#connections.get(client.connectionId)
    return connection?.isFramed ? connection : null
  }

  values(): IterableIterator<ClientConnection> {
    return this.#connections.values()
  }

  remove(connection: ClientConnection): void {
    this.#connections.delete(connection.fiveTuple.connectionId)
    this.uncount(connection)
  }

  /** Counts it against its address; false: there are too many. */
  admit(connection: ClientConnection): boolean {
    connection.ticket = this.#cap.admit(connection.fiveTuple.client)
    if (connection.ticket === NO_TICKET) return false
    this.#unallocated.add(connection)
    return true
  }

  /** Counts it whatever the count is. */
  count(connection: ClientConnection): void {
    connection.ticket = this.#cap.add(connection.fiveTuple.client)
    this.#unallocated.add(connection)
  }

  uncount(connection: ClientConnection): void {
    this.#cap.leave(connection.ticket)
    connection.ticket = NO_TICKET
    this.#unallocated.delete(connection)
  }

  /** Where there are too many without an allocation: the oldest of them, which counts no longer. */
  takeSurplus(): ClientConnection | null {
    if (this.#unallocated.size <= this.#unallocatedCountMax) return null
    const [oldest] = this.#unallocated
    this.uncount(oldest)
    return oldest
  }
}
