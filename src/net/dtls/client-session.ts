// One session of DTLS as its client, without a socket: datagrams in, frames and datagrams out. Driven by client/dtls-transport.ts:
//
//   advance() ─► send; then for each datagram: receive() ─► frames, advance() ─► send; retransmit() ─► send, ten times a second until isEstablished.
//
// What the server sends never throws. OpenSSL's queue of errors is this thread's, and Node's own TLS looks at it: it is left empty.
import { CLIENT_DTLS_MEMORY_BYTES } from '../../limits/clients.js'
import { type Arena, allocateArena } from '../native/arena.js'
import { clientContext } from './client-context.js'
import {
  type ClientOpenssl,
  openClientOpenssl,
  SSL_CTRL_SET_TLSEXT_HOSTNAME,
  TLSEXT_NAMETYPE_HOST_NAME,
  X509_V_OK,
} from './client-functions.js'
import { DTLS_CTRL_HANDLE_TIMEOUT, SSL_CTRL_SET_MTU, SSL_READING, SSL_STATE_ERROR, takeErrors } from './openssl.js'
import { datagramEnd } from './record.js'
import { HANDSHAKE_MTU } from './ssl-io.js'

const ALPN_NAME_LENGTH_MAX = 255
const HIGH_WORD = 2 ** 32

export interface DtlsClientOptions {
  /** PEM texts of the authorities that are trusted; null: those that Node trusts. */
  readonly ca: string | null
  /** For SNI; '' for none, as with an IP address. */
  readonly serverName: string
  /** The protocols to offer (RFC 7443), the best one first. */
  readonly alpn: readonly string[]
}

export interface DtlsFacts {
  readonly protocol: string
  readonly cipher: string
  readonly alpn: string
  /** DER. */
  readonly certificate: Buffer | null
  /** What OpenSSL says of the chain; '' for nothing. */
  readonly chainError: string
}

let arena: Arena | null = null

export class DtlsClientSession {
  isEstablished = false
  /** By the server's close_notify, or a fatal error. */
  hasEnded = false
  /** Why it has failed; '' if it has not. */
  failure = ''
  readonly #openssl: ClientOpenssl
  readonly #arena: Arena
  readonly #input: number
  readonly #output: number
  #ssl: number

