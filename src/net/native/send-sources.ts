// The sockets that packets leave from, by a small number: relays by the slot of their relay id, listeners behind them. A wildcard
// listener has one number for each local address that clients have asked.
import { FAMILY_IPV6, FAMILY_NONE, type TransportAddress } from '../../stun/address.js'
import { RELAY_COUNT_MAX } from '../../turn/relay-table.js'

/** Listener sockets, and local addresses of wildcard ones: a machine has few, but 127/8 alone has millions. */
export const LISTENER_COUNT_MAX = 4096
const FIRST_LISTENER = RELAY_COUNT_MAX
const RELAY_SLOT_MASK = RELAY_COUNT_MAX - 1

export class SendSources {
  /** By source; -1 where none is open. */
  readonly fds = new Int32Array(FIRST_LISTENER + LISTENER_COUNT_MAX).fill(-1)
  readonly isIPv6 = new Uint8Array(FIRST_LISTENER + LISTENER_COUNT_MAX)
  /** By listener: the source address of replies of a wildcard listener, else null. */
  readonly #locals: (TransportAddress | null)[] = []
  /** By listener: the number of its socket. */
  readonly #socketOf: number[] = []
  /** The id that the relay of each slot has. */
  readonly #relayIds = new Int32Array(RELAY_COUNT_MAX).fill(-1)

  /** A listener; the first ones are numbered like the sockets. Returns its id. */
  addListener(fd: number, family: number, socket: number, local: TransportAddress | null): number {
    const listenerId = this.#locals.length
    this.fds[FIRST_LISTENER + listenerId] = fd
    this.isIPv6[FIRST_LISTENER + listenerId] = family === FAMILY_IPV6 ? 1 : 0
    this.#locals.push(local)
    this.#socketOf.push(socket)
    return listenerId
  }

  /** The listener of a wildcard socket for this local address, made if there is none yet; -1 if there are too many, or it is unknown. */
  listenerAt(socket: number, local: TransportAddress): number {
    if (local.family === FAMILY_NONE) return -1
    for (let listenerId = 0; listenerId < this.#locals.length; listenerId++) {
      if (this.#socketOf[listenerId] !== socket) continue
      const known = this.#locals[listenerId]
      if (known?.equalsHost(local) === true) return listenerId
    }
    if (this.#locals.length === LISTENER_COUNT_MAX) return -1
    return this.addListener(this.fds[FIRST_LISTENER + socket], local.family, socket, local.clone())
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
