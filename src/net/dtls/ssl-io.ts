// What is done with SSL objects, and the memory through which bytes get to them and from them. One pair of memory BIOs serves all of them, since
// each call takes in one datagram and its output is sent before the next: a session at rest costs no buffers.
//
//   datagram ─► arena.input ─► input BIO ─► SSL ─► plain text, into memory of the core's (frame-memory.ts)
//   plain text in arena.plain ─► SSL ─► output BIO ─► arena.output ─► datagrams, cut between records
//
// OpenSSL's queue of errors is this thread's, and Node's own TLS looks at it: it is left empty.
import { DTLS_OUTPUT_LENGTH } from '../../limits/dtls.js'
import { type Arena, allocateArena } from '../native/arena.js'
import {
  BIO_CTRL_RESET,
  DTLS_CTRL_HANDLE_TIMEOUT,
  type Openssl,
  SSL_CTRL_SET_MTU,
  SSL_READING,
  SSL_STATE_CIPHER_CHANGED,
  SSL_STATE_ERROR,
} from './openssl.js'
import { datagramEnd, PLAINTEXT_LENGTH_MAX, RECORD_LENGTH_MAX } from './record.js'

/** Results of handshake and read, below the lengths. */
export const SSL_WAITS = 0
export const SSL_ENDED = -1

/** Bytes of a datagram of a handshake. IPv6 takes 1,232 everywhere, tunnels a little less. */
export const HANDSHAKE_MTU = 1_200
const ARENA_LENGTH = DTLS_OUTPUT_LENGTH + 65_536

export class SslIo {
  readonly #openssl: Openssl
  readonly #arena: Arena
  readonly #input: number
  readonly #output: number
  readonly #plain: number
  readonly #inputBio: number
  readonly #outputBio: number
  /** Where OpenSSL would store the client's address, if its BIO knew one. */
  readonly #address: number

  constructor(openssl: Openssl) {
    this.#openssl = openssl
    this.#arena = allocateArena(openssl.koffi, ARENA_LENGTH)
    this.#input = this.#arena.reserve(RECORD_LENGTH_MAX)
    this.#plain = this.#arena.reserve(PLAINTEXT_LENGTH_MAX)
    this.#output = this.#arena.reserve(DTLS_OUTPUT_LENGTH)
    this.#inputBio = openssl.BIO_new(openssl.BIO_s_mem())
    this.#outputBio = openssl.BIO_new(openssl.BIO_s_mem())
    this.#address = openssl.BIO_ADDR_new()
  }

  /** After the last SSL object is free. */
  close(): void {
    this.#openssl.BIO_free(this.#inputBio)
    this.#openssl.BIO_free(this.#outputBio)
    this.#openssl.BIO_ADDR_free(this.#address)
  }