  /** Throws, in one sentence for people, why this Node cannot do DTLS. */
  constructor({ alpn, ca, serverName }: DtlsClientOptions) {
    const openssl = openClientOpenssl()
    arena ??= allocateArena(openssl.koffi, CLIENT_DTLS_MEMORY_BYTES + 64)
    this.#openssl = openssl
    this.#arena = arena
    this.#ssl = openssl.SSL_new(clientContext(openssl, ca))
    if (this.#ssl === 0) throw new Error('DTLS: out of memory')
    this.#input = openssl.BIO_new(openssl.BIO_s_mem())
    this.#output = openssl.BIO_new(openssl.BIO_s_mem())
    // Which frees both with itself.
    openssl.SSL_set_bio(this.#ssl, this.#input, this.#output)
    openssl.SSL_ctrl(this.#ssl, SSL_CTRL_SET_MTU, HANDSHAKE_MTU, 0)
    openssl.client.SSL_set_connect_state(this.#ssl)
    if (serverName !== '') this.#setServerName(serverName)
    if (alpn.length > 0) this.#offer(alpn)
  }

  /** Datagrams that are to be sent now, after what has arrived. */
  advance(): Buffer[] {
    if (this.#ssl !== 0 && !this.isEstablished && !this.hasEnded) {
      this.isEstablished = this.#openssl.SSL_do_handshake(this.#ssl) === 1
      if (!this.isEstablished) this.#noteState()
      this.#openssl.ERR_clear_error()
    }
    return this.#takeOutput()
  }

  /** A datagram of the server. Returns the frames in it; before the end of the handshake there are none, and advance() goes on with it. */
  receive(datagram: Uint8Array): Buffer[] {
    if (this.#ssl === 0 || this.hasEnded) return []
    this.#openssl.BIO_write(this.#input, this.#put(datagram), datagram.length)
    const frames: Buffer[] = []
    while (this.isEstablished) {
      const length = this.#openssl.SSL_read(this.#ssl, this.#arena.pointerAt(0), CLIENT_DTLS_MEMORY_BYTES)
      if (length <= 0) {
        this.#noteState()
        break
      }
      frames.push(Buffer.from(this.#arena.bytes.slice(0, length)))
    }
    this.#openssl.ERR_clear_error()
    return frames
  }

  /** The frame as the datagrams that carry it; none if the session cannot be used. */
  write(frame: Uint8Array): Buffer[] {
    if (this.#ssl === 0 || !this.isEstablished || this.hasEnded) return []
    this.#openssl.SSL_write(this.#ssl, this.#put(frame), frame.length)
    this.#openssl.ERR_clear_error()
    return this.#takeOutput()
  }

  /** The last flight once more, if its time has come. */
  retransmit(): Buffer[] {
    if (this.#ssl === 0 || this.hasEnded) return []
    this.#openssl.SSL_ctrl(this.#ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0)
    this.#openssl.ERR_clear_error()
    return this.#takeOutput()
  }

  /** close_notify. */
  shutdown(): Buffer[] {
    if (this.#ssl === 0 || !this.isEstablished) return []
    this.#openssl.SSL_shutdown(this.#ssl)
    this.#openssl.ERR_clear_error()
    return this.#takeOutput()
  }

  free(): void {
    if (this.#ssl === 0) return
    this.#openssl.SSL_free(this.#ssl)
    this.#ssl = 0
  }

  /** Of an established session. */
  facts(): DtlsFacts {
    const { client } = this.#openssl
    const verdict = client.SSL_get_verify_result(this.#ssl)
    return {
      protocol: client.SSL_get_version(this.#ssl),
      cipher: client.SSL_CIPHER_get_name(client.SSL_get_current_cipher(this.#ssl)),
      alpn: this.#chosenProtocol(),
      certificate: this.#certificate(),
      chainError: verdict === X509_V_OK ? '' : client.X509_verify_cert_error_string(verdict),
    }
  }

  #setServerName(name: string): void {
    const pointer = this.#put(Buffer.from(`${name}\0`, 'latin1'))
    this.#openssl.SSL_ctrl(this.#ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME, pointer)
  }

  #offer(alpn: readonly string[]): void {
    const list = Buffer.concat(alpn.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`, 'latin1')))
    this.#openssl.client.SSL_set_alpn_protos(this.#ssl, this.#put(list), list.length)
  }

  #chosenProtocol(): string {
    const [pointerAt, lengthAt, textAt] = [0, 8, 16]
    this.#arena.words.fill(0, 0, 4)
    const into = this.#arena.pointerAt(pointerAt)
    this.#openssl.client.SSL_get0_alpn_selected(this.#ssl, into, this.#arena.pointerAt(lengthAt))
    const [low, high, length] = this.#arena.words
    if (length <= 0 || length > ALPN_NAME_LENGTH_MAX) return ''
    this.#openssl.memcpy(this.#arena.pointerAt(textAt), (high >>> 0) * HIGH_WORD + (low >>> 0), length)
    return Buffer.from(this.#arena.bytes.subarray(textAt, textAt + length)).toString('latin1')
  }

  #certificate(): Buffer | null {
    const { client } = this.#openssl
    const certificate = client.SSL_get1_peer_certificate(this.#ssl)
    if (certificate === 0) return null
    const [pointerAt, derAt] = [0, 8]
    const length = client.i2d_X509(certificate, 0)
    const fits = length > 0 && length <= CLIENT_DTLS_MEMORY_BYTES
    if (fits) {
      this.#arena.storePointer(pointerAt, derAt)
      client.i2d_X509(certificate, this.#arena.pointerAt(pointerAt))
    }
    this.#openssl.X509_free(certificate)
    return fits ? Buffer.from(this.#arena.bytes.slice(derAt, derAt + length)) : null
  }

  /** After a call that did not get what it wanted. */
  #noteState(): void {
    const isFatal = this.#openssl.SSL_state_string(this.#ssl) === SSL_STATE_ERROR
    if (!isFatal && this.#openssl.SSL_want(this.#ssl) === SSL_READING) return
    this.hasEnded = true
    const errors = takeErrors(this.#openssl)
    // `error:0A000438:SSL routines::tlsv1 alert internal error`: its last part is for people.
    this.failure = errors.split(', ')[0].split(':').at(-1) || 'the server closed the session'
  }

  #put(bytes: Uint8Array): number {
    this.#arena.bytes.set(bytes.subarray(0, CLIENT_DTLS_MEMORY_BYTES))
    return this.#arena.pointerAt(0)
  }

  #takeOutput(): Buffer[] {
    if (this.#ssl === 0) return []
    const datagrams: Buffer[] = []
    const length = this.#openssl.BIO_read(this.#output, this.#arena.pointerAt(0), CLIENT_DTLS_MEMORY_BYTES)
    for (let start = 0, end = 0; start < length; start = end) {
      end = datagramEnd(this.#arena.bytes, start, length, HANDSHAKE_MTU)
      if (end === start) break
      datagrams.push(Buffer.from(this.#arena.bytes.slice(start, end)))
    }
    return datagrams
  }
}
