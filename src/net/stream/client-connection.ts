// One stream connection of a client: its 5-tuple, what it has shown so far, and the stream that it is read from (TCP, later TLS over it).

import type { Socket } from 'node:net'
import { FRAME_LENGTH_MAX_UNAUTHENTICATED } from '../../limits/messages.js'
import { FrameAssembler } from '../../stun/framing.js'
import { FiveTuple, TRANSPORT_TCP } from '../../turn/five-tuple.js'
import { NO_TICKET } from './connection-cap.js'
import { type OutgoingContext, OutgoingQueue } from './outgoing-queue.js'

// What is expected of it next, in order.
export const PHASE_PROXY_HEADER = 0
export const PHASE_FIRST_BYTES = 1
export const PHASE_HANDSHAKE = 2
export const PHASE_FIRST_MESSAGE = 3
/** Frames, without an allocation. */
export const PHASE_IDLE = 4
export const PHASE_ALLOCATED = 5
/** Somebody else reads it. */
export const PHASE_HTTP = 6
/** Nothing more is read; what is queued still leaves. */
export const PHASE_CLOSING = 7
/** Destroyed, or another's (a data connection of RFC 6062). */
export const PHASE_GONE = 8

/** In place of a time: nothing is expected of this connection. */
export const NO_DEADLINE = Number.MAX_SAFE_INTEGER

/** Which listener a connection came to. */
export interface StreamListener {
  /** Its index among the listeners of this worker. */
  readonly id: number
  /** `tcp` takes STUN alone; `tls` finds out what comes. */
  readonly scheme: 'tcp' | 'tls'
}

/** Where the events of a connection go to. */
export interface ConnectionEvents {
  handleBytes(connection: ClientConnection, bytes: Uint8Array): void
  handleFrame(connection: ClientConnection, bytes: Uint8Array, start: number, end: number): void
  /** The client sends nothing more. */
  handleEnd(connection: ClientConnection): void
  /** It is gone, for whatever reason: the last event. */
  handleClosed(connection: ClientConnection): void
}

const NOTHING = new Uint8Array(0)

export class ClientConnection {
  readonly fiveTuple = new FiveTuple()
  readonly listener: StreamListener
  readonly assembler = new FrameAssembler(FRAME_LENGTH_MAX_UNAUTHENTICATED)
  readonly outgoing: OutgoingQueue
  /** What it is read from and written to: the TLS stream once there is one. */
  stream: Socket
  isSecure = false
  phase = PHASE_FIRST_MESSAGE
  /** Milliseconds: when it is closed unless its phase has changed. */
  deadlineAt = 0
  /** What came and could not be told apart yet. */
  head: Uint8Array = NOTHING
  /** Its place in the count of connections without an allocation. */
  ticket = NO_TICKET
  /** It has something to send in this turn. */
  hasGathered = false
  /** Frames of it are being handed on: what ends it waits for the end of that. */
  isReceiving = false
  /** The core has had a frame of it. */
  isKnownToCore = false
  /** It was bound to a connection of a peer, of this CONNECTION-ID and this handle. */
  isBound = false
  boundConnectionId = 0
  boundHandle = 0
  readonly onFrame: (bytes: Uint8Array, start: number, end: number) => void
  readonly #onData: (bytes: Uint8Array) => void
  readonly #onEnd: () => void
  readonly #onClose: () => void

  constructor(
    id: number,
    stream: Socket,
    listener: StreamListener,
    context: OutgoingContext,
    events: ConnectionEvents,
  ) {
    this.stream = stream
    this.listener = listener
    this.fiveTuple.transport = TRANSPORT_TCP
    this.fiveTuple.listenerId = listener.id
    this.fiveTuple.connectionId = id
    this.outgoing = new OutgoingQueue(stream, context)
    this.onFrame = (bytes, start, end) => events.handleFrame(this, bytes, start, end)
    this.#onData = (bytes) => events.handleBytes(this, bytes)
    this.#onEnd = () => events.handleEnd(this)
    this.#onClose = () => events.handleClosed(this)
    this.#watch(stream)
  }

  get isFramed(): boolean {
    return this.phase >= PHASE_FIRST_MESSAGE && this.phase <= PHASE_ALLOCATED
  }

  /** Reads the stream from now on. */
  startReading(): void {
    this.stream.on('data', this.#onData)
  }

  /** Leaves the stream paused, with these bytes in front of what it reads next, for somebody else to read. */
  stopReading(unread: Uint8Array = NOTHING): void {
    const { stream } = this
    stream.removeListener('data', this.#onData)
    stream.removeListener('end', this.#onEnd)
    stream.pause()
    if (unread.length > 0) stream.unshift(unread)
  }

  /** The stream over the one that it had; the end of one is the end of both. */
  changeStream(stream: Socket): void {
    this.stream.removeListener('close', this.#onClose)
    this.stream = stream
    this.outgoing.startRecords(stream)
    this.#watch(stream)
  }

  /** It is somebody else's from now on: nothing of it is told any more. */
  release(): void {
    this.stream.removeListener('close', this.#onClose)
  }

  #watch(stream: Socket): void {
    stream.on('error', ignoreError)
    stream.once('end', this.#onEnd)
    stream.once('close', this.#onClose)
  }
}

/** Whatever the error is, `close` follows. Who takes the stream over listens for itself. */
function ignoreError(): void {}
