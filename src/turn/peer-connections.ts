// The TCP connections between the relays of this worker and their peers (RFC 6062 §3), until they are closed. This worker owns them; once
// one is bound to a client's data connection, which any worker may have done (connection-table.ts), its bytes are not seen here.
//
//   Connect ──► connecting ──► waiting for its ConnectionBind ──► bound ──► ended
//   accepted ─────────────────────┘
//
// The first two last CONNECTION_TIMEOUT_TICKS each: the order in which connections began to wait is the order in which they time out.
import { PEER_CONNECTION_COUNT_MAX, PEER_CONNECTION_WAIT_SECONDS } from '../limits/turn.js'
import type { TransportAddress } from '../stun/address.js'
import { type Allocation, TICKS_PER_SECOND } from './allocation.js'
import { FROM_CLIENT, TO_CLIENT } from './bandwidth.js'
import type { ConnectionSlots } from './connection-slots.js'
import type { ConnectionTable } from './connection-table.js'
import type { KeyedHash } from './keyed-hash.js'
import type { ConnectionOutput } from './output.js'
import { ownerName } from './ownership.js'
import type { Exchange } from './request.js'

/** RFC 6062 §5.2: at least 30 s for a connection to be made, and 30 s for it to be bound. */
export const CONNECTION_TIMEOUT_TICKS = PEER_CONNECTION_WAIT_SECONDS * TICKS_PER_SECOND

export class PeerConnection {
  /** CONNECTION-ID. */
  readonly id: number
  /** Its slot in the shared table. */
  readonly index: number
  readonly allocation: Allocation
  /** The peer as the client knows it. */
  readonly peer: TransportAddress
  /** The Connect request that waits for its answer; null once there is a connection. */
  exchange: Exchange | null
  /** 0 while it is being made. */
  handle = 0
  expiresAt: number

  constructor(id: number, index: number, allocation: Allocation, peer: TransportAddress, exchange: Exchange | null) {
    this.id = id
    this.index = index
    this.allocation = allocation
    this.peer = peer
    this.exchange = exchange
    this.expiresAt = 0
  }
}

export class PeerConnections {
  readonly #output: ConnectionOutput
  readonly #table: ConnectionTable
  readonly #slots: ConnectionSlots
  readonly #hash: KeyedHash
  readonly #byId = new Map<number, PeerConnection>()
  readonly #byAllocation = new Map<Allocation, PeerConnection[]>()
  /** Those with a timeout, the first one to expire first. */
  readonly #waiting = new Set<PeerConnection>()
  /** Slots of bound connections whose allocation has gone, until the binder has closed them. */
  readonly #doomed: Set<number>
  #notices: number

  constructor(output: ConnectionOutput, table: ConnectionTable, slots: ConnectionSlots, hash: KeyedHash) {
    this.#output = output
    this.#table = table
    this.#slots = slots
    this.#hash = hash
    this.#doomed = new Set(slots.left)
    // Whatever came before is looked at by the first tick.
    this.#notices = table.notices - 1
  }

  /** Of all allocations: made, being made, or bound. */
  get size(): number {
    return this.#byId.size
  }

  /** Slots in use: those of pairs, too, that are being closed. */
  get slotCount(): number {
    return this.#slots.size
  }

  /** The connection of this allocation to a peer transport address, or null. */
  find(allocation: Allocation, peer: TransportAddress): PeerConnection | null {
    const connection = this.#of(allocation).find((each) => each.peer.equals(peer))
    if (connection === undefined) return null
    return this.#forgetIfEnded(connection) ? null : connection
  }

  /** The connection that is being made under this id, or null. */
  findConnecting(id: number): PeerConnection | null {
    const connection = this.#byId.get(id)
    return connection !== undefined && connection.exchange !== null ? connection : null
  }

