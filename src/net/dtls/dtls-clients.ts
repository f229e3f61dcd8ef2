// Clients over DTLS (RFC 7350): stands between the engine, which receives and sends their datagrams, and the core, which sees frames. One
// record of application data is one frame (STUN or ChannelData, without padding).
//
//   ┌ How to drive it ───────────────────────────────────────────────────────────────────────────────────────────┐
//   │ 1. new DtlsClients({ counters, send }), attach(core), setCertificate(pair): before the first datagram.      │
//   │ 2. For each datagram at a `dtls:` listener: handleClientFrame. What the core sends to a client whose        │
//   │    transport is TRANSPORT_DTLS: the functions of TurnOutput here.                                           │
//   │ 3. At least every 100 ms: tick(now), with the core's ticks, not from within the core.                       │
//   │ 4. At the end: close(), once; it tells the core of each session that ends.                                  │
//   └─────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// Of an address that has not shown yet that it receives (cookies.ts) nothing is kept. Network input never throws.

import { randomBytes } from 'node:crypto'
import { DTLS_EARLY_RECORD_COUNT_MAX } from '../../limits/dtls.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../stun/channel-data.js'
import type { TurnCore } from '../../turn/core.js'
import { DROP_NONE, DROP_NOT_STUN } from '../../turn/drop-reasons.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import { COUNTER_SOCKET_ERRORS } from '../counters.js'
import type { ClientHandler } from '../engine.js'
import { ClientHello, isClientHello, isLaterFragment } from './client-hello.js'
import { Cookies } from './cookies.js'
import type { DtlsSession } from './dtls-session.js'
import { DtlsSessions } from './dtls-sessions.js'
import type { SendDatagram } from './dtls-sessions-options.js'
import { FrameMemory } from './frame-memory.js'
import { type Openssl, openOpenssl } from './openssl.js'
import { areRecords, clearEnd, encryptedCount, PLAINTEXT_LENGTH_MAX, RECORD_LENGTH_MAX, recordEnd } from './record.js'
import { type CertificatePair, newServerContext } from './server-context.js'
import { SSL_ENDED } from './ssl-io.js'

const COOKIE_SECRET_LENGTH = 32

export interface DtlsClientsOptions {
  /** By COUNTER_ index. */
  readonly counters: Float64Array
  /** The bytes are valid during the call only. */
  readonly send: SendDatagram
  /** What cookies are made with; of this object alone if absent. */
  readonly cookieSecret?: Uint8Array
  /** Sessions without an allocation; DTLS_UNALLOCATED_COUNT_MAX if absent. */
  readonly unallocatedCountMax?: number
}

/** Throws, in one sentence for the operator, why this Node cannot do DTLS. Costs nothing that must be closed. */
export function checkDtls(): void {
  openOpenssl().alpn.close()
}

export class DtlsClients implements ClientHandler {
  readonly #openssl: Openssl
  readonly #sessions: DtlsSessions
  readonly #counters: Float64Array
  readonly #send: SendDatagram
  readonly #cookies: Cookies
  readonly #hello = new ClientHello()
  readonly #frames: FrameMemory
  readonly #plain: Uint8Array
  #core: TurnCore | null = null
  #frameHandler: ClientHandler | null = null
  #isClosed = false

  /** Throws what checkDtls throws. */
  constructor(options: DtlsClientsOptions) {
    const { counters, send, cookieSecret = randomBytes(COOKIE_SECRET_LENGTH), unallocatedCountMax } = options
    const openssl = openOpenssl()
    this.#openssl = openssl
    this.#sessions = new DtlsSessions({ openssl, counters, send, unallocatedCountMax })
    this.#counters = counters
    this.#send = send
    this.#cookies = new Cookies(cookieSecret)
    this.#frames = new FrameMemory(openssl.koffi)
    this.#plain = this.#sessions.io.plain
  }

