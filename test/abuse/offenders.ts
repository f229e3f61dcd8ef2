// Connections that begin something and do not go on: one byte a second, half a frame, half a handshake, nothing. Used by slow-connections.test.ts and attacks/stream-slow.ts.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { MAGIC_COOKIE } from '../../src/stun/constants.js'
import { HOST } from '../support/stream-server.js'

export const SLOW_COUNT = 1_500
export const HALF_OPEN_COUNT = 300
const CONNECT_AT_ONCE = 50
const CONNECTIONS_PER_SOURCE = 8

export interface Offender {
  readonly port: number
  /** At once. */
  readonly first: Uint8Array
  /** Then a byte a second. */
  readonly trickle: Uint8Array
}

/** On both listeners, TCP's and TLS's port: nothing, a header a byte a second, a header and a part of what it announces. And half of a handshake. */
export async function makeOffenders(tcp: number, tls: number): Promise<Offender[]> {
  const nothing = Buffer.alloc(0)
  const slow = Array.from({ length: SLOW_COUNT }, (_, index): Offender => {
    const port = index % 2 === 0 ? tcp : tls
    if (index % 3 === 0) return { port, first: nothing, trickle: nothing }
    if (index % 3 === 1) return { port, first: nothing, trickle: messageHeader() }
    return { port, first: Buffer.concat([messageHeader(100), Buffer.alloc(50)]), trickle: nothing }
  })
  const hello = await clientHello()
  const halfOpen = Array.from({ length: HALF_OPEN_COUNT }, () => ({ port: tls, first: hello, trickle: nothing }))
  return [...slow, ...halfOpen]
}

/** The 20 bytes before a message of `length` more. */
export function messageHeader(length = 0): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(0x0001)
  header.writeUInt16BE(length, 2)
  header.writeUInt32BE(MAGIC_COOKIE, 4)
  randomBytes(12).copy(header, 8)
  return header
}

/** What a TLS client says first. */
export async function clientHello(): Promise<Buffer> {
  let resolve: (bytes: Buffer) => void = () => {}
  const written = new Promise<Buffer>((settle) => {
    resolve = settle
  })
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      resolve(chunk)
      done()
    },
  })
  const client = connectTls({ socket: wire, servername: 'turn.test', ALPNProtocols: ['stun.turn'] })
  client.on('error', () => {})
  const hello = await written
  client.destroy()
  return hello
}

/** Sources of which each has a few connections. */
export function sourceOf(index: number): string {
  const source = Math.floor(index / CONNECTIONS_PER_SOURCE)
  return `127.${1 + (source % 7)}.${Math.floor(source / 200)}.${1 + (source % 200)}`
}

interface Held {
  readonly socket: Socket
  readonly trickle: Uint8Array
  readonly connectedAt: number
  sentCount: number
}

export class Crowd {
  /** How long each lived that the server has closed, in milliseconds. */
  readonly lives: number[] = []
  readonly #held = new Set<Held>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#trickle(), 1_000)
  }

  get heldCount(): number {
    return this.#held.size
  }

  /** Resolves when all are connected. */
  async add(offenders: readonly Offender[]): Promise<void> {
    for (let start = 0; start < offenders.length; start += CONNECT_AT_ONCE) {
      const some = offenders.slice(start, start + CONNECT_AT_ONCE)
      await Promise.all(some.map((offender, index) => this.#connect(offender, sourceOf(start + index))))
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const { socket } of this.#held) socket.destroy()
  }

  async #connect({ first, port, trickle }: Offender, source: string): Promise<void> {
    const socket = connect({ host: HOST, port, localAddress: source })
    socket.on('error', () => {})
    await once(socket, 'connect')
    const held: Held = { socket, trickle, connectedAt: performance.now(), sentCount: 0 }
    this.#held.add(held)
    socket.once('close', () => {
      this.#held.delete(held)
      this.lives.push(performance.now() - held.connectedAt)
    })
    // Whatever the server says is read, so that its end is seen.
    socket.resume()
    if (first.length > 0) socket.write(first)
  }

  #trickle(): void {
    for (const held of this.#held) {
      if (held.sentCount < held.trickle.length)
        held.socket.write(held.trickle.subarray(held.sentCount, ++held.sentCount))
    }
  }
}
