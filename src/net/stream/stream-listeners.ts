// The listeners of a stream worker: on sockets that the main thread has opened for it, or on its own.

import { createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { isWildcardHost, type ListenSpec } from '../../config/listen-spec.js'
import { EARLY_CONNECTION_COUNT_MAX, LISTENER_BACKLOG_COUNT } from '../../limits/streams.js'
import { FAMILY_IPV6 } from '../../stun/address.js'
import { clientDescriptorEnd, descriptorOf } from '../descriptor-limit.js'
import type { Listener } from '../engine.js'
import { listenError } from '../listen-error.js'
import { type ListenTarget, localAddressesOf, TCP_SCHEMES, wildcardListenTargets } from '../listen-targets.js'
import type { StreamListener } from './client-connection.js'

/** Above those of the engine, which has the listeners of DTLS: 5-tuples of both are told apart by them too. */
const FIRST_LISTENER_ID = 0x10000

type SocketTaker = (socket: Socket, listener: StreamListener) => void

export class StreamListeners {
  /** Those that were opened here, a wildcard as each local address of that moment. */
  readonly listeners: Listener[] = []
  readonly wildcardPorts: number[] = []
  readonly #servers: Server[] = []
  /** Connections that have come before there was somebody to take them. */
  readonly #early: [Socket, StreamListener][] = []
  #onSocket: SocketTaker | null = null
  readonly #descriptorEnd = clientDescriptorEnd()

  /** From now on connections go to `onSocket`, half-open when their end comes; those first that have come already. */
  handOn(onSocket: SocketTaker): void {
    this.#onSocket = onSocket
    for (const [socket, listener] of this.#early.splice(0)) if (!socket.destroyed) onSocket(socket.resume(), listener)
  }

  /** Listens on a socket that is bound; its descriptor is closed with this. Resolves when connections are accepted. */
  async adopt(fd: number, scheme: Listener['scheme']): Promise<void> {
    await this.#listen(scheme, { fd })
  }

  /** Opens the TCP sockets of these options. Throws TurndError, with nothing left open. */
  async open(specs: readonly ListenSpec[]): Promise<void> {
    for (const target of wildcardListenTargets(specs, TCP_SCHEMES)) {
      try {
        await this.#open(target)
      } catch (error) {
        this.close()
        throw listenError(target, error as NodeJS.ErrnoException)
      }
    }
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.close()
    this.listeners.length = 0
  }

  async #open({ address, scheme }: ListenTarget): Promise<void> {
    const { host, port } = address
    const ipv6Only = address.family === FAMILY_IPV6
    const bound = await this.#listen(scheme, { host, port, ipv6Only, exclusive: true })
    const isWildcard = isWildcardHost(host)
    if (isWildcard) this.wildcardPorts.push(bound)
    for (const local of isWildcard ? localAddressesOf(host) : [address]) {
      const listening = local.clone()
      listening.port = bound
      listening.host = local.host
      this.listeners.push({ scheme, address: listening })
    }
  }

  #take(socket: Socket, listener: StreamListener): void {
    if (this.#onSocket !== null) {
      this.#onSocket(socket, listener)
      return
    }
    socket.on('error', () => {})
    const isTooMany = this.#early.length >= EARLY_CONNECTION_COUNT_MAX || descriptorOf(socket) >= this.#descriptorEnd
    if (isTooMany) socket.resetAndDestroy()
    else this.#early.push([socket.pause(), listener])
  }

  /** Returns the port. */
  #listen(scheme: Listener['scheme'], place: { fd: number } | ListenOptions): Promise<number> {
    const listener: StreamListener = {
      id: FIRST_LISTENER_ID + this.#servers.length,
      scheme: scheme === 'tls' ? 'tls' : 'tcp',
    }
    const settings = {
      allowHalfOpen: true,
    }
    const server = createServer(settings, (socket) => this.#take(socket, listener))
    this.#servers.push(server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      const onListening = () => {
        server.removeListener('error', reject)
        // EMFILE and the like: whoever connects is refused, those who are there go on.
        server.on('error', () => {})
        const bound = server.address()
        resolve(typeof bound === 'object' && bound !== null ? bound.port : 0)
      }
      // Of a descriptor Node takes the backlog as an argument only.
      if ('fd' in place) server.listen(place, LISTENER_BACKLOG_COUNT, onListening)
      else server.listen({ ...place, backlog: LISTENER_BACKLOG_COUNT }, onListening)
    })
  }
}
