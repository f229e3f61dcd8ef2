// A client over DTLS from its first ClientHello with a right cookie on (RFC 7350).
import { formatHost } from '../../stun/address.js'
import { FiveTuple, TRANSPORT_DTLS } from '../../turn/five-tuple.js'
import { type ClientHello, RANDOM_LENGTH } from './client-hello.js'

export class DtlsSession {
  /** Its connectionId is this session's alone. */
  readonly fiveTuple = new FiveTuple()
  /** The address of its SSL object; 0 once that is free. */
  ssl: number
  isEstablished = false
  /** It ends as soon as the core is not in the middle of something. */
  isEnding = false
  /** It has no allocation, as far as is known, and counts among those of its source (source-counts.ts). */
  isCounted = true
  hasBuffers = true
  /** Encrypted records that came before the handshake was done. */
  earlyCount = 0
  /** Ticks: of the ClientHello, of the last record or since there was an allocation, of the last use of the SSL object. */
  readonly startedAt: number
  activeAt: number
  usedAt: number
  /** A handshake of the same client address, which takes over when it is complete (RFC 6347 §4.2.8). */
  successor: DtlsSession | null = null
  predecessor: DtlsSession | null = null
  /** The next with the same hash. */
  next: DtlsSession | null = null
  readonly #random = new Uint8Array(RANDOM_LENGTH)

  constructor(client: FiveTuple, connectionId: number, ssl: number, hello: ClientHello, now: number) {
    this.fiveTuple.copyFrom(client)
    this.fiveTuple.transport = TRANSPORT_DTLS
    this.fiveTuple.connectionId = connectionId
    if (client.client.host === '') this.fiveTuple.client.host = formatHost(client.client)
    this.ssl = ssl
    this.startedAt = now
    this.activeAt = now
    this.usedAt = now
    this.#random.set(hello.bytes.subarray(hello.random, hello.random + RANDOM_LENGTH))
  }

  /** Did it begin with this very ClientHello? */
  beganWith(hello: ClientHello): boolean {
    for (let index = 0; index < RANDOM_LENGTH; index++) {
      if (this.#random[index] !== hello.bytes[hello.random + index]) return false
    }
    return true
  }
}
