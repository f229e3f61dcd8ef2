// What comes before frames: the PROXY header, then TLS, STUN and HTTP told apart by the first bytes (RFC 7983), and inside TLS by ALPN
// (RFC 7443) or, without it, by the first bytes again.
//
//   proxies ─► PROXY header ─┐
//   others ──────────────────┴─► tcp: ───────────────────────────────────────────────────────► frames
//                            └─► tls: first bytes ─► STUN ───────────────────────────────────► frames
//                                                 ├─► TLS ─► ALPN, or first bytes ─► STUN ───► frames
//                                                 └─► HTTP ◄───────────────────────┘

import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { FIRST_MESSAGE_MILLISECONDS_MAX, HANDSHAKE_MILLISECONDS_MAX } from '../../limits/streams.js'
import type { TransportAddress } from '../../stun/address.js'
import { type Cidr, cidrContains } from '../../stun/cidr.js'
import { TRANSPORT_TLS } from '../../turn/five-tuple.js'
import { COUNTER_HANDSHAKES } from '../counters.js'
import {
  type ClientConnection,
  NO_DEADLINE,
  PHASE_FIRST_BYTES,
  PHASE_FIRST_MESSAGE,
  PHASE_HANDSHAKE,
  PHASE_HTTP,
  PHASE_PROXY_HEADER,
} from './client-connection.js'
import { classifyFirstBytes, FIRST_HTTP, FIRST_NEED_MORE, FIRST_STUN, FIRST_TLS } from './first-bytes.js'
import { decodeProxyHeader, PROXY_INVALID, PROXY_NEED_MORE, ProxyHeader } from './proxy-protocol.js'
import { ALPN_HTTP, ALPN_STUN, type TlsAcceptor } from './tls-acceptor.js'
import { HANDSHAKE_COST, type TurnShares } from './turn-shares.js'

/** Who answers HTTP. */
export interface HttpTaker {
  /**
   * A connection whose next bytes are HTTP; it flows once this has returned. Call `onFirstRequest` once a whole head of a request has come:
   * until then the connection is one that has shown nothing, and is closed after 10 s.
   */
  accept(socket: Duplex, client: TransportAddress, isSecure: boolean, onFirstRequest: () => void): void
}

/** What the entrance asks of the owner of the connections. */
export interface EntranceHost {
  /** Counts it against its address; false: there were too many, and it has been closed. */
  admit(connection: ClientConnection): boolean
  /** Out of that count. */
  exempt(connection: ClientConnection): void
  receiveFrames(connection: ClientConnection, bytes: Uint8Array): void
  /** What came is nothing for this port. */
  closeMalformed(connection: ClientConnection, reason: 'not-stun' | 'proxy-header'): void
  /** Without a certificate, or while it goes away. */
  destroy(connection: ClientConnection): void
}

export interface EntranceOptions {
  readonly proxyProtocolFrom: readonly Cidr[]
  readonly tls: TlsAcceptor
  readonly shares: TurnShares
  readonly http: HttpTaker | null
  readonly counters: Float64Array
  readonly now: () => number
}

export class Entrance {
  readonly #host: EntranceHost
  #options: EntranceOptions
  readonly #header = new ProxyHeader()

  constructor(host: EntranceHost, options: EntranceOptions) {
    this.#host = host
    this.#options = options
  }

  /** For connections that come from now on. */
  reconfigure(proxyProtocolFrom: readonly Cidr[], http: HttpTaker | null): void {
    this.#options = { ...this.#options, proxyProtocolFrom, http }
    this.#options.tls.setProtocols(http === null ? ALPN_STUN : [...ALPN_STUN, ALPN_HTTP])
  }

