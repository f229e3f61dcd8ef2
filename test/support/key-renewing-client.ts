// A client over TLS 1.3 that can ask the server to renew its keys (KeyUpdate, RFC 8446 §4.6.3) as often as it likes, which node:tls cannot:
// OpenSSL in memory over a TCP connection. Only where withoutDtls is false.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Openssl, openOpenssl } from '../../src/net/dtls/openssl.js'
import { FrameAssembler } from '../../src/stun/framing.js'
import type { ClientTransport } from './client-transport.js'
import { withDeadline } from './deadline.js'
import { addressOf } from './udp-peer.js'

const MEMORY_LENGTH = 65_536
const FRAME_LENGTH_MAX = 65_535 + 20
const HANDSHAKE_MILLISECONDS_MAX = 60_000
const KEY_UPDATE_REQUESTED = 1

interface ClientFunctions {
  TLS_client_method(): number
  SSL_set_connect_state(ssl: number): void
  SSL_key_update(ssl: number, type: number): number
}

export class KeyRenewingClient implements ClientTransport {
  readonly socket: Socket
  readonly #openssl: Openssl
  readonly #functions: ClientFunctions
  readonly #ssl: number
  readonly #input: number
  readonly #output: number
  readonly #memory = Buffer.alloc(MEMORY_LENGTH)
  #onFrame: (frame: Buffer) => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    this.#openssl = openOpenssl()
    const library = this.#openssl.koffi.load(null)
    this.#functions = {
      TLS_client_method: library.func('TLS_client_method', 'uint64_t', []),
      SSL_set_connect_state: library.func('SSL_set_connect_state', 'void', ['uint64_t']),
      SSL_key_update: library.func('SSL_key_update', 'int', ['uint64_t', 'int']),
    } as unknown as ClientFunctions
    this.#ssl = this.#openssl.SSL_new(this.#openssl.SSL_CTX_new(this.#functions.TLS_client_method()))
    this.#input = this.#openssl.BIO_new(this.#openssl.BIO_s_mem())
    this.#output = this.#openssl.BIO_new(this.#openssl.BIO_s_mem())
    this.#openssl.SSL_set_bio(this.#ssl, this.#input, this.#output)
    this.#functions.SSL_set_connect_state(this.#ssl)
    const assembler = new FrameAssembler(FRAME_LENGTH_MAX)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk)
      assembler.push(this.#read(), (bytes, start, end) => this.#onFrame(Buffer.from(bytes.slice(start, end))))
    })
  }

  static async connect(host: string, port: number): Promise<KeyRenewingClient> {
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    const client = new KeyRenewingClient(socket)
    await withDeadline(client.#handshake(), HANDSHAKE_MILLISECONDS_MAX, () => 'no handshake')
    return client
  }

  get localAddress() {
    return addressOf(this.socket.localAddress ?? '', this.socket.localPort ?? 0)
  }

  send(frame: Uint8Array): void {
    this.#memory.set(frame)
    this.#openssl.SSL_write(this.#ssl, this.#pointer, frame.length)
    this.socket.write(this.#written())
  }

  receive(onFrame: (frame: Buffer) => void): void {
    this.#onFrame = onFrame
  }

  /** Asks so often. Resolves when the kernel has taken it, or the connection is closed. */
  async renewKeys(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#functions.SSL_key_update(this.#ssl, KEY_UPDATE_REQUESTED)
      this.#openssl.SSL_do_handshake(this.#ssl)
    }
    const { socket } = this
    if (socket.destroyed || socket.write(this.#written())) return
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve)
      socket.once('close', () => resolve())
    })
  }

  async close(): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }

  async #handshake(): Promise<void> {
    while (this.#openssl.SSL_do_handshake(this.#ssl) !== 1) {
      this.socket.write(this.#written())
      await once(this.socket, 'data')
    }
    this.socket.write(this.#written())
  }

  get #pointer(): number {
    return Number(this.#openssl.koffi.address(this.#memory))
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += MEMORY_LENGTH) {
      const part = chunk.subarray(at, at + MEMORY_LENGTH)
      this.#memory.set(part)
      this.#openssl.BIO_write(this.#input, this.#pointer, part.length)
    }
  }

  #read(): Buffer {
    const chunks: Buffer[] = []
    for (;;) {
      const length = this.#openssl.SSL_read(this.#ssl, this.#pointer, MEMORY_LENGTH)
      if (length <= 0) break
      chunks.push(Buffer.from(this.#memory.subarray(0, length)))
    }
    this.#openssl.ERR_clear_error()
    return Buffer.concat(chunks)
  }

  #written(): Buffer {
    const chunks: Buffer[] = []
    for (;;) {
      const length = this.#openssl.BIO_read(this.#output, this.#pointer, MEMORY_LENGTH)
      if (length <= 0) break
      chunks.push(Buffer.from(this.#memory.subarray(0, length)))
    }
    return Buffer.concat(chunks)
  }
}
