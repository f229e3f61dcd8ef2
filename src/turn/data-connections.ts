// The pairs of a client's data connection and a peer's connection that this worker has bound (RFC 6062 §5.4). The allocation behind one may
// be another worker's, which learns of the end from the shared table, and dooms a pair there (connection-table.ts).
import type { BandwidthLimits } from './bandwidth-limits.js'
import type { ConnectionBandwidth } from './connection-bandwidth.js'
import type { ConnectionTable } from './connection-table.js'
import type { KeyedHash } from './keyed-hash.js'
import type { ConnectionOutput } from './output.js'
import { ownerName } from './ownership.js'
import type { Exchange } from './request.js'

interface DataConnection {
  readonly index: number
  readonly account: string
  /** Null if nothing limits it. */
  bandwidth: ConnectionBandwidth | null
  /** The engine has been told to close it, and has not answered yet. */
  isClosing: boolean
}

export class DataConnections {
  readonly #output: ConnectionOutput
  readonly #table: ConnectionTable
  readonly #hash: KeyedHash
  readonly #limits: BandwidthLimits
  readonly #byId = new Map<number, DataConnection>()
  #notices = 0

  constructor(output: ConnectionOutput, table: ConnectionTable, hash: KeyedHash, limits: BandwidthLimits) {
    this.#output = output
    this.#table = table
    this.#hash = hash
    this.#limits = limits
    this.#notices = table.notices
  }

  get size(): number {
    return this.#byId.size
  }

  /** Takes a peer's connection that waits for this user. Returns its handle, or 0: unknown, used, expired, or another user's. */
  claim(id: number, { account, session, username }: Pick<Exchange, 'username' | 'account' | 'session'>): number {
    const { low, high } = this.#hash.hashText(ownerName(session, username))
    const index = this.#table.claim(id, low, high)
    if (index < 0) return 0
    this.#byId.set(id, { index, account, bandwidth: this.#openBandwidth(index, account), isClosing: false })
    return this.#table.handleOf(index)
  }

  /** The limits are others. */
  relimit(): void {
    for (const connection of this.#byId.values()) {
      connection.bandwidth = this.#openBandwidth(connection.index, connection.account)
    }
  }

  /** The port of the control connection of a connection that waits to be bound; 0 if there is none. */
  clientPortOf(id: number): number {
    return this.#table.clientPortOf(id)
  }

  /** May this many bytes of payload pass now? They are counted if so. Those of a pair that is not there may: nobody waits for it. */
  admit(id: number, direction: number, length: number, now: number): boolean {
    const connection = this.#byId.get(id)
    if (connection === undefined) return true
    const { bandwidth, index } = connection
    if (bandwidth !== null && !bandwidth.admit(direction, length, now)) return false
    this.#table.addBytes(index, direction, length)
    return true
  }

  /** Both sides of the pair are closed. */
  end(id: number): void {
    const connection = this.#byId.get(id)
    if (connection === undefined) return
    this.#byId.delete(id)
    this.#table.end(connection.index)
  }

  /** Closes the pairs whose allocation has gone. */
  tick(): void {
    const { notices } = this.#table
    if (notices === this.#notices) return
    this.#notices = notices
    for (const [id, connection] of this.#byId) {
      if (connection.isClosing || !this.#table.isDoomed(connection.index)) continue
      connection.isClosing = true
      this.#output.closeDataConnection(id)
    }
  }

  #openBandwidth(index: number, account: string): ConnectionBandwidth | null {
    return this.#limits.openConnection(account, this.#table.bandwidthOf(this.#table.bucketOf(index)))
  }
}