  /** Clients that are known, half-open handshakes included. */
  get sessionCount(): number {
    return this.#sessions.size
  }

  get halfOpenCount(): number {
    return this.#sessions.halfOpenCount
  }

  /** @param frames whom frames go to: the core, or what stands before it */
  attach(core: TurnCore, frames: ClientHandler = core): void {
    this.#core = core
    this.#frameHandler = frames
    this.#sessions.core = core
  }

  /** Whom a session was refused, and why. */
  set onRefused(tell: DtlsSessions['onRefused']) {
    this.#sessions.onRefused = tell
  }

  /** For handshakes from now on. Throws an Error that says what is wrong with the pair; the one before stays then. */
  setCertificate(pair: CertificatePair): void {
    if (!this.#isClosed) this.#sessions.setCertificate(pair)
  }

  /** Throws an Error that says what is wrong with the pair, and changes nothing. */
  checkCertificate(pair: CertificatePair): void {
    this.#openssl.SSL_CTX_free(newServerContext(this.#openssl, pair))
  }

  /** Ends the sessions of these listeners, with close_notify. */
  endListeners(isRemoved: (listenerId: number) => boolean): void {
    if (!this.#isClosed) this.#sessions.endListeners(isRemoved)
  }

  handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    const core = this.#core
    if (core === null || this.#isClosed) return DROP_NONE
    let drop = DROP_NOT_STUN
    if (end - start <= RECORD_LENGTH_MAX && areRecords(bytes, start, end)) {
      const next = recordEnd(bytes, start, end)
      if (isClientHello(bytes, start, next)) drop = this.#handleClientHello(core, client, bytes, start, next, end)
      else drop = this.#handleRecords(client, bytes, start, end)
    }
    this.#sessions.endSessions()
    if (drop !== DROP_NONE) core.drops[drop]++
    return drop
  }

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    const session = this.#sessionOf(client, end - start)
    if (session === null) return
    this.#plain.set(bytes.subarray(start, end))
    this.#write(session, end - start)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const payloadEnd = headerEnd + end - start
    const paddedEnd = (payloadEnd + 3) & ~3
    const session = this.#sessionOf(client, paddedEnd)
    if (session === null) return
    this.#plain.set(header.subarray(0, headerEnd))
    this.#plain.set(bytes.subarray(start, end), headerEnd)
    this.#plain.fill(0, payloadEnd, paddedEnd)
    this.#write(session, paddedEnd)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    const length = CHANNEL_DATA_HEADER_LENGTH + end - start
    const session = this.#sessionOf(client, length)
    if (session === null) return
    writeChannelDataHeader(this.#plain, 0, channelNumber, end - start)
    this.#plain.set(bytes.subarray(start, end), CHANNEL_DATA_HEADER_LENGTH)
    this.#write(session, length)
  }

  /** With close_notify, at the next tick or datagram. */
  closeClient(client: FiveTuple): void {
    const session = this.#sessionOf(client, 0)
    if (session !== null) this.#sessions.endLater(session)
  }

  /** @param now the core's ticks of 10 ms */
  tick(now: number): void {
    if (!this.#isClosed) this.#sessions.tick(now)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#sessions.close()
  }

  /** The first record, [start, recordEnd), is a ClientHello in plain text. */
  #handleClientHello(
    core: TurnCore,
    client: FiveTuple,
    bytes: Uint8Array,
    start: number,
    recordEnd: number,
    end: number,
  ): number {
    const hello = this.#hello
    if (isLaterFragment(bytes, start)) return this.#handleRecords(client, bytes, start, end)
    if (!hello.decode(bytes, start, recordEnd)) return DROP_NOT_STUN
    if (!this.#cookies.isValid(client, hello, core.monotonicTicks())) {
      const drop = core.answerGate.dropOfAnswer(client, false, core.monotonicTicks())
      if (drop !== DROP_NONE) return drop
      this.#cookies.writeAnswer(client, hello, core.monotonicTicks())
      this.#send(client, this.#cookies.answer, 0, this.#cookies.answer.length)
      return DROP_NONE
    }
    const current = this.#sessions.find(client)
    const newest = current?.successor ?? current
    if (newest?.beganWith(hello)) {
      // Sent again, maybe with what follows it in the handshake. Our answer goes out again when its own time has come.
      this.#receive(newest, bytes, start, end)
      return DROP_NONE
    }
    const session = this.#sessions.begin(client, hello, bytes, start, recordEnd)
    if (session === null) return DROP_NONE
    this.#sessions.handshake(session)
    if (recordEnd < end && session.ssl !== 0) this.#receive(session, bytes, recordEnd, end)
    return DROP_NONE
  }

  #handleRecords(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    const session = this.#sessions.find(client)
    if (session === null) return DROP_NOT_STUN
    const { successor } = session
    this.#receive(session, bytes, start, end)
    // Only one of the two has the keys of a record; the other drops it, as it does with forged ones.
    if (successor !== null && successor.ssl !== 0) this.#receive(successor, bytes, start, end)
    return DROP_NONE
  }

  #receive(session: DtlsSession, bytes: Uint8Array, start: number, end: number): void {
    const sessions = this.#sessions
    const from = session.isEstablished ? start : this.#receiveClear(session, bytes, start, end)
    if (from === end || session.ssl === 0) return
    sessions.wake(session)
    sessions.io.give(bytes, from, end)
    if (!session.isEstablished) sessions.handshake(session)
    const frames = this.#frames
    let length = 0
    while (session.isEstablished && !session.isEnding && session.ssl !== 0) {
      length = sessions.io.read(session.ssl, frames.addressFor(PLAINTEXT_LENGTH_MAX))
      if (length <= 0) break
      const at = frames.start
      frames.use(length)
      session.activeAt = sessions.now
      this.#frameHandler?.handleClientFrame(session.fiveTuple, frames.bytes, at, at + length)
      if (session.isCounted) sessions.noteAllocation(session)
    }
    if (session.ssl === 0) return
    // Answers to what was no application data: alerts, and the last flight, if the client has lost it.
    sessions.flush(session)
    if (length === SSL_ENDED) sessions.endLater(session)
  }

