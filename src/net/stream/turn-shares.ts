// What connections may have done for them in one turn of the event loop: whoever sends more waits, unread, for the next one. A socket's reader hands
// on two megabytes at once, which is a second of requests: without shares a few connections that never stop asking would leave nobody else a
// moment.
//
//   frame ─► take: still within its share? ── no ──► hold ─► [ waiting … ] ─► endTurn: the first ones read on
//
// Connections without an allocation, strangers, have a small share each, and one in common: calls go on however many strangers ask.
import { CLIENT_COST_MAX, STRANGER_COST_MAX, STRANGERS_COST_MAX } from '../../limits/streams.js'
import { type ClientConnection, PHASE_ALLOCATED } from './client-connection.js'

// One is about a microsecond's work.
const DATA_COST = 1
const MESSAGE_COST = 8
export const HANDSHAKE_COST = 512

/** As many as may have their whole share. */
const RESUMED_COUNT_MAX = STRANGERS_COST_MAX / STRANGER_COST_MAX

export class TurnShares {
  readonly #onWaiting: () => void
  /** In the order in which they began to wait: with an allocation, and strangers, however many of whom there are. */
  readonly #waitingClients = new Set<ClientConnection>()
  readonly #waitingStrangers = new Set<ClientConnection>()
  #turn = 0
  #strangersLeft = STRANGERS_COST_MAX

  /** @param onWaiting somebody waits: call endTurn() soon */
  constructor(onWaiting: () => void) {
    this.#onWaiting = onWaiting
  }

  /** Is there something left of this connection's share? */
  hasRoom(connection: ClientConnection): boolean {
    const cost = connection.turn === this.#turn ? connection.turnCost : 0
    if (connection.phase === PHASE_ALLOCATED) return cost < CLIENT_COST_MAX
    return this.#strangersLeft > 0 && cost < STRANGER_COST_MAX
  }

  /** Counts a frame of a connection. False: it has had its share. On the hot path. */
  takeFrame(connection: ClientConnection, firstByte: number): boolean {
    return this.take(connection, firstByte >> 6 === 0 ? MESSAGE_COST : DATA_COST)
  }

  /** Counts what is done for a connection. */
  take(connection: ClientConnection, cost: number): boolean {
    if (connection.turn !== this.#turn) {
      connection.turn = this.#turn
      connection.turnCost = 0
    }
    connection.turnCost += cost
    if (connection.phase === PHASE_ALLOCATED) return connection.turnCost < CLIENT_COST_MAX
    this.#strangersLeft -= cost
    return this.#strangersLeft > 0 && connection.turnCost < STRANGER_COST_MAX
  }

  /** It is not read until its time comes; `unread` comes first then. */
  hold(connection: ClientConnection, unread: Uint8Array): void {
    connection.hold(unread)
    const waiting = connection.phase === PHASE_ALLOCATED ? this.#waitingClients : this.#waitingStrangers
    waiting.add(connection)
    this.#onWaiting()
  }

  /** It is gone. */
  forget(connection: ClientConnection): void {
    this.#waitingClients.delete(connection)
    this.#waitingStrangers.delete(connection)
  }

  /** The next turn begins, with those who wait. */
  endTurn(): void {
    this.#turn = (this.#turn + 1) | 0
    this.#strangersLeft = STRANGERS_COST_MAX
    if (this.#waitingClients.size > 0) this.#resume(this.#waitingClients, this.#waitingClients.size)
    if (this.#waitingStrangers.size > 0) this.#resume(this.#waitingStrangers, RESUMED_COUNT_MAX)
    if (this.#waitingClients.size + this.#waitingStrangers.size > 0) this.#onWaiting()
  }

  /** The first so many; who has to wait again comes last. */
  #resume(waiting: Set<ClientConnection>, countMax: number): void {
    let count = 0
    for (const connection of waiting) {
      if (count++ === countMax) return
      // Nor is anybody asked whose turn would be for nothing: a few handshakes are a whole share.
      if (waiting === this.#waitingStrangers && this.#strangersLeft <= 0) return
      waiting.delete(connection)
      connection.readOn()
    }
  }
}
