// Clients that have moved (RFC 8016) to an address whose datagrams the kernel gives to another worker's socket than to that of their allocation: each gets
// a socket of its own, bound to the listener's address and connected to the client, which the kernel prefers to all others. A listener of the engine's,
// as far as anybody sees, that hears one client alone. What such a socket costs: adr/0025-mobility.md.
import { CLIENT_WAY_COUNT_MAX } from '../../limits/engines.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { Offloads } from '../choose-engine.js'
import { clientDescriptorEnd } from '../descriptor-limit.js'
import type { Arena } from './arena.js'
import type { EngineListeners } from './engine-listeners.js'
import { HELD_WAYS } from './held-fds.js'
import type { Libc } from './libc.js'
import { UdpSockets } from './udp-socket.js'

interface Way {
  readonly fd: number
  /** The listener id that its client would have without it. */
  readonly parentId: number
  /** Among HELD_WAYS. */
  readonly place: number
}

export class ClientWays {
  readonly #libc: Libc
  readonly #sockets: UdpSockets
  readonly #listeners: EngineListeners
  readonly #offloads: Offloads
  readonly #heldFds: Int32Array
  readonly #descriptorEnd = clientDescriptorEnd()
  /** By listener id. */
  readonly #ways = new Map<number, Way>()
  /** To be closed when what was sent to their clients has left. */
  readonly #closing = new Set<number>()

  constructor(libc: Libc, arena: Arena, listeners: EngineListeners, offloads: Offloads, heldFds: Int32Array) {
    this.#libc = libc
    this.#sockets = new UdpSockets(libc, arena)
    this.#listeners = listeners
    this.#offloads = offloads
    this.#heldFds = heldFds
  }

  get size(): number {
    return this.#ways.size
  }

  /** Gives `client`, of a listener of all clients, the listener id of its own socket, if it has one. */
  find(client: FiveTuple): boolean {
    for (const [listenerId, { parentId }] of this.#ways) {
      if (parentId !== client.listenerId || !this.#listeners.clientOf(listenerId)?.equals(client.client)) continue
      client.listenerId = listenerId
      return true
    }
    return false
  }

  /** The same, opened if there is none. False: there is no descriptor or no room, or the listener has not been made for it. */
  open(client: FiveTuple): boolean {
    if (this.find(client)) {
      this.#closing.delete(client.listenerId)
      return true
    }
    const parent = this.#listeners.socketOf(this.#listeners.socketIdOf(client.listenerId))
    const place = this.#freePlace()
    if (parent.isSteered !== true || place < 0) return false
    const address = this.#listeners.localAddressOf(client.listenerId)
    const fd = this.#sockets.openWay(parent, address, client.client, this.#offloads)
    if (fd < 0) return false
    const listenerId =
      fd < this.#descriptorEnd ? this.#listeners.addWay({ fd, address, isWildcard: false }, client) : -1
    if (listenerId < 0) {
      this.#libc.close(fd)
      return false
    }
    this.#heldFds[HELD_WAYS + place] = fd + 1
    this.#ways.set(listenerId, { fd, parentId: client.listenerId, place })
    client.listenerId = listenerId
    return true
  }

  /** If it is one: what its client has been sent still leaves. */
  close(listenerId: number): void {
    if (this.#ways.has(listenerId)) this.#closing.add(listenerId)
  }

  /** Everything has been sent. */
  closeDue(): void {
    if (this.#closing.size === 0) return
    for (const listenerId of this.#closing) {
      const way = this.#ways.get(listenerId)
      if (way === undefined) continue
      this.#ways.delete(listenerId)
      this.#listeners.remove(listenerId)
      this.#heldFds[HELD_WAYS + way.place] = 0
      this.#libc.close(way.fd)
    }
    this.#closing.clear()
  }

  /** -1 if all are taken. */
  #freePlace(): number {
    for (let place = 0; place < CLIENT_WAY_COUNT_MAX; place++) if (this.#heldFds[HELD_WAYS + place] === 0) return place
    return -1
  }
}
