// UDP: a connected socket, so that only the server's datagrams arrive and the kernel reports ICMP errors.
import { createSocket, type Socket } from 'node:dgram'
import { CLIENT_RECEIVE_BUFFER_BYTES } from '../limits/clients.js'
import { formatHost, hostAddress, TransportAddress } from '../stun/address.js'
import { type ClientError, socketError } from './client-error.js'
import type { ClientTransport, OpenRequest } from './transport.js'

export async function openUdp(request: OpenRequest): Promise<ClientTransport> {
  const socket = await connectUdp(request)
  return new UdpTransport(socket, request)
}

/** A connected socket without listeners for datagrams and errors. Rejects with a ClientError. */
export async function connectUdp({ address, deadline, localAddress, where }: OpenRequest): Promise<Socket> {
  const host = formatHost(address)
  const socket = createSocket({
    type: address.family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: CLIENT_RECEIVE_BUFFER_BYTES,
    lookup: lookUpLiteral,
  })
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: localAddress, exclusive: true }, () => {
      socket.connect(address.port, host, ((error?: Error) => (error ? reject(error) : resolve())) as () => void)
    })
  })
  try {
    await deadline.race(connected, `${where}: no socket`)
    socket.removeAllListeners('error') // Ours: node has none of its own.
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.close()
    throw socketError(error as Error, where)
  }
}

/** Of a connected socket. */
export function localAddressOf(socket: Socket): TransportAddress {
  const { address, port } = socket.address()
  return hostAddress(address, port) ?? new TransportAddress()
}

class UdpTransport implements ClientTransport {
  readonly kind = 'udp'
  readonly isReliable = false
  readonly localAddress: TransportAddress
  readonly remoteAddress: TransportAddress
  readonly openMilliseconds: number
  readonly security = null
  onFrame: (frame: Uint8Array) => void = () => {}
  onFault: (error: ClientError) => void = () => {}
  readonly #socket: Socket
  readonly #where: string
  #isClosed = false

  constructor(socket: Socket, { address, startedAt, where }: OpenRequest) {
    this.openMilliseconds = performance.now() - startedAt
    this.#socket = socket
    this.#where = where
    this.localAddress = localAddressOf(socket)
    this.remoteAddress = address.clone()
    socket.on('message', (datagram) => this.onFrame(datagram))
    socket.on('error', (error) => this.#fault(error))
  }

  send(frame: Uint8Array): boolean {
    if (this.#isClosed) return false
    this.#socket.send(Buffer.from(frame), (error) => {
      if (error) this.#fault(error)
    })
    return true
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  #fault(error: Error): void {
    if (!this.#isClosed) this.onFault(socketError(error, this.#where))
  }
}

/** Every host is an IP literal: answered at once, so that a datagram is on its way when send() returns. */
function lookUpLiteral(host: string, _options: unknown, callback: (...result: [null, string, number]) => void): void {
  callback(null, host, host.includes(':') ? 6 : 4)
}