  /**
   * A new connection to or from `peer`, which is copied. Null if there is no room: of the allocation, or of this worker.
   * @param exchange the Connect request that is to be answered; null for a connection that a peer has made, which is to be published
   * @param clock ticks of CLOCK_MONOTONIC
   */
  add(
    allocation: Allocation,
    peer: TransportAddress,
    exchange: Exchange | null,
    now: number,
    clock: number,
  ): PeerConnection | null {
    const siblings = this.#of(allocation)
    if (siblings.length >= PEER_CONNECTION_COUNT_MAX) return null
    const index = this.#slots.reserve(siblings.length > 0 ? siblings[0].index : -1, clock)
    if (index < 0) return null
    const connection = new PeerConnection(this.#table.idOf(index), index, allocation, peer.clone(), exchange)
    this.#byId.set(connection.id, connection)
    this.#byAllocation.set(allocation, [...siblings, connection])
    this.#wait(connection, now)
    return connection
  }

  /** There is a connection: from now on, for 30 s, the allocation's user may bind it, on any worker. */
  publish(connection: PeerConnection, handle: number, now: number): void {
    const { sessions, username } = connection.allocation
    const { low, high } = this.#hash.hashText(ownerName(sessions[0] ?? null, username))
    connection.exchange = null
    connection.handle = handle
    this.#wait(connection, now)
    this.#table.publish(connection.index, low, high, handle, connection.allocation.fiveTuple.client.port)
  }

  /** Forgets a connection that could not be made. */
  forget(connection: PeerConnection): void {
    this.#remove(connection)
    this.#slots.release(connection.index)
  }

  /** The allocation has gone: closes what it has, wherever that is, and counts what went through it. */
  closeAll(allocation: Allocation): void {
    for (const connection of this.#of(allocation)) this.#close(connection)
  }

  /** Closes the connections to and from peers that are not allowed any more. One that is being made gets its answer first, by `onRefused`. */
  closeForbidden(
    isForbidden: (connection: PeerConnection) => boolean,
    onRefused: (each: PeerConnection) => void,
  ): void {
    for (const connection of this.#byId.values()) {
      if (!isForbidden(connection)) continue
      if (connection.exchange !== null) onRefused(connection)
      this.#close(connection)
    }
  }

  /**
   * Looks for what has ended and what has waited too long.
   * @param onTimeout called for each connection that was being made, which is closed and forgotten then
   */
  tick(now: number, onTimeout: (connection: PeerConnection) => void): void {
    const { notices } = this.#table
    if (notices !== this.#notices) {
      this.#notices = notices
      this.#releaseEnded()
    }
    for (const connection of this.#waiting) {
      if (connection.expiresAt > now) break
      this.#waiting.delete(connection)
      // What somebody has bound goes on.
      if (!this.#closeUnbound(connection)) continue
      if (connection.exchange !== null) onTimeout(connection)
      this.forget(connection)
    }
  }

  #of(allocation: Allocation): readonly PeerConnection[] {
    return this.#byAllocation.get(allocation) ?? []
  }

  #wait(connection: PeerConnection, now: number): void {
    connection.expiresAt = now + CONNECTION_TIMEOUT_TICKS
    this.#waiting.delete(connection)
    this.#waiting.add(connection)
  }

  /** Closes what is being made or waits for its ConnectionBind. False if it is bound. */
  #closeUnbound(connection: PeerConnection): boolean {
    const isUnbound = connection.exchange !== null || this.#table.withdraw(connection.index)
    if (isUnbound) this.#output.closePeerConnection(connection.id, connection.handle)
    return isUnbound
  }

  #close(connection: PeerConnection): void {
    this.#remove(connection)
    if (this.#closeUnbound(connection)) {
      this.#slots.release(connection.index)
    } else {
      this.#countBytes(connection)
      if (this.#table.doom(connection.index)) this.#doomed.add(connection.index)
      else this.#slots.release(connection.index)
    }
  }

  #releaseEnded(): void {
    for (const connection of this.#byId.values()) this.#forgetIfEnded(connection)
    for (const index of this.#doomed) {
      if (!this.#table.isEnded(index)) continue
      this.#doomed.delete(index)
      this.#slots.release(index)
    }
  }

  #forgetIfEnded(connection: PeerConnection): boolean {
    if (!this.#table.isEnded(connection.index)) return false
    this.#countBytes(connection)
    this.forget(connection)
    return true
  }

  #countBytes({ allocation, index }: PeerConnection): void {
    const fromClient = this.#table.bytesOf(index, FROM_CLIENT)
    allocation.addConnectionBytes(fromClient, this.#table.bytesOf(index, TO_CLIENT))
  }

  #remove(connection: PeerConnection): void {
    const siblings = this.#of(connection.allocation).filter((each) => each !== connection)
    if (siblings.length === 0) this.#byAllocation.delete(connection.allocation)
    else this.#byAllocation.set(connection.allocation, siblings)
    this.#byId.delete(connection.id)
    this.#waiting.delete(connection)
  }
}