  /**
   * A new SSL object for the client that sent this ClientHello, whose cookie is right; handshake() goes on with it. Returns 0 if
   * OpenSSL does not want it.
   */
  accept(context: number, bytes: Uint8Array, start: number, end: number): number {
    const openssl = this.#openssl
    const ssl = openssl.SSL_new(context)
    if (ssl === 0) return 0
    openssl.BIO_up_ref(this.#inputBio)
    openssl.BIO_up_ref(this.#outputBio)
    openssl.SSL_set_bio(ssl, this.#inputBio, this.#outputBio)
    openssl.SSL_ctrl(ssl, SSL_CTRL_SET_MTU, HANDSHAKE_MTU, 0)
    this.give(bytes, start, end)
    // The numbers of messages and records go on from this ClientHello, which SSL_do_handshake alone would not do.
    const isAccepted = openssl.DTLSv1_listen(ssl, this.#address) === 1
    this.forgetErrors()
    if (isAccepted) return ssl
    this.discardOutput()
    openssl.SSL_free(ssl)
    return 0
  }

  /** A received datagram, for the next call with its SSL object; at most RECORD_LENGTH_MAX bytes. */
  give(bytes: Uint8Array, start: number, end: number): void {
    this.#openssl.BIO_ctrl(this.#inputBio, BIO_CTRL_RESET, 0, 0)
    this.#arena.bytes.set(bytes.subarray(start, end), this.#input)
    this.#openssl.BIO_write(this.#inputBio, this.#arena.pointerAt(this.#input), end - start)
  }

  /** Returns 1 when it is complete, or SSL_WAITS or SSL_ENDED. */
  handshake(ssl: number): number {
    if (this.#openssl.SSL_do_handshake(ssl) === 1) return 1
    const state = this.#stateOf(ssl)
    return this.#openssl.SSL_state_string(ssl) === SSL_STATE_ERROR ? SSL_ENDED : state
  }

  /** Within a handshake: the client has changed to its keys, so encrypted records are read, and forged ones dropped, as they come. */
  decrypts(ssl: number): boolean {
    return this.#openssl.SSL_state_string(ssl) === SSL_STATE_CIPHER_CHANGED
  }

  /** One record of application data, PLAINTEXT_LENGTH_MAX bytes at most, to this address: its length, or SSL_WAITS or SSL_ENDED. */
  read(ssl: number, address: number): number {
    const length = this.#openssl.SSL_read(ssl, address, PLAINTEXT_LENGTH_MAX)
    return length > 0 ? length : this.#stateOf(ssl)
  }

  /** Where write() takes its bytes from. */
  get plain(): Uint8Array {
    return this.#arena.bytes.subarray(this.#plain, this.#plain + PLAINTEXT_LENGTH_MAX)
  }

  /** One record with the first `length` bytes of `plain`. Returns false if the SSL object cannot be used any more. */
  write(ssl: number, length: number): boolean {
    if (this.#openssl.SSL_write(ssl, this.#arena.pointerAt(this.#plain), length) === length) return true
    this.forgetErrors()
    return false
  }

  /** Writes the last flight again if its time has come. Returns false if the handshake has failed. */
  retransmit(ssl: number): boolean {
    if (this.#openssl.SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0) >= 0) return true
    this.forgetErrors()
    return false
  }

  /** Writes close_notify. */
  shutdown(ssl: number): void {
    this.#openssl.SSL_shutdown(ssl)
    this.forgetErrors()
  }

  free(ssl: number): void {
    this.#openssl.SSL_free(ssl)
  }

  /** Gives back the memory for records, 34 KiB, of which an SSL object at rest has no need. Returns false if there is some now. */
  freeBuffers(ssl: number): boolean {
    return this.#openssl.SSL_free_buffers(ssl) === 1
  }

  allocateBuffers(ssl: number): void {
    this.#openssl.SSL_alloc_buffers(ssl)
  }

  /** Hands what was written to `send`, a datagram at a time; the bytes are valid during its call. */
  takeOutput<To>(to: To, send: (to: To, bytes: Uint8Array, start: number, end: number) => void): void {
    const { bytes } = this.#arena
    const pointer = this.#arena.pointerAt(this.#output)
    let rest = 0
    for (;;) {
      const length = this.#openssl.BIO_read(this.#outputBio, pointer + rest, DTLS_OUTPUT_LENGTH - rest)
      if (length <= 0) return
      const outputEnd = this.#output + rest + length
      let start = this.#output
      for (let end = start; start < outputEnd; start = end) {
        end = datagramEnd(bytes, start, outputEnd, HANDSHAKE_MTU)
        if (end === start) break
        send(to, bytes, start, end)
      }
      // A record that was cut by the end of the memory.
      bytes.copyWithin(this.#output, start, outputEnd)
      rest = outputEnd - start
    }
  }

  discardOutput(): void {
    this.#openssl.BIO_ctrl(this.#outputBio, BIO_CTRL_RESET, 0, 0)
  }

  forgetErrors(): void {
    this.#openssl.ERR_clear_error()
  }

  /**
   * SSL_get_error would take the noted errors into account: those of a forged record, too, which has been dropped, and is no reason to end
   * a session. SSL_want does not.
   */
  #stateOf(ssl: number): number {
    const wanted = this.#openssl.SSL_want(ssl)
    this.forgetErrors()
    return wanted === SSL_READING ? SSL_WAITS : SSL_ENDED
  }
}
