// Bytes of a TCP or TLS connection that a test reads as it needs them, and the end of either direction. Used for peers of TCP relays, and for
// what a client's data connection becomes (RFC 6062 §4.5).
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { withDeadline } from './deadline.js'

const WAIT_MILLISECONDS_MAX = 60_000

export class ByteStream {
  readonly socket: Socket
  readonly #ended: Promise<void>
  readonly #closed: Promise<void>
  #chunks: Buffer[] = []
  #length = 0
  #notify: () => void = () => {}

  /** @param isRead somebody else reads the socket, and puts what it gets */
  constructor(socket: Socket, isRead = false) {
    this.socket = socket
    this.#ended = new Promise((resolve) => socket.once('end', resolve))
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    if (!isRead) socket.on('data', (chunk: Buffer) => this.put(chunk))
  }

  put(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(Buffer.from(chunk))
    this.#length += chunk.length
    this.#notify()
  }

  /** What has come and was not read. */
  get length(): number {
    return this.#length
  }

  /** The next bytes, exactly so many. */
  async read(length: number): Promise<Buffer> {
    const enough = new Promise<void>((resolve) => {
      this.#notify = () => {
        if (this.#length >= length) resolve()
      }
    })
    this.#notify()
    await withDeadline(enough, WAIT_MILLISECONDS_MAX, () => `${this.#length} of ${length} bytes have come`)
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(length)]
    this.#length = all.length - length
    return all.subarray(0, length)
  }

  async readText(length: number): Promise<string> {
    return (await this.read(length)).toString('latin1')
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Nothing more will be written; it goes on reading. */
  end(): void {
    this.socket.end()
  }

  /** Resolves when the other side writes nothing more. */
  ended(): Promise<void> {
    return withDeadline(this.#ended, WAIT_MILLISECONDS_MAX, () => 'the other side has not ended')
  }

  /** Resolves when both directions are over, or the connection is broken. */
  closed(): Promise<void> {
    return withDeadline(this.#closed, WAIT_MILLISECONDS_MAX, () => 'the connection is open')
  }

  /**
   * Resolves when the other side has closed it, not only ended its own direction: what is written then is answered by a reset, which is seen
   * by the next write.
   */
  async gone(): Promise<void> {
    await Promise.race([this.#ended, this.closed()])
    const timer = setInterval(() => this.write('?'), 20)
    await this.closed().finally(() => clearInterval(timer))
  }

  async destroy(): Promise<void> {
    if (this.socket.destroyed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }
}
