// A client's data connection and a peer's connection, bound to each other (RFC 6062 §5.4): two flows, and how the pair ends.

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { HALF_CLOSED_IDLE_MILLISECONDS_MAX, KEEP_ALIVE_MILLISECONDS } from '../../limits/streams.js'
import { type Admit, Flow, type FlowMemory } from './flow.js'
import { ignoreError } from './peer-sockets.js'

const NOTHING = new Uint8Array(0)

export interface DataConnectionOptions {
  /** Paused, and without listeners of its former owner. */
  readonly client: Duplex
  readonly peer: Socket
  /** What the client has sent already. */
  readonly rest: Uint8Array
  readonly admitFromClient: Admit
  readonly admitToClient: Admit
  /** Gets the flows that retry() must be called for. */
  readonly throttled: Set<Flow>
  /** Of all data connections of this worker. */
  readonly memory: FlowMemory
  /** Both sides are closed. Called once, never within a call. */
  readonly onEnded: () => void
}

export class DataConnection {
  readonly #client: Duplex
  readonly #peer: Socket
  readonly #fromClient: Flow
  readonly #toClient: Flow
  readonly #onEnded: () => void
  #openCount = 2
  /** What tells a byte's progress, and when it was last seen to change. */
  #progress = -1
  #progressAt = 0

  constructor({
    client,
    peer,
    rest,
    admitFromClient,
    admitToClient,
    throttled,
    memory,
    onEnded,
  }: DataConnectionOptions) {
    this.#client = client
    this.#peer = peer
    this.#onEnded = onEnded
    this.#fromClient = new Flow(client, peer, admitFromClient, throttled, memory)
    this.#toClient = new Flow(peer, client, admitToClient, throttled, memory)
    this.#adopt(client, peer)
    this.#adopt(peer, client)
    if (client.destroyed) this.#abort(peer)
    else {
      this.#fromClient.start(rest)
      this.#toClient.start(NOTHING)
    }
  }

  /** Closes both sides at once. */
  close(): void {
    this.#stop()
    this.#client.destroy()
    this.#peer.destroy()
  }

  /** Closes both sides if one direction has ended and nothing has moved for long. Called about every second. */
  closeIfIdle(now: number): void {
    if (!this.#fromClient.isEnded && !this.#toClient.isEnded) return
    const received = this.#fromClient.bytesReceived + this.#toClient.bytesReceived
    const progress = received - this.#client.writableLength - this.#peer.writableLength
    if (progress !== this.#progress) {
      this.#progress = progress
      this.#progressAt = now
    } else if (now - this.#progressAt >= HALF_CLOSED_IDLE_MILLISECONDS_MAX) this.close()
  }

  #adopt(side: Duplex, other: Duplex): void {
    // The end of one direction is not the end of the other; a stream looks at this when its end comes.
    side.allowHalfOpen = true
    side.on('error', ignoreError)
    // Of a stream that was closed before, the event has gone.
    if (side.closed) process.nextTick(() => this.#closed(side, other))
    else side.once('close', () => this.#closed(side, other))
    if (!(side instanceof Socket)) return
    side.setTimeout(0)
    side.setNoDelay(true)
    side.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS)
  }

  #closed(side: Duplex, other: Duplex): void {
    const isOrderly = side.readableEnded && side.writableFinished
    // After an orderly end the other side still has its last bytes to send.
    if (!isOrderly && !other.destroyed) this.#abort(other)
    this.#openCount--
    if (this.#openCount === 0) this.#onEnded()
  }

  /** Closes a side so that it can tell this from an end: by a reset, or over TLS without a close_notify. */
  #abort(side: Duplex): void {
    this.#stop()
    // A socket that is being shut down cannot be reset: libuv refuses, and Node would never close it.
    if (side instanceof Socket && !(side instanceof TLSSocket) && !side.writableEnded) side.resetAndDestroy()
    else side.destroy()
  }

  #stop(): void {
    this.#fromClient.stop()
    this.#toClient.stop()
  }
}
