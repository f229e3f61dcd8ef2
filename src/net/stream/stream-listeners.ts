// The listeners of a stream worker: on sockets that the main thread has opened for it, or on its own. Others may come and go while it runs.

import { createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { isWildcardHost, type ListenSpec } from '../../config/listen-spec.js'
import { EARLY_CONNECTION_COUNT_MAX, LISTENER_BACKLOG_COUNT } from '../../limits/streams.js'
import { FAMILY_IPV6 } from '../../stun/address.js'
import { clientDescriptorEnd, descriptorOf } from '../descriptor-limit.js'
import type { Listener, ListenerChange } from '../engine.js'
import { listenError } from '../listen-error.js'
import { type ListenTarget, localAddressesOf, TCP_SCHEMES, wildcardListenTargets } from '../listen-targets.js'
import type { StreamListener } from './client-connection.js'

/** Above those of the engine, which has the listeners of DTLS: 5-tuples of both are told apart by them too. */
const FIRST_LISTENER_ID = 0x10000

type SocketTaker = (socket: Socket, listener: StreamListener) => void

/** A socket that is wanted. */
export interface StreamPlace {
  readonly scheme: Listener['scheme']
  /** The same place has the same name. */
  readonly name: string
  /** What node:net is to listen on. Throws if there is no such thing. */
  place(): { fd: number } | ListenOptions
  /** Where that is, for people, at this port; empty where somebody else knows. */
  listeners(port: number): Listener[]
  /** Is it open on every local address? */
  readonly isWildcard: boolean
  /** What to throw when it cannot be. */
  error(error: NodeJS.ErrnoException): Error
}

interface OpenServer {
  readonly server: Server
  readonly listener: StreamListener
  readonly names: readonly string[]
  readonly listeners: readonly Listener[]
  /** 0: none. */
  readonly wildcardPort: number
  /** Its connections wait: it is to serve later, or never. */
  isHeld: boolean
}

export class StreamListeners {
  #servers: OpenServer[] = []
  #lastId = FIRST_LISTENER_ID - 1
  /** Connections that have come before there was somebody to take them. */
  #early: [Socket, StreamListener][] = []
  #onSocket: SocketTaker | null = null
  readonly #descriptorEnd = clientDescriptorEnd()

  /** Those that were opened here, a wildcard as each local address of that moment. */
  get listeners(): Listener[] {
    return this.#servers.flatMap(({ listeners }) => listeners)
  }

  get wildcardPorts(): number[] {
    return wildcardPortsOf(this.#servers)
  }

  /** From now on connections go to `onSocket`, half-open when their end comes; those first that have come already. */
  handOn(onSocket: SocketTaker): void {
    this.#onSocket = onSocket
    this.#releaseEarly()
  }

  /** Listens at these places. Throws what they say, with nothing left open. */
  async open(places: readonly StreamPlace[]): Promise<void> {
    const change = await this.prepare(places)
    change.commit()
  }

  /** Listens at those that are new; what connects there waits for commit(). Throws what they say, with nothing new left open. */
  async prepare(places: readonly StreamPlace[]): Promise<ListenerChange> {
    const kept = new Set<OpenServer>()
    const opened: OpenServer[] = []
    const abandon = () => {
      for (const each of opened) this.#close(each)
    }
    for (const place of places) {
      const known = this.#servers.find(({ names }) => names.includes(place.name))
      if (known !== undefined) {
        kept.add(known)
        continue
      }
      try {
        opened.push(await this.#listen(place))
      } catch (error) {
        abandon()
        throw place.error(error as NodeJS.ErrnoException)
      }
    }
    const removed = this.#servers.filter((each) => !kept.has(each))
    const after = [...kept, ...opened]
    return {
      listeners: after.flatMap(({ listeners }) => listeners),
      wildcardPorts: wildcardPortsOf(after),
      isRemoved: (listenerId) => removed.some(({ listener }) => listener.id === listenerId),
      commit: () => {
        for (const each of removed) this.#close(each)
        for (const each of opened) each.isHeld = false
        this.#servers = after
        this.#releaseEarly()
      },
      abandon,
    }
  }

  close(): void {
    for (const each of this.#servers.splice(0)) this.#close(each)
  }

  #close({ listener, server }: OpenServer): void {
    server.close()
    for (const [socket, { id }] of this.#early) if (id === listener.id) socket.destroy()
    this.#early = this.#early.filter(([, { id }]) => id !== listener.id)
  }

  #releaseEarly(): void {
    const onSocket = this.#onSocket
    if (onSocket === null) return
    const isServed = ({ id }: StreamListener) => this.#servers.some(({ listener }) => listener.id === id)
    const waiting = this.#early
    this.#early = waiting.filter(([, listener]) => !isServed(listener))
    for (const [socket, listener] of waiting) {
      if (isServed(listener) && !socket.destroyed) onSocket(socket.resume(), listener)
    }
  }

  #take(socket: Socket, { isHeld, listener }: OpenServer): void {
    if (this.#onSocket !== null && !isHeld) {
      this.#onSocket(socket, listener)
      return
    }
    socket.on('error', () => {})
    const isTooMany = this.#early.length >= EARLY_CONNECTION_COUNT_MAX || descriptorOf(socket) >= this.#descriptorEnd
    if (isTooMany) socket.resetAndDestroy()
    else this.#early.push([socket.pause(), listener])
  }

  async #listen({ isWildcard, listeners, name, place, scheme }: StreamPlace): Promise<OpenServer> {
    const listener: StreamListener = { id: ++this.#lastId, scheme: scheme === 'tls' ? 'tls' : 'tcp' }
    // Who connects before it is known here waits for it.
    let open: OpenServer | null = null
    const early = { listener, isHeld: true }
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#take(socket, open ?? (early as OpenServer)))
    const port = await listen(server, place())
    open = {
      ...{ server, listener, isHeld: true, listeners: listeners(port), wildcardPort: isWildcard ? port : 0 },
      names: [name, nameOfPort(name, port)],
    }
    return open
  }
}

/** The places of these options, which are to be opened here. */
export function streamPlaces(specs: readonly ListenSpec[]): StreamPlace[] {
  return wildcardListenTargets(specs, TCP_SCHEMES).map((target): StreamPlace => {
    const { address, scheme } = target
    const { host, port } = address
    return {
      scheme,
      name: `${scheme} ${host} ${port}`,
      isWildcard: isWildcardHost(host),
      place: () => ({ host, port, ipv6Only: address.family === FAMILY_IPV6, exclusive: true }),
      listeners: (bound) => listenersAt(target, bound),
      error: (error) => listenError(target, error),
    }
  })
}

function listenersAt({ address, scheme }: ListenTarget, port: number): Listener[] {
  const hosts = isWildcardHost(address.host) ? localAddressesOf(address.host) : [address]
  return hosts.map((host) => {
    const listening = host.clone()
    listening.port = port
    listening.host = host.host
    return { scheme, address: listening }
  })
}

/** An ephemeral port is found again by the one that it became. */
function nameOfPort(name: string, port: number): string {
  return name.replace(/ 0$/, ` ${port}`)
}

function wildcardPortsOf(servers: readonly OpenServer[]): number[] {
  return [...new Set(servers.map(({ wildcardPort }) => wildcardPort))].filter((port) => port > 0)
}

/** Returns the port. */
function listen(server: Server, place: { fd: number } | ListenOptions): Promise<number> {
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
