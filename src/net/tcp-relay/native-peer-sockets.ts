// Sockets of TCP relays by file descriptor: listener and connections share the relayed transport address (SO_REUSEPORT), and a handle is a
// file descriptor that any thread of the process can take over.

import { createServer, type Server, Socket } from 'node:net'
import { PEER_BACKLOG_COUNT } from '../../limits/streams.js'
import { formatHost, type TransportAddress } from '../../stun/address.js'
import { clientDescriptorEnd, descriptorOf } from '../descriptor-limit.js'
import { allocateArena } from '../native/arena.js'
import type { Koffi } from '../native/koffi.js'
import { EADDRINUSE, EMFILE } from '../native/layout.js'
import { openStreamLibc } from '../native/libc.js'
import { TCP_SOCKETS_ARENA_LENGTH, TcpSockets } from '../native/tcp-socket.js'
import {
  type ConnectEvents,
  type Connecting,
  ignoreError,
  type ListenerEvents,
  type PeerListener,
  type PeerSockets,
  peerOf,
} from './peer-sockets.js'

export class NativePeerSockets implements PeerSockets {
  readonly #sockets: TcpSockets

  constructor(koffi: Koffi) {
    this.#sockets = new TcpSockets(openStreamLibc(koffi), allocateArena(koffi, TCP_SOCKETS_ARENA_LENGTH))
  }

  openListener(address: TransportAddress, events: ListenerEvents): PeerListener {
    return new NativeListener(this.#sockets, address, events)
  }

  take(handle: number): Socket | null {
    try {
      return new Socket({ fd: handle, allowHalfOpen: true })
    } catch {
      // Not a TCP socket any more: out of memory, or epoll's limit.
      this.#sockets.close(handle)
      return null
    }
  }

  close(handle: number): void {
    this.#sockets.close(handle)
  }
}

class NativeListener implements PeerListener {
  readonly #sockets: TcpSockets
  readonly #address: TransportAddress
  readonly #events: ListenerEvents
  readonly #server: Server
  readonly #descriptorEnd = clientDescriptorEnd()
  #isOpening = true
  #isClosed = false

  constructor(sockets: TcpSockets, address: TransportAddress, events: ListenerEvents) {
    this.#sockets = sockets
    this.#address = address.clone()
    this.#events = events
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
    this.#server.on('listening', () => this.#report(0))
    // Of a listener that is open: EMFILE of an accept, which costs that connection alone.
    this.#server.on('error', ({ errno }: NodeJS.ErrnoException) => this.#report(errno ?? EADDRINUSE))
    // Another process of this user could share the port, so look first whether anyone listens on it.
    const [fd, errno] = this.#open()
    // With a file descriptor, Node takes the backlog as an argument only.
    if (fd >= 0) this.#server.listen({ fd }, PEER_BACKLOG_COUNT)
    else process.nextTick(() => this.#report(errno))
  }

  connect(peer: TransportAddress, events: ConnectEvents): Connecting {
    return new NativeConnecting(this.#sockets, this.#address, peer, events)
  }

  close(): void {
    this.#isClosed = true
    this.#server.close(ignoreError)
  }

  /** Returns the descriptor, or -1 and the errno. */
  #open(): [fd: number, errno: number] {
    const sockets = this.#sockets
    const fd = sockets.canListen(this.#address) ? sockets.openShared(this.#address) : -1
    if (fd < this.#descriptorEnd) return [fd, sockets.errno]
    sockets.close(fd)
    return [-1, EMFILE]
  }

  #report(errno: number): void {
    if (this.#isClosed || !this.#isOpening) return
    this.#isOpening = false
    if (errno === 0) {
      this.#events.opened()
      return
    }
    this.close()
    this.#events.failed(Math.abs(errno) === EADDRINUSE)
  }

  #accept(socket: Socket): void {
    const peer = this.#isClosed ? null : peerOf(socket)
    const fd = descriptorOf(socket)
    const isTooMany = fd >= this.#descriptorEnd
    const handle = peer === null || isTooMany ? -1 : this.#sockets.duplicate(fd)
    // The connection stays, under its other file descriptor.
    socket.destroy()
    if (peer !== null && handle > 0) this.#events.accepted(peer, handle)
  }
}

class NativeConnecting implements Connecting {
  readonly #sockets: TcpSockets
  readonly #events: ConnectEvents
  readonly #socket: Socket | null
  #isOver = false

  constructor(sockets: TcpSockets, address: TransportAddress, peer: TransportAddress, events: ConnectEvents) {
    this.#sockets = sockets
    this.#events = events
    const fd = sockets.openShared(address)
    this.#socket = fd < 0 || fd >= clientDescriptorEnd() ? null : connectingSocket(fd)
    if (this.#socket === null) {
      if (fd >= 0) sockets.close(fd)
      process.nextTick(() => this.#fail())
      return
    }
    this.#socket.on('error', () => this.#fail())
    this.#socket.once('connect', () => this.#connected(fd))
    this.#socket.connect({ host: formatHost(peer), port: peer.port })
  }

  close(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #connected(fd: number): void {
    if (this.#isOver) return
    const handle = this.#sockets.duplicate(fd)
    if (handle < 0) {
      this.#fail()
      return
    }
    this.close()
    this.#events.connected(handle)
  }

  #fail(): void {
    if (this.#isOver) return
    this.close()
    this.#events.failed()
  }
}

/** A bound socket that Node connects, but does not read from. Null if Node cannot have it. */
function connectingSocket(fd: number): Socket | null {
  try {
    return new Socket({ fd, readable: false, allowHalfOpen: true })
  } catch {
    return null
  }
}
