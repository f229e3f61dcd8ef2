// Sockets of TCP relays with Node's own means, on one thread: a handle is a number in a table.
//
// Node cannot ask for SO_REUSEPORT, and a port that is listened on cannot be connected from. So the listener closes for that moment and
// opens again at once: the port is the same, but a peer that connects just then is refused (or reset, if it had not been accepted yet).

import { createServer, type Server, Socket } from 'node:net'
import { PEER_BACKLOG_COUNT } from '../../limits/streams.js'
import { FAMILY_IPV6, formatHost, type TransportAddress } from '../../stun/address.js'
import { clientDescriptorEnd, descriptorOf } from '../descriptor-limit.js'
import {
  type ConnectEvents,
  type Connecting,
  ignoreError,
  type ListenerEvents,
  type PeerListener,
  type PeerSockets,
  peerOf,
} from './peer-sockets.js'

/** Between two attempts to listen again on a port that somebody has taken in the gap. */
const RETRY_MILLISECONDS = 100

export class NodePeerSockets implements PeerSockets {
  readonly #handles = new Map<number, Socket>()
  #lastHandle = 0

  openListener(address: TransportAddress, events: ListenerEvents): PeerListener {
    return new NodeListener((socket) => this.#hold(socket), address, events)
  }

  take(handle: number): Socket | null {
    const socket = this.#handles.get(handle) ?? null
    this.#handles.delete(handle)
    return socket
  }

  close(handle: number): void {
    this.take(handle)?.destroy()
  }

  #hold(socket: Socket): number {
    const handle = ++this.#lastHandle
    socket.on('error', ignoreError)
    this.#handles.set(handle, socket)
    return handle
  }
}

type Hold = (socket: Socket) => number

class NodeListener implements PeerListener {
  readonly #hold: Hold
  readonly #host: string
  readonly #address: TransportAddress
  readonly #events: ListenerEvents
  #server: Server
  #isOpening = true
  #isClosed = false
  #isToListenAgain = false

  constructor(hold: Hold, address: TransportAddress, events: ListenerEvents) {
    this.#hold = hold
    this.#host = formatHost(address)
    this.#address = address.clone()
    this.#events = events
    this.#server = this.#listen()
  }

  connect(peer: TransportAddress, events: ConnectEvents): Connecting {
    this.#server.close(ignoreError)
    const connecting = new NodeConnecting(this.#hold, this.#host, this.#address.port, peer, events)
    if (!this.#isToListenAgain) {
      this.#isToListenAgain = true
      // Node binds a socket in the tick after connect(): behind those of all connections that are asked for before the next tick.
      process.nextTick(() => process.nextTick(() => this.#listenAgain()))
    }
    return connecting
  }

  close(): void {
    this.#isClosed = true
    this.#server.close(ignoreError)
  }

  #listen(): Server {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
    server.on('listening', () => this.#report(this.#isOpening && isTooMany(server) ? 'EMFILE' : null))
    server.on('error', ({ code }: NodeJS.ErrnoException) => this.#report(code ?? ''))
    const isIPv6 = this.#address.family === FAMILY_IPV6
    server.listen({
      host: this.#host,
      port: this.#address.port,
      backlog: PEER_BACKLOG_COUNT,
      ipv6Only: isIPv6,
      exclusive: true,
    })
    return server
  }

  #listenAgain(): void {
    this.#isToListenAgain = false
    if (!this.#isClosed) this.#server = this.#listen()
  }

  #report(code: string | null): void {
    if (this.#isClosed) return
    if (this.#isOpening) this.#reportOpening(code)
    // The core has been told that the relay is open, and a port that was ours is soon free again.
    else if (code !== null && !this.#server.listening && !this.#isToListenAgain) {
      this.#isToListenAgain = true
      setTimeout(() => this.#listenAgain(), RETRY_MILLISECONDS).unref()
    }
  }

  #reportOpening(code: string | null): void {
    this.#isOpening = false
    if (code === null) {
      this.#events.opened()
      return
    }
    this.close()
    this.#events.failed(code === 'EADDRINUSE')
  }

  #accept(socket: Socket): void {
    const peer = this.#isClosed ? null : peerOf(socket)
    if (peer === null || isTooMany(socket)) socket.destroy()
    else this.#events.accepted(peer, this.#hold(socket))
  }
}

class NodeConnecting implements Connecting {
  readonly #socket = new Socket({ allowHalfOpen: true })
  readonly #events: ConnectEvents
  #isOver = false

  constructor(hold: Hold, localAddress: string, localPort: number, peer: TransportAddress, events: ConnectEvents) {
    this.#events = events
    this.#socket.on('error', () => this.#fail())
    this.#socket.once('connect', () => this.#connected(hold))
    // A paused socket is not read from when it is connected.
    this.#socket.pause()
    this.#socket.connect({ host: formatHost(peer), port: peer.port, localAddress, localPort })
  }

  close(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #connected(hold: Hold): void {
    if (this.#isOver) return
    if (isTooMany(this.#socket)) {
      this.#fail()
      return
    }
    this.#isOver = true
    this.#events.connected(hold(this.#socket))
  }

  #fail(): void {
    if (this.#isOver) return
    this.close()
    this.#events.failed()
  }
}

/** It has one of the last descriptors, which are not for clients. */
function isTooMany(socket: object): boolean {
  return descriptorOf(socket) >= clientDescriptorEnd()
}
