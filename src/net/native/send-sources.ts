// The sockets that packets leave from, by a small number: relays by the slot of their relay id, listeners behind them. A wildcard
// listener has one number for each local address that clients have asked.
import { LISTENER_COUNT_MAX } from '../../limits/engines.js'
import { RELAY_COUNT_MAX } from '../../limits/turn.js'
import { FAMILY_IPV6, FAMILY_NONE, hashHost, type TransportAddress } from '../../stun/address.js'

const FIRST_LISTENER = RELAY_COUNT_MAX
const RELAY_SLOT_MASK = RELAY_COUNT_MAX - 1
const TABLE_LENGTH = 4 * LISTENER_COUNT_MAX
const TABLE_MASK = TABLE_LENGTH - 1

export class SendSources {
  /** By source; -1 where none is open. */
  readonly fds = new Int32Array(FIRST_LISTENER + LISTENER_COUNT_MAX).fill(-1)
  readonly isIPv6 = new Uint8Array(FIRST_LISTENER + LISTENER_COUNT_MAX)
  /** By source: 1 while its packets carry the DF bit. */
  readonly dontFragment = new Uint8Array(FIRST_LISTENER + LISTENER_COUNT_MAX)
  /** By listener: the source address of replies of a wildcard listener; null for a socket, and where none is. */
  readonly #locals: (TransportAddress | null)[] = new Array(LISTENER_COUNT_MAX).fill(null)
  /** By listener: the number of its socket. */
  readonly #socketOf = new Int32Array(LISTENER_COUNT_MAX)
  /** Listeners of local addresses by socket and address: open addressing, the listener's id or 0, which is always a socket. */
  readonly #table = new Int32Array(TABLE_LENGTH)
  /** By listener: 1 where it is, or was, a socket: its id is one for sockets from then on. */
  readonly #isOfSockets = new Uint8Array(LISTENER_COUNT_MAX)
  readonly #freeSockets: number[] = []
  /** Ids below it have been given out. */
  #listenerEnd = 0
  readonly #freeListeners: number[] = []
  /** The id that the relay of each slot has. */
  readonly #relayIds = new Int32Array(RELAY_COUNT_MAX).fill(-1)

  /** A listener's socket. Returns its id, at the start the next number; -1 if there is no room. */
  addSocket(fd: number, family: number): number {
    const listenerId = this.#freeSockets.pop() ?? this.#freeListeners.pop() ?? this.#listenerEnd
    if (listenerId === LISTENER_COUNT_MAX) return -1
    if (listenerId === this.#listenerEnd) this.#listenerEnd++
    this.#isOfSockets[listenerId] = 1
    this.fds[FIRST_LISTENER + listenerId] = fd
    this.isIPv6[FIRST_LISTENER + listenerId] = family === FAMILY_IPV6 ? 1 : 0
    return listenerId
  }

  /** Forgets a socket, and the local addresses that were asked there. */
  removeSocket(socket: number): void {
    for (let listenerId = 0; listenerId < this.#listenerEnd; listenerId++) {
      if (!this.isOfSocket(listenerId, socket)) continue
      this.fds[FIRST_LISTENER + listenerId] = -1
      this.#locals[listenerId] = null
    }
    this.#freeSockets.push(socket)
    this.keepListeners(null)
  }

  /** Is this the id of a socket, or of a local address that was asked there? */
  isOfSocket(listenerId: number, socket: number): boolean {
    if (listenerId === socket) return true
    return this.#locals[listenerId] !== null && this.#socketOf[listenerId] === socket
  }

  /** The listener of a wildcard socket for this local address, made if there is none yet; -1 if it is unknown, or there is no room. */
  listenerAt(socket: number, local: TransportAddress): number {
    if (local.family === FAMILY_NONE) return -1
    let slot = slotOf(socket, local)
    while (this.#table[slot] !== 0) {
      const listenerId = this.#table[slot]
      const known = this.#locals[listenerId]
      if (this.#socketOf[listenerId] === socket && known?.equalsHost(local) === true) return listenerId
      slot = (slot + 1) & TABLE_MASK
    }
    const listenerId = this.#freeListeners.pop() ?? this.#listenerEnd
    if (listenerId === LISTENER_COUNT_MAX) return -1
    if (listenerId === this.#listenerEnd) this.#listenerEnd++
    this.#locals[listenerId] = local.clone()
    this.#socketOf[listenerId] = socket
    this.#table[slot] = listenerId
    this.fds[FIRST_LISTENER + listenerId] = this.fds[FIRST_LISTENER + socket]
    this.isIPv6[FIRST_LISTENER + listenerId] = this.isIPv6[FIRST_LISTENER + socket]
    return listenerId
  }

  /** Forgets the local addresses whose listeners are not among these: all room was taken. null: of none of them. */
  keepListeners(used: ReadonlySet<number> | null): void {
    this.#table.fill(0)
    this.#freeListeners.length = 0
    for (let listenerId = 0; listenerId < this.#listenerEnd; listenerId++) {
      if (this.#isOfSockets[listenerId] === 1) continue
      const local = this.#locals[listenerId]
      if (local !== null && (used === null || used.has(listenerId))) {
        let slot = slotOf(this.#socketOf[listenerId], local)
        while (this.#table[slot] !== 0) slot = (slot + 1) & TABLE_MASK
        this.#table[slot] = listenerId
      } else {
        this.#locals[listenerId] = null
        this.#freeListeners.push(listenerId)
      }
    }
  }

  /** The number of the socket of a listener. */
  socketOf(listenerId: number): number {
    return this.#isOfSockets[listenerId] === 1 ? listenerId : this.#socketOf[listenerId]
  }

  ofListener(listenerId: number): number {
    return FIRST_LISTENER + listenerId
  }

  /** The source of a relay, or -1 if it is not open. */
  ofRelay(relayId: number): number {
    const slot = relayId & RELAY_SLOT_MASK
    return this.#relayIds[slot] === relayId ? slot : -1
  }

  openRelay(relayId: number, fd: number, isIPv6: boolean): void {
    const slot = relayId & RELAY_SLOT_MASK
    this.#relayIds[slot] = relayId
    this.fds[slot] = fd
    this.isIPv6[slot] = isIPv6 ? 1 : 0
    this.dontFragment[slot] = 0
  }

  closeRelay(relayId: number): void {
    const slot = relayId & RELAY_SLOT_MASK
    this.#relayIds[slot] = -1
    this.fds[slot] = -1
  }

  /** The address that packets of this source must leave from; null where the socket is bound to it. */
  localOf(source: number): TransportAddress | null {
    return source < FIRST_LISTENER ? null : this.#locals[source - FIRST_LISTENER]
  }
}

function slotOf(socket: number, local: TransportAddress): number {
  const hash = hashHost(local) ^ Math.imul(socket + 1, 0x2c1b3c6d)
  return (hash ^ (hash >>> 15)) & TABLE_MASK
}
