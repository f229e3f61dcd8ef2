// Clients over TCP and TLS of one stream worker: accepted connections become frames for the core, and what the core sends is gathered per
// connection and written once a turn.
//
//   ┌ How to drive it ───────────────────────────────────────────────────────────────────────────────────────────┐
//   │ 1. Construct it, setCertificate where a listener is tls:, attach the core; then accept connections.          │
//   │ 2. Route the core's output for TRANSPORT_TCP and TRANSPORT_TLS here.                                         │
//   │ 3. flush() in each turn of the event loop in which onGathered was called, after the engine's poll; and every │
//   │    50 ms, since clients' time to read goes by with it.                                                       │
//   │ 4. sweep() about every 500 ms.                                                                               │
//   └─────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// No input throws. The core is called by events of sockets and by sweep() alone, so never while it runs.
import type { Socket } from 'node:net'
import { FRAME_LENGTH_MAX, FRAME_LENGTH_MAX_UNAUTHENTICATED } from '../../limits/messages.js'
import { CLOSING_MILLISECONDS_MAX, IDLE_MILLISECONDS_MAX } from '../../limits/streams.js'
import type { ConnectionRefusal } from '../../log/connection-refusals.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import {
  COUNTER_BYTES_RECEIVED,
  COUNTER_CONNECTIONS_ACCEPTED,
  COUNTER_PACKETS_RECEIVED,
  COUNTER_RECEIVE_CALLS,
  COUNTER_STALLED_DROPS,
} from '../counters.js'
import { clientDescriptorEnd, descriptorOf } from '../descriptor-limit.js'
import { ChunkPool } from './chunk-pool.js'
import {
  ClientConnection,
  type ConnectionEvents,
  NO_DEADLINE,
  PHASE_ALLOCATED,
  PHASE_CLOSING,
  PHASE_FIRST_MESSAGE,
  PHASE_GONE,
  PHASE_HANDSHAKE,
  PHASE_IDLE,
  type StreamListener,
} from './client-connection.js'
import { ClientConnections } from './client-connections.js'
import type { ClientStreamsOptions, StreamCore } from './client-streams-options.js'
import { ConnectionEndings } from './connection-endings.js'
import { Entrance, type EntranceHost } from './entrance.js'
import type { OutgoingContext } from './outgoing-queue.js'
import { readRemoteAddress } from './remote-address.js'
import { StreamOutput } from './stream-output.js'
import { ALPN_HTTP, ALPN_STUN, TlsAcceptor, type TlsCertificate } from './tls-acceptor.js'
import { TurnClock } from './turn-clock.js'
import { TurnShares } from './turn-shares.js'

const NOTHING = new Uint8Array(0)

export class ClientStreams extends StreamOutput implements ConnectionEvents, EntranceHost {
  readonly tls: TlsAcceptor
  readonly entrance: Entrance
  readonly #context: OutgoingContext
  readonly #turnClock: TurnClock
  readonly #shares: TurnShares
  readonly #now: () => number
  readonly #descriptorEnd = clientDescriptorEnd()
  readonly #onBound: ClientStreamsOptions['onBound']
  readonly #endings: ConnectionEndings
  #core: StreamCore | null = null

