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
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<ClientConnection>()
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
    this.#waiting.add(connection)
    this.#onWaiting()
  }

  /** It is gone. */
  forget(connection: ClientConnection): void {
    this.#waiting.delete(connection)
  }

  /** The next turn begins, with those who wait. */
  endTurn(): void {
    this.#turn = (this.#turn + 1) | 0
    this.#strangersLeft = STRANGERS_COST_MAX
    if (this.#waiting.size === 0) return
    let count = 0
    for (const connection of this.#waiting) {
      this.#waiting.delete(connection)
      connection.readOn()
      if (++count === RESUMED_COUNT_MAX) break
    }
    if (this.#waiting.size > 0) this.#onWaiting()
  }
}
