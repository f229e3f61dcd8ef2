// A DTLS client in memory: OpenSSL's own, driven a datagram at a time, so that a test can lose, repeat, forge and time them.

import {
  DTLS_CTRL_HANDLE_TIMEOUT,
  type Openssl,
  openOpenssl,
  SSL_CTRL_SET_MTU,
  SSL_OP_NO_QUERY_MTU,
  SSL_READING,
  SSL_STATE_ERROR,
} from '../../src/net/dtls/openssl.js'
import { datagramEnd } from '../../src/net/dtls/record.js'
import { type Arena, allocateArena } from '../../src/net/native/arena.js'

const MEMORY_LENGTH = 65_536

interface ClientFunctions {
  DTLS_client_method(): number
  SSL_set_connect_state(ssl: number): void
  SSL_set_alpn_protos(ssl: number, list: number, length: number): number
}

interface Shared {
  readonly openssl: Openssl
  readonly more: ClientFunctions
  readonly arena: Arena
  readonly context: number
}

let shared: Shared | null = null

function functions(): Shared {
  if (shared !== null) return shared
  const openssl = openOpenssl()
  const library = openssl.koffi.load(null)
  const more = {
    DTLS_client_method: library.func('DTLS_client_method', 'uint64_t', []),
    SSL_set_connect_state: library.func('SSL_set_connect_state', 'void', ['uint64_t']),
    SSL_set_alpn_protos: library.func('SSL_set_alpn_protos', 'int', ['uint64_t', 'uint64_t', 'uint32_t']),
  } as unknown as ClientFunctions
  const context = openssl.SSL_CTX_new(more.DTLS_client_method())
  openssl.SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU)
  shared = { openssl, more, arena: allocateArena(openssl.koffi, MEMORY_LENGTH + 64), context }
  return shared
}

export interface OpensslClientOptions {
  readonly mtu?: number
  readonly alpn?: readonly string[]
}

export class OpensslClient {
  isEstablished = false
  /** The server's close_notify, or an error. */
  hasEnded = false
  readonly #openssl: Openssl
  readonly #arena: Arena
  readonly #mtu: number
  readonly #input: number
  readonly #output: number
  #ssl: number

  constructor({ mtu = 1_200, alpn = [] }: OpensslClientOptions = {}) {
    const { openssl, more, arena, context } = functions()
    this.#openssl = openssl
    this.#arena = arena
    this.#mtu = mtu
    this.#ssl = openssl.SSL_new(context)
    this.#input = openssl.BIO_new(openssl.BIO_s_mem())
    this.#output = openssl.BIO_new(openssl.BIO_s_mem())
    openssl.SSL_set_bio(this.#ssl, this.#input, this.#output)
    openssl.SSL_ctrl(this.#ssl, SSL_CTRL_SET_MTU, mtu, 0)
    more.SSL_set_connect_state(this.#ssl)
    if (alpn.length === 0) return
    const list = Buffer.concat(alpn.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`, 'latin1')))
    more.SSL_set_alpn_protos(this.#ssl, this.#put(list), list.length)
  }

  /** Datagrams that are to be sent now, after what has arrived. */
  advance(): Buffer[] {
    if (this.#ssl !== 0 && !this.isEstablished) {
      this.isEstablished = this.#openssl.SSL_do_handshake(this.#ssl) === 1
      this.#openssl.ERR_clear_error()
    }
    return this.#takeOutput()
  }

  /** A datagram of the server. Returns the frames in it. */
  receive(datagram: Uint8Array): Buffer[] {
    if (this.#ssl === 0) return []
    this.#openssl.BIO_write(this.#input, this.#put(datagram), datagram.length)
    const frames: Buffer[] = []
    for (;;) {
      const length = this.#openssl.SSL_read(this.#ssl, this.#arena.pointerAt(0), MEMORY_LENGTH)
      if (length <= 0) break
      frames.push(Buffer.from(this.#arena.bytes.slice(0, length)))
    }
    const waits = this.#openssl.SSL_want(this.#ssl) === SSL_READING
    if (!waits || this.#openssl.SSL_state_string(this.#ssl) === SSL_STATE_ERROR) this.hasEnded = true
    this.#openssl.ERR_clear_error()
    return frames
  }

  /** One frame as the datagrams that carry it. */
  write(frame: Uint8Array): Buffer[] {
    if (this.#openssl.SSL_write(this.#ssl, this.#put(frame), frame.length) !== frame.length)
      throw new Error(`a frame of ${frame.length} bytes cannot be written`)
    return this.#takeOutput()
  }

  /** The last flight once more, if its time has come. */
  retransmit(): Buffer[] {
    this.#openssl.SSL_ctrl(this.#ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0)
    return this.#takeOutput()
  }

  /** close_notify. */
  shutdown(): Buffer[] {
    this.#openssl.SSL_shutdown(this.#ssl)
    return this.#takeOutput()
  }

  free(): void {
    if (this.#ssl === 0) return
    this.#openssl.SSL_free(this.#ssl)
    this.#ssl = 0
  }

  #put(bytes: Uint8Array): number {
    this.#arena.bytes.set(bytes)
    return this.#arena.pointerAt(0)
  }

  #takeOutput(): Buffer[] {
    if (this.#ssl === 0) return []
    const length = this.#openssl.BIO_read(this.#output, this.#arena.pointerAt(0), MEMORY_LENGTH)
    const datagrams: Buffer[] = []
    for (let start = 0, end = 0; start < length; start = end) {
      end = datagramEnd(this.#arena.bytes, start, length, this.#mtu)
      if (end === start) throw new Error('the client wrote something else than records')
      datagrams.push(Buffer.from(this.#arena.bytes.slice(start, end)))
    }
    return datagrams
  }
}
