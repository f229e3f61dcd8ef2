// A client over TCP or TLS: has its dialogue with the server, and then sends and receives whatever it is given.
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectSecurely, type TLSSocket } from 'node:tls'
import { FRAMING_NEED_MORE, frameLength } from '../../src/stun/framing.js'
import type { Dialogue } from '../turn-dialogue.js'

export interface StreamServer {
  readonly port: number
  /** null: plain TCP. */
  readonly tls: StreamTls | null
}

export interface StreamTls {
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  /** The certificate (PEM) to expect. */
  readonly certificate: string
}

/** What browsers offer first: AES-128 in Galois/Counter Mode, under its name in TLS 1.3 and in 1.2. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256'
/** Each socket has one buffer to read into: a new one for each read would cost more than the read. */
const READ_LENGTH = 1 << 16
const ANSWER_LENGTH_MAX = 2048
const CONNECT_TRY_MS = 50
/** Servers answer over UDP, which tells that they are up, a moment before they listen for streams. */
const CONNECT_TRY_COUNT = 100

/** Where the bytes of a socket go, which is made before its client. */
interface Reading {
  onData: (chunk: Uint8Array) => void
}

export class StreamClient {
  readonly #socket: Socket
  readonly #reading: Reading
  #isClosed = false

  private constructor(socket: Socket, reading: Reading) {
    this.#socket = socket
    this.#reading = reading
    socket.setNoDelay(true)
    socket.on('error', (error) => {
      throw error
    })
    socket.on('close', () => {
      if (!this.#isClosed) throw new Error('the server has closed a connection')
    })
  }

  /** @param localAddress the client's own address, of 127.0.0.0/8 */
  static async connect(server: StreamServer, localAddress: string): Promise<StreamClient> {
    for (let tries = 1; ; tries++) {
      try {
        const reading: Reading = { onData: () => {} }
        return new StreamClient(await openSocket(server, localAddress, reading), reading)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || tries === CONNECT_TRY_COUNT) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, CONNECT_TRY_MS))
    }
  }

  /** Sends the requests of the dialogue, one after the other, and resumes it with the answers. Rejects with what it throws. */
  converse(dialogue: Dialogue): Promise<void> {
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0)
      const proceed = (answer: Buffer | null) => {
        const step = answer === null ? dialogue.next() : dialogue.next(answer)
        if (step.done === true) resolve()
        // The dialogues share their memory, and a write may take its time.
        else this.#socket.write(Buffer.from(step.value))
      }
      this.onData = (chunk) => {
        try {
          received = Buffer.concat([received, chunk])
          const length = frameLength(received, 0, received.length, ANSWER_LENGTH_MAX, true)
          if (length < 0) throw new Error('the answer is no STUN message')
          if (length === FRAMING_NEED_MORE || length > received.length) return
          const answer = received.subarray(0, length)
          received = received.subarray(length)
          proceed(answer)
        } catch (error) {
          reject(error as Error)
        }
      }
      proceed(null)
    })
  }

  /** From now on what arrives goes there; the bytes are good until the return. */
  set onData(onData: (chunk: Uint8Array) => void) {
    this.#reading.onData = onData
  }

  /** The bytes must not change before `done` is called. */
  write(bytes: Uint8Array, done: () => void): void {
    this.#socket.write(bytes, done)
  }

  /** The protocol and the cipher in use, or 'TCP'. */
  describe(): string {
    if (!('getCipher' in this.#socket)) return 'TCP'
    const socket = this.#socket as TLSSocket
    return `${socket.getProtocol()} ${socket.getCipher().name}`
  }

  /** Ends the allocation too. */
  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }
}

/** Connected, and for TLS after the handshake. */
function openSocket({ port, tls }: StreamServer, localAddress: string, reading: Reading): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const callback = (length: number, bytes: Uint8Array) => {
      reading.onData(bytes.subarray(0, length))
      return true
    }
    const address = { host: '127.0.0.1', port, localAddress, onread: { buffer: new Uint8Array(READ_LENGTH), callback } }
    const socket = tls === null ? connect(address) : connectSecurely({ ...address, ...tlsOptions(tls) })
    socket.once('error', reject)
    socket.once(tls === null ? 'connect' : 'secureConnect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function tlsOptions({ version, certificate }: StreamTls): ConnectionOptions {
  return { ca: certificate, minVersion: version, maxVersion: version, ciphers: CIPHERS }
}
