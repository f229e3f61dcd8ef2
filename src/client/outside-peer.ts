// A peer of our own outside: a UDP socket that sends to any address and hears from any, as a client's partner in a call does. Towards its server it
// is a transport, so that it can learn by a Binding where others see it.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
import { type ClientError, socketError } from './client-error.js'
import type { ClientTransport } from './transport.js'
import { localAddressOf } from './udp-transport.js'

export class OutsidePeer implements ClientTransport {
  readonly kind = 'udp'
  readonly isReliable = false
  readonly security = null
  /** Nothing is connected. */
  readonly openMilliseconds = 0
  readonly localAddress: TransportAddress
  readonly remoteAddress: TransportAddress
  /** Of the server alone, at each of its addresses. */
  onFrame: (frame: Uint8Array) => void = () => {}
  onFault: (error: ClientError) => void = () => {}
  /** Of everybody else. */
  onDatagram: (from: TransportAddress, datagram: Uint8Array) => void = () => {}
  readonly #socket: Socket
  readonly #servers: readonly TransportAddress[]
  #isClosed = false

  /** Rejects with a ClientError. @param others where the server may answer as well: what is sent to it goes to all of them */
  static async open(server: TransportAddress, ...others: readonly TransportAddress[]): Promise<OutsidePeer> {
    const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4')
    try {
      socket.bind({ exclusive: true })
      await once(socket, 'listening')
      return new OutsidePeer(socket, [server, ...others.filter((other) => !other.equals(server))])
    } catch (error) {
      socket.close()
      throw socketError(error as Error, 'UDP')
    }
  }

  private constructor(socket: Socket, servers: readonly TransportAddress[]) {
    this.#socket = socket
    this.#servers = servers.map((server) => server.clone())
    this.localAddress = localAddressOf(socket)
    this.remoteAddress = this.#servers[0]
    socket.on('message', (datagram, { address, port }) => {
      const from = hostAddress(address, port)
      if (from === null) return
      if (this.#servers.some((server) => from.equals(server))) this.onFrame(datagram)
      else this.onDatagram(from, datagram)
    })
    socket.on('error', (error) => this.onFault(socketError(error, 'UDP')))
  }

  send(frame: Uint8Array): boolean {
    return this.#servers.map((server) => this.sendTo(server, frame)).every(Boolean)
  }

  /** What cannot be sent is lost, as on the way. */
  sendTo(address: TransportAddress, datagram: Uint8Array): boolean {
    if (this.#isClosed) return false
    this.#socket.send(Buffer.from(datagram), address.port, formatHost(address), () => {})
    return true
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }
}
