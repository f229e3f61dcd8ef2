// The cookie exchange (RFC 6347 §4.2.1): before a client has shown that it receives at its address, the server keeps nothing about it and
// sends less than it got. A cookie says who asked with which ClientHello, and when to a minute.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { DTLS_COOKIE_PERIOD_SECONDS } from '../../limits/dtls.js'
import type { TransportAddress } from '../../stun/address.js'
import { TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import { type ClientHello, RANDOM_LENGTH } from './client-hello.js'
import {
  EPOCH_AT,
  HANDSHAKE_HEADER_LENGTH,
  HANDSHAKE_HELLO_VERIFY_REQUEST,
  RECORD_HANDSHAKE,
  RECORD_HEADER_LENGTH,
  VERSION_AT,
  VERSION_MAJOR,
} from './record.js'

const COOKIE_LENGTH = 16
/** A cookie is good for one to two of these. */
const PERIOD_TICKS = DTLS_COOKIE_PERIOD_SECONDS * TICKS_PER_SECOND
/** server_version 2, cookie 1 + n. */
const BODY_LENGTH = 3 + COOKIE_LENGTH
const HEADERS_LENGTH = RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH
/** The shortest ClientHello that is answered has 61 bytes. */
export const HELLO_VERIFY_REQUEST_LENGTH = HEADERS_LENGTH + BODY_LENGTH
/** DTLS 1.0, whatever version will be negotiated: RFC 6347 §4.2.1. */
const VERSION_MINOR_DTLS_1_0 = 255
const EPOCH_AND_SEQUENCE_LENGTH = 8

export class Cookies {
  /** The last HelloVerifyRequest. */
  readonly answer = new Uint8Array(HELLO_VERIFY_REQUEST_LENGTH)
  readonly #secret: Uint8Array
  /** What a cookie is made of: period, address, port, listener, random. */
  readonly #words = new Int32Array(8)
  readonly #random = new Uint8Array(RANDOM_LENGTH)

  /** @param secret 32 unpredictable bytes */
  constructor(secret: Uint8Array) {
    this.#secret = secret
    this.#writeConstants()
  }

  /** Is it the cookie of this ClientHello of this client? `now` in ticks. */
  isValid(client: FiveTuple, hello: ClientHello, now: number): boolean {
    if (hello.cookieLength !== COOKIE_LENGTH) return false
    const cookie = hello.bytes.subarray(hello.cookie, hello.cookie + COOKIE_LENGTH)
    const period = Math.floor(now / PERIOD_TICKS)
    return (
      timingSafeEqual(cookie, this.#cookieOf(client, hello, period)) ||
      timingSafeEqual(cookie, this.#cookieOf(client, hello, period - 1))
    )
  }

  /** Writes the HelloVerifyRequest to `answer`; its record has the number of the ClientHello's, since nothing is counted yet. */
  writeAnswer(client: FiveTuple, hello: ClientHello, now: number): void {
    const sequence = hello.start + EPOCH_AT
    this.answer.set(hello.bytes.subarray(sequence, sequence + EPOCH_AND_SEQUENCE_LENGTH), EPOCH_AT)
    const cookie = this.#cookieOf(client, hello, Math.floor(now / PERIOD_TICKS))
    this.answer.set(cookie, HEADERS_LENGTH + BODY_LENGTH - COOKIE_LENGTH)
  }

  #cookieOf({ client, listenerId }: FiveTuple, hello: ClientHello, period: number): Uint8Array {
    this.#setAddress(client)
    this.#words[6] = listenerId
    this.#words[7] = period
    this.#random.set(hello.bytes.subarray(hello.random, hello.random + RANDOM_LENGTH))
    const digest = createHmac('sha256', this.#secret).update(this.#words).update(this.#random).digest()
    return digest.subarray(0, COOKIE_LENGTH)
  }

  #setAddress(address: TransportAddress): void {
    const words = this.#words
    words[0] = address.family
    words[1] = address.word0
    words[2] = address.word1
    words[3] = address.word2
    words[4] = address.word3
    words[5] = address.port
  }

  #writeConstants(): void {
    const { answer } = this
    const view = new DataView(answer.buffer)
    answer[0] = RECORD_HANDSHAKE
    answer[VERSION_AT] = VERSION_MAJOR
    answer[VERSION_AT + 1] = VERSION_MINOR_DTLS_1_0
    view.setUint16(RECORD_HEADER_LENGTH - 2, HANDSHAKE_HEADER_LENGTH + BODY_LENGTH)
    answer[RECORD_HEADER_LENGTH] = HANDSHAKE_HELLO_VERIFY_REQUEST
    // The length of the message, and that of its only fragment; both have three bytes. message_seq and offset are 0.
    view.setUint16(RECORD_HEADER_LENGTH + 2, BODY_LENGTH)
    view.setUint16(HEADERS_LENGTH - 2, BODY_LENGTH)
    answer[HEADERS_LENGTH] = VERSION_MAJOR
    answer[HEADERS_LENGTH + 1] = VERSION_MINOR_DTLS_1_0
    answer[HEADERS_LENGTH + 2] = COOKIE_LENGTH
  }
}
