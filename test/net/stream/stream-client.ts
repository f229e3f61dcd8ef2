// A client over TCP or TLS: real sockets, frames cut out of what comes, and the 401 dance. Used by the tests of net/stream.
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import * as stun from '../../../src/stun/constants.js'
import { FrameAssembler } from '../../../src/stun/framing.js'
import { ALICE, Received, requestUdp, writePeers } from '../../support/core-client.js'
import { withDeadline } from '../../support/deadline.js'
import { Inbox } from '../../support/inbox.js'
import { SeededRandom } from '../../support/random.js'
import { encodeRequest, keyOf, type Write } from '../../support/request-encoder.js'

const random = new SeededRandom(99)
const WAIT_MILLISECONDS_MAX = 60_000

export class StreamClient {
  readonly socket: Socket
  /** Whole frames, ChannelData's padding not in them. */
  readonly frames = new Inbox<Buffer>('the client')
  /** ChannelData is framed and forgotten, and `received` stays as it is. */
  forgetsData = false
  /** Whether what came was all frames. */
  framingResult = 0
  nonce = ''
  readonly #chunks: Buffer[] = []
  readonly #closed: Promise<void>

  constructor(t: Test, socket: Socket) {
    this.socket = socket
    const assembler = new FrameAssembler(70_000)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (!this.forgetsData) this.#chunks.push(chunk)
      this.framingResult = assembler.push(chunk, (bytes, start, end) => {
        if (!this.forgetsData || bytes[start] < 0x40) this.frames.put(Buffer.from(bytes.slice(start, end)))
      })
    })
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    t.teardown(() => socket.destroy())
  }

  /** Not connected yet; it may never be. */
  static begin(t: Test, port: number): StreamClient {
    return new StreamClient(t, connect(port, '127.0.0.1'))
  }

  static async open(t: Test, port: number): Promise<StreamClient> {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    await ready(socket, 'connect')
    return new StreamClient(t, socket)
  }

  static async openTls(t: Test, port: number, options: ConnectionOptions = {}): Promise<StreamClient> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    await ready(socket, 'secureConnect')
    return new StreamClient(t, socket)
  }

  /** Everything that came, as it came. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get tls(): TLSSocket {
    return this.socket as TLSSocket
  }

  write(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** Each byte in a segment of its own. */
  async writeSlowly(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      await new Promise<void>((resolve) => this.socket.write(Uint8Array.of(byte), () => setImmediate(resolve)))
    }
  }

  /** Resolves when the server has closed the connection. */
  closed(): Promise<void> {
    return withDeadline(this.#closed, WAIT_MILLISECONDS_MAX, () => 'the connection is still open')
  }

  async message(): Promise<Received> {
    return new Received(await this.frames.next())
  }

  encode(method: number, write: Write = () => {}): Uint8Array {
    const { username } = ALICE
    const credential =
      this.nonce === '' ? null : { username, key: keyOf(ALICE, 'sha1'), nonce: this.nonce, integrity: 'sha1' as const }
    return encodeRequest(method, random.nextBytes(12), write, credential, false)
  }

  async request(method: number, write: Write = () => {}): Promise<Received> {
    this.write(this.encode(method, write))
    return this.message()
  }

  async allocate(): Promise<Received> {
    const challenge = await this.request(stun.METHOD_ALLOCATE, requestUdp)
    this.nonce = challenge.text(stun.ATTRIBUTE_NONCE)
    return this.request(stun.METHOD_ALLOCATE, requestUdp)
  }

  bindChannel(channelNumber: number, peer: string): Promise<Received> {
    return this.request(stun.METHOD_CHANNEL_BIND, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, channelNumber << 16)
      writePeers(writer, [peer])
    })
  }

  permit(peer: string): Promise<Received> {
    return this.request(stun.METHOD_CREATE_PERMISSION, (writer) => writePeers(writer, [peer]))
  }
}

/** A Binding request. */
export function bindingRequest(): Uint8Array {
  return encodeRequest(stun.METHOD_BINDING, random.nextBytes(12), () => {}, null, false)
}

/** A Binding request with an unknown optional attribute, so that the whole is this long. */
export function longRequest(length: number): Uint8Array {
  return encodeRequest(
    stun.METHOD_BINDING,
    random.nextBytes(12),
    (writer) => writer.writeBytes(0xbfff, new Uint8Array(length - 24)),
    null,
    false,
  )
}

/** ChannelData, padded to 4. */
export function channelData(channelNumber: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(4 + ((payload.length + 3) & ~3))
  frame.writeUInt16BE(channelNumber, 0)
  frame.writeUInt16BE(payload.length, 2)
  frame.set(payload, 4)
  return frame
}

export function bytesOf(length: number, seed = 1): Buffer {
  return Buffer.from(new SeededRandom(seed).nextBytes(length))
}

function ready(socket: Socket, event: string): Promise<void> {
  const isReady = new Promise<void>((resolve, reject) => {
    socket.once(event, () => resolve())
    socket.once('error', reject)
  })
  return withDeadline(isReady, WAIT_MILLISECONDS_MAX, () => `no ${event}`)
}
