// Sockets of node:dgram without an operating system, as far as the dgram engine uses them: they bind at once or fail, as libuv's do;
// what they send leaves at once or waits in their queue, and then their memory is read later.

import type { Socket, SocketOptions } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { RELAY_QUEUE_BYTES_MAX } from '../../src/limits/engines.js'
import type { DgramSystem } from '../../src/net/dgram/udp-socket.js'
import { withPort } from './address-text.js'
import { ensure } from './failure.js'
import type { WireDatagram } from './sent-ledger.js'

/** What decides over the sockets, and is told of what they do. */
export interface FakeDgramOwner {
  defer(run: () => void): void
  /** An error code instead of this address, or ''. */
  bindError(address: string): string
  bound(socket: FakeDgramSocket): void
  /** Is the kernel's buffer full, so that libuv queues? */
  mustWait(): boolean
  /** Bytes that wait in libuv's queue beside those that are known: a lot of them, if it is to be full. */
  queuedBytes(): number
  sent(datagram: WireDatagram): void
  /** It was closed with something in its queue, which is lost. */
  dropped(socket: FakeDgramSocket): void
}

interface Queued {
  readonly bytes: Uint8Array
  readonly start: number
  readonly length: number
  readonly to: string
}

/** The kernel takes up again before this waits. Queues that are too full are the owner's to invent. */
const QUEUE_BYTES_MAX = RELAY_QUEUE_BYTES_MAX

export class FakeDgramSocket extends EventEmitter {
  boundText = ''
  readonly #owner: FakeDgramOwner
  readonly #network: FakeDgram
  readonly #isIPv6: boolean
  #queue: Queued[] = []
  #isClosed = false
  /** Has the engine asked how much waits, since the last send? */
  #isAsked = false

  constructor(network: FakeDgram, owner: FakeDgramOwner, isIPv6: boolean) {
    super()
    this.#network = network
    this.#owner = owner
    this.#isIPv6 = isIPv6
  }

  bind({ address, port }: { address: string; port: number }): void {
    const text = withPort(address, port)
    const code = this.#network.at(text) === undefined ? this.#owner.bindError(text) : 'EADDRINUSE'
    if (code !== '') {
      this.emit('error', Object.assign(new Error(`bind ${code}`), { code }))
      return
    }
    this.boundText = text
    this.#network.bind(this)
    this.#owner.bound(this)
    this.emit('listening')
  }

  address(): { port: number } {
    return { port: Number(this.boundText.slice(this.boundText.lastIndexOf(':') + 1)) }
  }

  close(callback: () => void = () => {}): void {
    this.#ensureOpen()
    this.#isClosed = true
    this.#network.close(this)
    if (this.#queue.length > 0) this.#owner.dropped(this)
    this.#queue = []
    queueMicrotask(callback)
  }

  send(bytes: Uint8Array, start: number, length: number, port: number, host: string): void {
    this.#ensureOpen()
    ensure(port > 0 && port < 65_536, () => `send to port ${port}, which throws`)
    ensure(host.includes(':') === this.#isIPv6 && host !== '', () => `send to '${host}' from ${this.boundText}`)
    ensure(this.#isAsked, () => `a send from ${this.boundText} without a look at its queue`)
    this.#isAsked = false
    ensure(start >= 0 && length >= 0 && start + length <= bytes.length, () => `send of bytes ${start} + ${length}`)
    this.#queue.push({ bytes, start, length, to: withPort(host, port) })
    const isFirst = this.#queue.length === 1
    const queuedBytes = this.#queue.reduce((sum, queued) => sum + queued.length, 0)
    if ((isFirst && !this.#owner.mustWait()) || queuedBytes > QUEUE_BYTES_MAX) this.flush()
  }

  /** libuv sends what has waited: what its memory holds now. */
  flush(): void {
    for (const { bytes, start, length, to } of this.#queue.splice(0)) {
      this.#owner.sent({ from: this.boundText, to, bytes: bytes.slice(start, start + length) })
    }
  }

  getSendQueueCount(): number {
    return this.#queue.length
  }

  getSendQueueSize(): number {
    this.#isAsked = true
    return this.#queue.reduce((sum, { length }) => sum + length, this.#owner.queuedBytes())
  }

  #ensureOpen(): void {
    ensure(!this.#isClosed, () => `a call of socket ${this.boundText}, which is closed and throws`)
  }
}

export class FakeDgram implements DgramSystem {
  readonly #owner: FakeDgramOwner
  /** Those that are not closed, bound or not. */
  readonly #open = new Set<FakeDgramSocket>()
  readonly #bound = new Map<string, FakeDgramSocket>()

  constructor(owner: FakeDgramOwner) {
    this.#owner = owner
  }

  createSocket({ type }: SocketOptions): Socket {
    const socket = new FakeDgramSocket(this, this.#owner, type === 'udp6')
    this.#open.add(socket)
    return socket as unknown as Socket
  }

  defer(run: () => void): void {
    this.#owner.defer(run)
  }

  at(address: string): FakeDgramSocket | undefined {
    return this.#bound.get(address)
  }

  bind(socket: FakeDgramSocket): void {
    this.#bound.set(socket.boundText, socket)
  }

  close(socket: FakeDgramSocket): void {
    this.#open.delete(socket)
    this.#bound.delete(socket.boundText)
  }

  get openCount(): number {
    return this.#open.size
  }

  get isWaiting(): boolean {
    return [...this.#open].some((socket) => socket.getSendQueueCount() > 0)
  }

  flush(): void {
    for (const socket of this.#open) socket.flush()
  }
}
