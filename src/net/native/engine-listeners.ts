// The listener sockets of a native engine, by the listener id that 5-tuples have: they come and go between rounds. Whoever has opened them closes them.
import type { TransportAddress } from '../../stun/address.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { AdoptedSocket } from './listener-sockets.js'
import type { Poller } from './poller.js'
import type { SendSources } from './send-sources.js'

export class EngineListeners {
  readonly #sources: SendSources
  readonly #poller: Poller
  readonly #sockets: (AdoptedSocket | null)[] = []
  /** By listener id: what is special about sockets of single clients. */
  readonly #ways: ({ readonly client: TransportAddress; readonly parentId: number } | null)[] = []

  constructor(sources: SendSources, poller: Poller) {
    this.#sources = sources
    this.#poller = poller
  }

  /** Between rounds. False if there is no room for it. */
  add(socket: AdoptedSocket): boolean {
    const listenerId = this.#sources.addSocket(socket.fd, socket.address.family)
    if (listenerId < 0) return false
    this.#sockets[listenerId] = socket
    this.#poller.addListener(socket.fd, listenerId)
    return true
  }

  /** A socket for this client alone, who is told apart by its listener id from now on. Returns that, or -1: there is no room. */
  addWay(socket: AdoptedSocket, { client, listenerId: parentId }: FiveTuple): number {
    const listenerId = this.#sources.addSocket(socket.fd, socket.address.family)
    if (listenerId < 0) return -1
    if (!this.#poller.addWay(socket.fd, listenerId)) {
      this.#sources.removeSocket(listenerId)
      return -1
    }
    this.#sockets[listenerId] = socket
    this.#ways[listenerId] = { client: client.clone(), parentId }
    return listenerId
  }

  /** Whom alone this socket is for; null: for whoever comes. */
  clientOf(listenerId: number): TransportAddress | null {
    return this.#ways[listenerId]?.client ?? null
  }

  /** The listener id that the client of this one would have without a socket of its own. */
  parentOf(listenerId: number): number {
    return this.#ways[listenerId]?.parentId ?? listenerId
  }

  /** The number of the socket that clients of this listener id come to. */
  socketIdOf(listenerId: number): number {
    return this.#sources.socketOf(listenerId)
  }

  /** The listener id of a client who has come to this socket, and asked this address of it; -1 if there is none. */
  idOf(address: TransportAddress, isWildcard: boolean, asked: TransportAddress): number {
    const socket = this.#sockets.findIndex(
      (each, id) => each !== null && !this.#ways[id] && each.isWildcard === isWildcard && each.address.equals(address),
    )
    return socket < 0 || !isWildcard ? socket : this.#sources.listenerAt(socket, asked)
  }

  /** When nobody has an allocation by it any more, and nothing is queued for it. */
  remove(listenerId: number): void {
    const socket = this.#sockets[listenerId]
    if (!socket) return
    this.#poller.remove(socket.fd)
    this.#sockets[listenerId] = null
    this.#ways[listenerId] = null
    this.#sources.removeSocket(listenerId)
  }

  /** Of a ready event: it is open. */
  socketOf(listenerId: number): AdoptedSocket {
    return this.#sockets[listenerId] as AdoptedSocket
  }

  /** The listener id of the socket with this descriptor, or -1. */
  find(fd: number): number {
    return this.#sockets.findIndex((socket) => socket?.fd === fd)
  }

  /** The listener id of this transport address, where a wildcard has it that of its local address; -1 if there is no such socket, or no room. */
  findAt(address: TransportAddress): number {
    const isOfPort = (socket: AdoptedSocket | null, id: number) =>
      socket?.address.port === address.port && socket.address.family === address.family && !this.#ways[id]
    const named = this.#sockets.findIndex(
      (each, id) => isOfPort(each, id) && each?.address.equalsHost(address) === true,
    )
    if (named >= 0) return named
    const wildcard = this.#sockets.findIndex((each, id) => isOfPort(each, id) && each?.isWildcard === true)
    return wildcard < 0 ? -1 : this.#sources.listenerAt(wildcard, address)
  }

  /** Is this listener id that of a socket, of a local address that was asked there, or of a client who came there and moved? */
  isOf(listenerId: number, socket: number): boolean {
    return this.#sources.isOfSocket(this.parentOf(listenerId), socket)
  }

  /** Descriptors of the sockets of now that are for whoever comes. */
  fds(): number[] {
    return this.#sockets.flatMap((socket, id) => (socket === null || this.#ways[id] ? [] : [socket.fd]))
  }

  /** Where a client of this listener has come to: it is open. */
  localAddressOf(listenerId: number): TransportAddress {
    const { address } = this.socketOf(this.#sources.socketOf(listenerId))
    const asked = this.#sources.localOf(this.#sources.ofListener(listenerId))
    if (asked === null) return address
    const local = asked.clone()
    local.port = address.port
    return local
  }
}