  /**
   * Goes on with a handshake by what is not encrypted at the beginning of a datagram. Returns where the encrypted rest begins, or `end` if
   * that is not wanted.
   */
  #receiveClear(session: DtlsSession, bytes: Uint8Array, start: number, end: number): number {
    const sessions = this.#sessions
    const clear = clearEnd(bytes, start, end)
    if (clear > start) {
      sessions.wake(session)
      sessions.io.give(bytes, start, clear)
      sessions.handshake(session)
    }
    // Records that overtake the ChangeCipherSpec: OpenSSL keeps each in a buffer of 16 KiB. Anybody can send them in the client's name, and
    // then the client's own must come in order, or again.
    if (clear === end || session.ssl === 0 || sessions.io.decrypts(session.ssl)) return clear
    session.earlyCount += encryptedCount(bytes, clear, end)
    return session.earlyCount > DTLS_EARLY_RECORD_COUNT_MAX ? end : clear
  }

  /** The established session, if a frame of this length fits into a record. */
  #sessionOf(client: FiveTuple, length: number): DtlsSession | null {
    const session = this.#sessions.find(client)
    if (session === null || session.fiveTuple.connectionId !== client.connectionId) return null
    if (!session.isEstablished || session.isEnding) return null
    if (length <= PLAINTEXT_LENGTH_MAX) return session
    this.#counters[COUNTER_SOCKET_ERRORS]++
    return null
  }

  /** Sends the frame in #plain. */
  #write(session: DtlsSession, length: number): void {
    this.#sessions.wake(session)
    if (this.#sessions.io.write(session.ssl, length)) this.#sessions.flush(session)
    else this.#sessions.endLater(session)
  }
}
