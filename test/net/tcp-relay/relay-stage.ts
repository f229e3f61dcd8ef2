// TcpRelays with a core that only takes notes, peers and clients over real sockets, and addresses that no other test uses.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { ConnectionCore } from '../../../src/net/tcp-relay/connection-core.js'
import { TcpRelays } from '../../../src/net/tcp-relay/tcp-relays.js'
import type { TransportAddress } from '../../../src/stun/address.js'
import { withDeadline } from '../../support/deadline.js'
import { Inbox } from '../../support/inbox.js'
import { addressOf } from '../../support/udp-peer.js'
import type { PeerSocketsUnderTest } from './peer-sockets-under-test.js'

export const EVENT_MILLISECONDS_MAX = 60_000

type Note = readonly unknown[]

/** What it was told, in order; what it answers is set by the tests. */
export class NotingConnectionCore implements ConnectionCore {
  readonly notes = new Inbox<Note>('the core')
  /** What the next connection of a peer is called; 0 refuses. */
  nextConnectionId = 100
  admits: (direction: number, length: number) => boolean = () => true
  isInCall = false

  handleRelayOpened(relayId: number): void {
    this.#note('opened', relayId)
  }

  handleRelayFailed(relayId: number, inUse: boolean): void {
    this.#note('failed', relayId, inUse)
  }

  handlePeerConnection(relayId: number, peer: TransportAddress, handle: number): number {
    this.#note('connection', relayId, handle, peer.toString(), peer.host)
    return this.nextConnectionId
  }

  handlePeerConnected(connectionId: number, handle: number): void {
    this.#note('connected', connectionId, handle)
  }

  handlePeerConnectFailed(connectionId: number): void {
    this.#note('connect failed', connectionId)
  }

  handleDataConnectionEnded(connectionId: number): void {
    this.#note('ended', connectionId)
  }

  admitConnectionData(_connectionId: number, direction: number, length: number): boolean {
    return this.admits(direction, length)
  }

  #note(...note: Note): void {
    if (this.isInCall) throw new Error(`within a call: ${note.join(' ')}`)
    this.notes.put(note)
  }
}

/** With `host` set, as the core hands addresses out. */
export function named(host: string, port: number): TransportAddress {
  const address = addressOf(host, port)
  address.host = host
  return address
}

let lastPort = 21_000 + Math.floor(Math.random() * 1_000)

/** A port below the ephemeral ones on a loopback address that is most likely this process's alone. */
export function freshAddress(isIPv6 = false): TransportAddress {
  const byte = () => 1 + Math.floor(Math.random() * 250)
  lastPort++
  return named(isIPv6 ? '::1' : `127.${byte()}.${byte()}.${byte()}`, lastPort)
}

export class RelayStage {
  readonly core = new NotingConnectionCore()
  readonly relays: TcpRelays
  /** Milliseconds of the relays' clock. */
  now = 0
  readonly #t: Test

  constructor(t: Test, { make }: PeerSocketsUnderTest) {
    this.#t = t
    this.relays = new TcpRelays(make(), () => this.now)
    this.relays.attach(this.core)
    t.teardown(() => this.relays.close())
  }

  /** Calls into the relays as the core does: whatever they tell it meanwhile is an error. */
  call(effect: (relays: TcpRelays) => void): void {
    this.core.isInCall = true
    effect(this.relays)
    this.core.isInCall = false
  }

  next(): Promise<Note> {
    return this.core.notes.next()
  }

  async openRelay(relayId: number, address = freshAddress()): Promise<TransportAddress> {
    this.call((relays) => relays.openTcpRelay(relayId, address))
    this.#t.same(await this.next(), ['opened', relayId])
    return address
  }

  /** A connection that reaches the relay, and its handle. */
  async arrive(address: TransportAddress): Promise<{ peer: Socket; handle: number }> {
    // Node's own sockets listen again at the end of the turn in which a connection was opened.
    await new Promise((resolve) => setImmediate(resolve))
    const peer = this.dial(address)
    const note = await this.next()
    this.#t.equal(note[0], 'connection')
    return { peer, handle: note[2] as number }
  }

  /** The next answer, which must be that a peer is connected: CONNECTION-ID and handle. */
  async connected(): Promise<[connectionId: number, handle: number]> {
    const [name, connectionId, handle] = await this.next()
    if (name !== 'connected') throw new Error(`${name} ${connectionId}`)
    return [connectionId as number, handle as number]
  }

  /** A connection from somewhere to an address. */
  dial(address: TransportAddress): Socket {
    const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true })
    this.#t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    return socket
  }

  /** A server somewhere, and the connections that it gets. */
  async listen(host = '127.0.0.1'): Promise<Listening> {
    const sockets = new Inbox<Socket>('the peer')
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      this.#t.teardown(() => socket.destroy())
      socket.on('error', () => {})
      sockets.put(socket)
    })
    this.#t.teardown(() => server.close())
    server.listen(0, host)
    await once(server, 'listening')
    return { server, sockets, address: named(host, portOf(server)) }
  }

  /** A client's data connection: the server's end as the relays get it, paused, and the client's own. */
  async client(): Promise<{ client: Socket; far: Socket }> {
    const { server, sockets, address } = await this.listen()
    const far = this.dial(address)
    const client = await sockets.next()
    server.close()
    return { client, far }
  }
}

export interface Listening {
  readonly server: Server
  readonly sockets: Inbox<Socket>
  readonly address: TransportAddress
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return address.port
}

/** The next event of this name, whatever else happens; `end` needs a socket that is read. */
export function event(socket: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  const next = new Promise<unknown[]>((resolve) => socket.once(name, (...values) => resolve(values)))
  return withDeadline(next, EVENT_MILLISECONDS_MAX, () => `no ${name}`)
}

/** Resolves when the other end has closed. */
export async function over(socket: Socket): Promise<void> {
  if (socket.closed || socket.readableEnded) return
  socket.resume()
  const either = new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()))
  await withDeadline(either, EVENT_MILLISECONDS_MAX, () => 'the other end is open')
}

export function fileDescriptorCount(): number {
  return readdirSync('/proc/self/fd').length
}

/** Reads so many bytes, as text. The socket stays paused afterwards. */
export function read(socket: NodeJS.ReadableStream, length: number): Promise<string> {
  const text = new Promise<string>((resolve) => {
    const chunks: Buffer[] = []
    let received = 0
    const receive = (chunk: Buffer) => {
      chunks.push(chunk)
      received += chunk.length
      if (received < length) return
      socket.off('data', receive)
      socket.pause()
      resolve(Buffer.concat(chunks).toString('latin1'))
    }
    socket.on('data', receive)
    socket.resume()
  })
  return withDeadline(text, EVENT_MILLISECONDS_MAX, () => `${length} bytes`)
}