  constructor(options: ClientStreamsOptions) {
    const { counters, http, now = () => performance.now(), onGathered = () => {}, ticketKeys } = options
    const { connectionCountMax, unallocatedCountMax } = options
    const connections = new ClientConnections(options.unauthenticated, connectionCountMax, unallocatedCountMax)
    super(counters, connections, onGathered)
    this.#shares = new TurnShares(onGathered)
    this.#now = now
    this.#onBound = options.onBound
    this.#endings = new ConnectionEndings(counters, options.onRefused ?? (() => {}))
    this.#turnClock = new TurnClock(now)
    const pool = new ChunkPool(options.queueMemoryBytesMax)
    this.#context = { pool, counters, now: () => this.#turnClock.milliseconds }
    this.tls = new TlsAcceptor(ticketKeys, http === null ? ALPN_STUN : [...ALPN_STUN, ALPN_HTTP])
    this.entrance = new Entrance(this, { ...options, now, shares: this.#shares, tls: this.tls })
  }

  /** How many connections there are, of whatever state. */
  get connectionCount(): number {
    return this.connections.size
  }

  attach(core: StreamCore): void {
    this.#core = core
  }

  /** For handshakes from now on. Throws, and keeps the old one, if OpenSSL refuses it. */
  setCertificate(certificate: TlsCertificate): void {
    this.tls.setCertificate(certificate)
  }

  /** Ends the connections that came over these listeners, pages too. */
  endListeners(isRemoved: (listenerId: number) => boolean): void {
    for (const connection of this.connections.values()) if (isRemoved(connection.listener.id)) this.destroy(connection)
  }

  accept(socket: Socket, listener: StreamListener): void {
    this.counters[COUNTER_CONNECTIONS_ACCEPTED]++
    const connection = new ClientConnection(this.connections.nextId(), socket, listener, this.#context, this)
    // One that has been reset already has no address.
    if (!readRemoteAddress(socket, connection.fiveTuple.client)) return void this.destroy(connection)
    if (descriptorOf(socket) >= this.#descriptorEnd) return void this.#refuse(connection, 'open-files')
    if (this.connections.isFull) return void this.#refuse(connection)
    connection.begin()
    this.connections.add(connection)
    this.entrance.begin(connection)
  }

  /** Called at the end of each turn of the event loop, and every 50 ms at least. */
  override flush(): void {
    this.#turnClock.turn()
    super.flush()
    this.#shares.endTurn()
  }

  /** What was sent to it before still leaves. */
  closeClient(client: FiveTuple): void {
    const connection = this.connections.findFramed(client)
    if (connection !== null) this.#finish(connection)
  }

  /** ConnectionOutput's. The stream leaves when the bytes that have come are decided and the answer is written. */
  bindPeerConnection(client: FiveTuple, connectionId: number, handle: number): void {
    const connection = this.connections.findFramed(client)
    if (connection === null) {
      process.nextTick(this.#onBound, connectionId, handle, null, NOTHING)
      return
    }
    connection.assembler.stop()
    connection.isBound = true
    connection.boundConnectionId = connectionId
    connection.boundHandle = handle
    if (!connection.isReceiving) process.nextTick(() => this.#handOver(connection))
  }

  /** Closes what is past its deadline, and notices allocations that came or went. */
  sweep(): void {
    const now = this.#now()
    this.counters[COUNTER_STALLED_DROPS] += this.tls.destroyStalled()
    for (const connection of this.connections.values()) {
      if (connection.phase === PHASE_ALLOCATED || connection.phase === PHASE_IDLE) this.#lookAtAllocation(connection)
      if (connection.deadlineAt > now || connection.phase === PHASE_GONE) continue
      this.#endings.noteTimeout(connection)
      this.destroy(connection)
    }
  }

  /** Destroys every connection. */
  close(): void {
    for (const connection of this.connections.values()) this.destroy(connection)
  }

  // ConnectionEvents.

  handleBytes(connection: ClientConnection, bytes: Uint8Array): void {
    if (!connection.hasUnread) this.counters[COUNTER_RECEIVE_CALLS]++
    connection.hasUnread = false
    if (connection.isFramed) this.receiveFrames(connection, bytes)
    else if (connection.phase < PHASE_FIRST_MESSAGE) this.entrance.handleBytes(connection, bytes)
  }

  handleFrame(connection: ClientConnection, bytes: Uint8Array, start: number, end: number): void {
    this.counters[COUNTER_PACKETS_RECEIVED]++
    this.counters[COUNTER_BYTES_RECEIVED] += end - start
    connection.isKnownToCore = true
    this.#core?.handleClientFrame(connection.fiveTuple, bytes, start, end)
    if (!this.#shares.takeFrame(connection, bytes[start])) connection.assembler.hold()
    if (connection.phase === PHASE_FIRST_MESSAGE || connection.phase === PHASE_IDLE) {
      connection.phase = PHASE_IDLE
      connection.deadlineAt = this.#now() + IDLE_MILLISECONDS_MAX
      this.#lookAtAllocation(connection)
    }
  }

  handleEnd(connection: ClientConnection): void {
    this.#finish(connection)
    // What it had is free at once, and not only when the kernel has taken the last answers.
    this.#tellCoreOfEnd(connection)
  }

  handleClosed(connection: ClientConnection): void {
    if (connection.phase === PHASE_HANDSHAKE) this.#endings.noteFailedHandshake(connection)
    connection.phase = PHASE_GONE
    connection.outgoing.discard()
    this.#shares.forget(connection)
    this.connections.remove(connection)
    this.#tellCoreOfEnd(connection)
  }

  // EntranceHost.

  admit(connection: ClientConnection): boolean {
    if (!this.connections.admit(connection)) {
      this.#refuse(connection)
      return false
    }
    const surplus = this.connections.takeSurplus()
    if (surplus !== null) {
      // It had its time, and others shall have theirs.
      this.#endings.noteRefused(surplus, 'connection-displaced')
      surplus.phase = PHASE_CLOSING
      this.destroy(surplus)
    }
    return true
  }

  exempt(connection: ClientConnection): void {
    this.connections.uncount(connection)
  }

  receiveFrames(connection: ClientConnection, bytes: Uint8Array): void {
    if (connection.phase === PHASE_IDLE) this.#lookAtAllocation(connection)
    if (!this.#shares.hasRoom(connection)) return void this.#shares.hold(connection, bytes)
    connection.isReceiving = true
    const result = connection.assembler.push(bytes, connection.onFrame)
    connection.isReceiving = false
    if (connection.isBound) this.#handOver(connection)
    else if (result < 0 && connection.isFramed) this.closeMalformed(connection, 'not-stun')
    else if (connection.assembler.isHolding && connection.isFramed)
      this.#shares.hold(connection, connection.assembler.takeRest())
  }

  closeMalformed(connection: ClientConnection, reason: 'not-stun' | 'proxy-header'): void {
    this.#endings.noteMalformed(connection, reason)
    // What came before was good, and has its answer.
    connection.outgoing.write()
    this.destroy(connection)
  }

  /** Closes it at once; `close` follows as an event. */
  destroy(connection: ClientConnection): void {
    if (connection.phase === PHASE_GONE) return
    if (connection.phase === PHASE_HANDSHAKE) this.#endings.noteFailedHandshake(connection)
    connection.phase = PHASE_GONE
    connection.assembler.stop()
    connection.stream.destroy()
  }

  #lookAtAllocation(connection: ClientConnection): void {
    const isAllocated = this.#core?.hasAllocation(connection.fiveTuple) === true
    if (isAllocated === (connection.phase === PHASE_ALLOCATED)) return
    if (isAllocated) {
      connection.phase = PHASE_ALLOCATED
      connection.deadlineAt = NO_DEADLINE
      connection.assembler.frameLengthMax = FRAME_LENGTH_MAX
      this.connections.uncount(connection)
    } else {
      connection.phase = PHASE_IDLE
      connection.deadlineAt = this.#now() + IDLE_MILLISECONDS_MAX
      connection.assembler.frameLengthMax = FRAME_LENGTH_MAX_UNAUTHENTICATED
      this.connections.count(connection)
    }
  }

  #refuse(connection: ClientConnection, reason: ConnectionRefusal = 'connection-cap'): void {
    this.#endings.noteRefused(connection, reason)
    connection.phase = PHASE_GONE
    connection.stream.resetAndDestroy()
  }

  #tellCoreOfEnd(connection: ClientConnection): void {
    if (!connection.isKnownToCore) return
    connection.isKnownToCore = false
    this.#core?.handleClientClosed(connection.fiveTuple)
  }

  /** Nothing more is read of it; what it was sent leaves. */
  #finish(connection: ClientConnection): void {
    if (connection.phase < PHASE_FIRST_MESSAGE) this.destroy(connection)
    if (!connection.isFramed) return
    connection.phase = PHASE_CLOSING
    connection.deadlineAt = this.#now() + CLOSING_MILLISECONDS_MAX
    connection.assembler.stop()
    connection.outgoing.writeAll()
    connection.stream.destroySoon()
  }

  /** Gives a bound connection away, once. */
  #handOver(connection: ClientConnection): void {
    if (!connection.isBound) return
    connection.isBound = false
    const { boundConnectionId, boundHandle, stream } = connection
    if (!connection.isFramed) {
      this.#onBound(boundConnectionId, boundHandle, null, NOTHING)
      return
    }
    connection.outgoing.writeAll()
    // Nobody tells of its end any more: what it could not take is given back now.
    connection.outgoing.discard()
    connection.stopReading()
    connection.release()
    this.#shares.forget(connection)
    connection.phase = PHASE_GONE
    this.connections.remove(connection)
    this.#onBound(boundConnectionId, boundHandle, stream, connection.assembler.takeRest())
  }
}