  /** A connection that has just been accepted; its 5-tuple has the address that it comes from. */
  begin(connection: ClientConnection): void {
    const { client } = connection.fiveTuple
    connection.deadlineAt = this.#options.now() + FIRST_MESSAGE_MILLISECONDS_MAX
    if (this.#options.proxyProtocolFrom.some((cidr) => cidrContains(cidr, client))) {
      // Whose connection it is will be told.
      connection.phase = PHASE_PROXY_HEADER
    } else {
      if (!this.#host.admit(connection)) return
      this.#expectFirst(connection)
    }
    connection.startReading()
  }

  /** Bytes of a connection that is not framed yet. */
  handleBytes(connection: ClientConnection, bytes: Uint8Array): void {
    const { head } = connection
    const known = head.length === 0 ? bytes : Buffer.concat([head, bytes])
    connection.head = known
    if (connection.phase === PHASE_PROXY_HEADER && !this.#takeProxyHeader(connection)) return
    if (connection.phase === PHASE_FIRST_BYTES) this.#classify(connection)
    else if (connection.isFramed && connection.head.length > 0) this.#handOn(connection)
  }

  #takeProxyHeader(connection: ClientConnection): boolean {
    const header = this.#header
    const length = decodeProxyHeader(connection.head, 0, connection.head.length, header)
    if (length === PROXY_NEED_MORE) return false
    if (length === PROXY_INVALID) {
      this.#host.closeMalformed(connection, 'proxy-header')
      return false
    }
    if (!header.isLocal) connection.fiveTuple.client.copyFrom(header.source)
    connection.head = connection.head.subarray(length)
    if (!this.#host.admit(connection)) return false
    this.#expectFirst(connection)
    return true
  }

  #expectFirst(connection: ClientConnection): void {
    connection.phase = connection.listener.scheme === 'tls' ? PHASE_FIRST_BYTES : PHASE_FIRST_MESSAGE
  }

  #classify(connection: ClientConnection): void {
    const { head } = connection
    if (head.length === 0) return
    const first = classifyFirstBytes(head, 0, head.length)
    if (first === FIRST_NEED_MORE) return
    if (first === FIRST_STUN) {
      connection.phase = PHASE_FIRST_MESSAGE
      this.#handOn(connection)
    } else if (first === FIRST_TLS && !connection.isSecure) this.#beginHandshake(connection)
    else if (first === FIRST_HTTP && this.#options.http !== null) this.#handToHttp(connection, this.#options.http)
    else this.#host.closeMalformed(connection, 'not-stun')
  }

  #handOn(connection: ClientConnection): void {
    this.#host.receiveFrames(connection, takeHead(connection))
  }

  #beginHandshake(connection: ClientConnection): void {
    const { shares } = this.#options
    if (!shares.hasRoom(connection)) {
      shares.hold(connection, takeHead(connection))
      return
    }
    shares.take(connection, HANDSHAKE_COST)
    connection.phase = PHASE_HANDSHAKE
    connection.deadlineAt = this.#options.now() + HANDSHAKE_MILLISECONDS_MAX
    connection.stopReading(takeHead(connection))
    const stream = this.#options.tls.accept(connection.stream, (secured) => this.#handleSecured(connection, secured))
    if (stream === null) this.#host.destroy(connection)
    else connection.changeStream(stream)
  }

  #handleSecured(connection: ClientConnection, stream: TLSSocket): void {
    if (connection.phase !== PHASE_HANDSHAKE) return
    const { counters, http, now } = this.#options
    counters[COUNTER_HANDSHAKES]++
    connection.isSecure = true
    connection.fiveTuple.transport = TRANSPORT_TLS
    connection.deadlineAt = now() + FIRST_MESSAGE_MILLISECONDS_MAX
    const protocol = stream.alpnProtocol
    if (protocol === ALPN_HTTP && http !== null) {
      this.#handToHttp(connection, http)
      return
    }
    connection.phase = typeof protocol === 'string' ? PHASE_FIRST_MESSAGE : PHASE_FIRST_BYTES
    connection.startReading()
  }

  #handToHttp(connection: ClientConnection, http: HttpTaker): void {
    connection.phase = PHASE_HTTP
    connection.stopReading(takeHead(connection))
    http.accept(connection.stream, connection.fiveTuple.client, connection.isSecure, () => {
      connection.deadlineAt = NO_DEADLINE
      this.#host.exempt(connection)
    })
    connection.stream.resume()
  }
}

function takeHead(connection: ClientConnection): Uint8Array {
  const { head } = connection
  connection.head = NOTHING
  return head
}

const NOTHING = new Uint8Array(0)
