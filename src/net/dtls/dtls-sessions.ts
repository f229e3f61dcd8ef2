// How sessions of DTLS begin, take over from one another, and end. Every SSL object is freed in one place here, #forget.
//
//   ClientHello with a right cookie ─► half-open ─► established ─► ended: closed by either side, idle without an allocation, or replaced
//                                          └─► failed: refused by OpenSSL, too slow, or displaced by newer ones
import {
  DTLS_BUFFERS_KEPT_SECONDS,
  DTLS_HALF_OPEN_COUNT_MAX,
  DTLS_HANDSHAKE_SECONDS_MAX,
  DTLS_IDLE_SECONDS_MAX,
  DTLS_SESSION_COUNT_MAX,
  DTLS_UNALLOCATED_COUNT_MAX,
  DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX,
} from '../../limits/dtls.js'
import type { ConnectionRefusal } from '../../log/connection-refusals.js'
import type { TransportAddress } from '../../stun/address.js'
import { TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import {
  COUNTER_CONNECTIONS_REFUSED,
  COUNTER_CONNECTIONS_TIMED_OUT,
  COUNTER_HANDSHAKES,
  COUNTER_HANDSHAKES_FAILED,
} from '../counters.js'
import { SourceCounts } from '../source-counts.js'
import type { ClientHello } from './client-hello.js'
import { DtlsSession } from './dtls-session.js'
import type { DtlsSessionsOptions, SendDatagram } from './dtls-sessions-options.js'
import type { Openssl } from './openssl.js'
import { type CertificatePair, newServerContext } from './server-context.js'
import { SessionTable } from './session-table.js'
import { SSL_ENDED, SSL_WAITS, SslIo } from './ssl-io.js'

/** How often flights are looked at that may have to be sent again. */
const RETRANSMIT_TICKS = TICKS_PER_SECOND / 10
const SWEEP_TICKS = TICKS_PER_SECOND
const BUFFERS_KEPT_TICKS = DTLS_BUFFERS_KEPT_SECONDS * TICKS_PER_SECOND
/** Above the numbers of stream connections, which the worker counts from 1. */
const CONNECTION_ID_MIN = 2 ** 30
const CONNECTION_ID_MAX = 2 ** 31 - 1

export class DtlsSessions {
  readonly io: SslIo
  core: TurnCore | null = null
  now = 0
  /** Its address has shown that it receives: whoever is told of it can believe it. */
  onRefused: (reason: ConnectionRefusal, client: TransportAddress) => void = () => {}
  readonly #openssl: Openssl
  readonly #counters: Float64Array
  readonly #send: SendDatagram
  readonly #table = new SessionTable()
  readonly #sources = new SourceCounts()
  /** Oldest first. */
  readonly #halfOpen = new Set<DtlsSession>()
  /** Those that count among the ones of their source, oldest first. */
  readonly #unallocated = new Set<DtlsSession>()
  readonly #unallocatedCountMax: number
  readonly #ending: DtlsSession[] = []
  /** The SSL_CTX of new handshakes; 0: none. */
  #context = 0
  #lastConnectionId = CONNECTION_ID_MIN
  #retransmittedAt = 0
  #sweptAt = 0

  constructor({ openssl, counters, send, unallocatedCountMax = DTLS_UNALLOCATED_COUNT_MAX }: DtlsSessionsOptions) {
    this.#unallocatedCountMax = unallocatedCountMax
    this.#openssl = openssl
    this.#counters = counters
    this.#send = send
    this.io = new SslIo(openssl)
  }

  get size(): number {
    return this.#table.size
  }

  get halfOpenCount(): number {
    return this.#halfOpen.size
  }

  setCertificate(pair: CertificatePair): void {
    const context = newServerContext(this.#openssl, pair)
    this.#freeContext()
    this.#context = context
  }

  /** The established session of this client, else the one that is to be. */
  find(client: FiveTuple): DtlsSession | null {
    return this.#table.find(client)
  }

  /** Begins a handshake. `bytes` is the record of `hello`, whose cookie is right. Returns null if there cannot be one. */
  begin(client: FiveTuple, hello: ClientHello, bytes: Uint8Array, start: number, end: number): DtlsSession | null {
    if (
      this.#context === 0 ||
      this.#table.size >= DTLS_SESSION_COUNT_MAX ||
      this.#sources.of(client.client) >= DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX
    ) {
      this.#counters[COUNTER_CONNECTIONS_REFUSED]++
      if (this.#context !== 0) this.onRefused('connection-cap', client.client)
      return null
    }
    if (this.#halfOpen.size >= DTLS_HALF_OPEN_COUNT_MAX) this.#failOldest()
    if (this.#unallocated.size >= this.#unallocatedCountMax) this.#displaceOldest()
    const ssl = this.io.accept(this.#context, bytes, start, end)
    if (ssl === 0) {
      this.#counters[COUNTER_HANDSHAKES_FAILED]++
      this.onRefused('tls-handshake', client.client)
      return null
    }
    const session = new DtlsSession(client, this.#nextConnectionId(), ssl, hello, this.now)
    const current = this.#table.find(client)
    const given = current?.isEstablished ? current.successor : current
    // The client has begun anew before it was done.
    if (given !== null && given !== undefined) this.fail(given)
    this.#halfOpen.add(session)
    this.#count(session)
    if (current?.isEstablished) {
      current.successor = session
      session.predecessor = current
    } else this.#table.add(session)
    return session
  }

  /** Goes on with a handshake, by what was given to `io`. Afterwards the session may be established, or have no SSL object. */
  handshake(session: DtlsSession): void {
    const result = this.io.handshake(session.ssl)
    this.flush(session)
    if (result === SSL_ENDED) this.fail(session)
    else if (result !== SSL_WAITS) this.#establish(session)
  }

  fail(session: DtlsSession): void {
    this.#counters[COUNTER_HANDSHAKES_FAILED]++
    this.onRefused('tls-handshake', session.fiveTuple.client)
    this.#forget(session)
  }

  /** Sends what OpenSSL has written for this session. */
  flush(session: DtlsSession): void {
    this.io.takeOutput(session.fiveTuple, this.#send)
  }

  /** The session is about to be used: its records need memory. */
  wake(session: DtlsSession): void {
    session.usedAt = this.now
    if (session.hasBuffers) return
    session.hasBuffers = true
    this.io.allocateBuffers(session.ssl)
  }

  /** Ends it as soon as endSessions is called: not from within the core, which hears of it. */
  endLater(session: DtlsSession): void {
    if (session.isEnding || session.ssl === 0) return
    session.isEnding = true
    this.#ending.push(session)
  }

  endSessions(): void {
    for (let session = this.#ending.pop(); session !== undefined; session = this.#ending.pop()) this.#end(session)
  }

  /** An allocation frees a session's place among those of its source. */
  noteAllocation(session: DtlsSession): void {
    const isCounted = !(this.core?.hasAllocation(session.fiveTuple) ?? false)
    if (isCounted === session.isCounted) return
    session.isCounted = isCounted
    if (isCounted) this.#count(session)
    else this.#uncount(session)
  }

  tick(now: number): void {
    this.now = now
    if (now - this.#retransmittedAt >= RETRANSMIT_TICKS) {
      this.#retransmittedAt = now
      for (const session of this.#halfOpen) this.#retransmit(session)
    }
    if (now - this.#sweptAt >= SWEEP_TICKS) {
      this.#sweptAt = now
      for (const session of this.#table.values()) if (session.isEstablished) this.#sweep(session)
    }
    this.endSessions()
  }

  endListeners(isRemoved: (listenerId: number) => boolean): void {
    for (const session of [...this.#halfOpen]) if (isRemoved(session.fiveTuple.listenerId)) this.#forget(session)
    for (const session of [...this.#table.values()]) if (isRemoved(session.fiveTuple.listenerId)) this.#end(session)
  }

  close(): void {
    for (const session of this.#halfOpen) this.#forget(session)
    for (const session of this.#table.values()) this.#end(session)
    this.#ending.length = 0
    this.#freeContext()
    this.io.close()
    this.#openssl.alpn.close()
  }

  #establish(session: DtlsSession): void {
    this.#counters[COUNTER_HANDSHAKES]++
    this.#halfOpen.delete(session)
    session.isEstablished = true
    session.activeAt = this.now
    const replaced = session.predecessor
    if (replaced === null) return
    // The client has forgotten the old keys, so it could not read a close_notify.
    replaced.successor = null
    session.predecessor = null
    this.#forget(replaced)
    this.#table.add(session)
    this.core?.handleClientClosed(replaced.fiveTuple)
  }

  #retransmit(session: DtlsSession): void {
    if (this.now - session.startedAt >= DTLS_HANDSHAKE_SECONDS_MAX * TICKS_PER_SECOND) {
      this.#counters[COUNTER_CONNECTIONS_TIMED_OUT]++
      this.fail(session)
      return
    }
    const goesOn = this.io.retransmit(session.ssl)
    this.flush(session)
    if (!goesOn) this.fail(session)
  }

  #sweep(session: DtlsSession): void {
    this.noteAllocation(session)
    if (!session.isCounted) session.activeAt = this.now
    if (this.now - session.activeAt >= DTLS_IDLE_SECONDS_MAX * TICKS_PER_SECOND) {
      this.#counters[COUNTER_CONNECTIONS_TIMED_OUT]++
      this.#end(session)
    } else if (session.hasBuffers && this.now - session.usedAt >= BUFFERS_KEPT_TICKS) {
      session.hasBuffers = !this.io.freeBuffers(session.ssl)
    }
  }

  /** Says close_notify, and tells the core. */
  #end(session: DtlsSession): void {
    if (session.ssl === 0) return
    this.wake(session)
    this.io.shutdown(session.ssl)
    this.flush(session)
    this.#forget(session)
    this.core?.handleClientClosed(session.fiveTuple)
  }

  #failOldest(): void {
    const oldest = this.#halfOpen.values().next().value
    if (oldest !== undefined) this.fail(oldest)
  }

  /** The one without an allocation that has been so for longest. */
  #displaceOldest(): void {
    const oldest = this.#unallocated.values().next().value
    if (oldest === undefined) return
    this.#counters[COUNTER_CONNECTIONS_REFUSED]++
    this.onRefused('connection-displaced', oldest.fiveTuple.client)
    // A handshake is no failed one: it had its time, and others shall have theirs.
    if (oldest.isEstablished) this.#end(oldest)
    else this.#forget(oldest)
  }

  #count(session: DtlsSession): void {
    this.#sources.add(session.fiveTuple.client)
    this.#unallocated.add(session)
  }

  #uncount(session: DtlsSession): void {
    this.#sources.remove(session.fiveTuple.client)
    this.#unallocated.delete(session)
  }

  #forget(session: DtlsSession): void {
    if (session.ssl === 0) return
    const { predecessor, successor } = session
    this.io.free(session.ssl)
    session.ssl = 0
    this.#halfOpen.delete(session)
    if (session.isCounted) this.#uncount(session)
    if (predecessor !== null) predecessor.successor = null
    else this.#table.remove(session)
    session.predecessor = null
    session.successor = null
    if (successor === null) return
    // Now it is the only one.
    successor.predecessor = null
    this.#table.add(successor)
  }

  #freeContext(): void {
    if (this.#context !== 0) this.#openssl.SSL_CTX_free(this.#context)
    this.#context = 0
  }

  #nextConnectionId(): number {
    this.#lastConnectionId =
      this.#lastConnectionId === CONNECTION_ID_MAX ? CONNECTION_ID_MIN : this.#lastConnectionId + 1
    return this.#lastConnectionId
  }
}
