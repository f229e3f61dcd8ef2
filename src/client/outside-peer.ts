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
  /** Of the server alone. */
  onFrame: (frame: Uint8Array) => void = () => {}
  onFault: (error: ClientError) => void = () => {}
  /** Of everybody else. */
  onDatagram: (from: TransportAddress, datagram: Uint8Array) => void = () => {}
  readonly #socket: Socket
  #isClosed = false

  /** Rejects with a ClientError. */
  static async open(server: TransportAddress): Promise<OutsidePeer> {
    const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4')
    try {
      socket.bind({ exclusive: true })
      await once(socket, 'listening')
      return new OutsidePeer(socket, server)
    } catch (error) {
      socket.close()
      throw socketError(error as Error, 'UDP')
    }
  }

  private constructor(socket: Socket, server: TransportAddress) {
    this.#socket = socket
    this.localAddress = localAddressOf(socket)
    this.remoteAddress = server.clone()
    socket.on('message', (datagram, { address, port }) => {
      const from = hostAddress(address, port)
      if (from === null) return
      if (from.equals(server)) this.onFrame(datagram)
      else this.onDatagram(from, datagram)
    })
    socket.on('error', (error) => this.onFault(socketError(error, 'UDP')))
  }

  send(frame: Uint8Array): boolean {
    return this.sendTo(this.remoteAddress, frame)
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
