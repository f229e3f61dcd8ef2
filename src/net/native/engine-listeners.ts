// The listener sockets of a native engine, by the listener id that 5-tuples have: they come and go between rounds. Whoever has opened them closes them.
import type { TransportAddress } from '../../stun/address.js'
import type { AdoptedSocket } from './listener-sockets.js'
import type { Poller } from './poller.js'
import type { SendSources } from './send-sources.js'

export class EngineListeners {
  readonly #sources: SendSources
  readonly #poller: Poller
  readonly #sockets: (AdoptedSocket | null)[] = []

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

  /** When nobody has an allocation by it any more, and nothing is queued for it. */
  remove(listenerId: number): void {
    const socket = this.#sockets[listenerId]
    if (!socket) return
    this.#poller.remove(socket.fd)
    this.#sockets[listenerId] = null
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
    const isOfPort = (socket: AdoptedSocket | null) =>
      socket?.address.port === address.port && socket.address.family === address.family
    const named = this.#sockets.findIndex((socket) => isOfPort(socket) && socket?.address.equalsHost(address) === true)
    if (named >= 0) return named
    const wildcard = this.#sockets.findIndex((socket) => isOfPort(socket) && socket?.isWildcard === true)
    return wildcard < 0 ? -1 : this.#sources.listenerAt(wildcard, address)
  }

  /** Is this listener id that of a socket, or of a local address that was asked there? */
  isOf(listenerId: number, socket: number): boolean {
    return this.#sources.isOfSocket(listenerId, socket)
  }

  /** Descriptors of the sockets of now. */
  fds(): number[] {
    return this.#sockets.flatMap((socket) => (socket === null ? [] : [socket.fd]))
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
