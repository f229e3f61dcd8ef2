// The peers of the relays: one that sends everything back, over UDP and TCP, on the address that is allowed; and a canary on one that is not,
// which must hear nothing.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket as TcpSocket } from 'node:net'
import { formatHost, type TransportAddress } from '../../../src/stun/address.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Depth } from './depth.js'

export const PEER_HOST = '127.88.0.1'
export const ALLOWED_PEERS = '127.88.0.0/16'
const CANARY_HOST = '127.99.0.1'

export interface RelayPorts {
  readonly minPort: number
  readonly maxPort: number
}

export class FuzzPeers {
  readonly udp: TransportAddress
  readonly tcp: TransportAddress
  readonly canary: TransportAddress
  readonly #udp: Socket
  readonly #canary: Socket
  readonly #servers: readonly Server[]
  readonly #connections = new Set<TcpSocket>()

  private constructor(udp: Socket, canary: Socket, servers: readonly Server[]) {
    this.#udp = udp
    this.#canary = canary
    this.#servers = servers
    this.udp = addressOf(PEER_HOST, udp.address().port)
    this.canary = addressOf(CANARY_HOST, canary.address().port)
    this.tcp = addressOf(PEER_HOST, (servers[0].address() as { port: number }).port)
  }

  static async open(relayPorts: RelayPorts, depth: Depth, report: (problem: string) => void): Promise<FuzzPeers> {
    const [udp, canary] = [await openSocket(PEER_HOST, 0), await openSocket(CANARY_HOST, 0)]
    const echoServer = await listening(PEER_HOST, 0)
    const canaryServer = await listening(CANARY_HOST, canary.address().port)
    const peers = new FuzzPeers(udp, canary, [echoServer, canaryServer])
    const isRelay = (host: string, port: number) =>
      host === '127.0.0.1' && port >= relayPorts.minPort && port <= relayPorts.maxPort
    udp.on('message', (bytes, { address, port }) => {
      if (!isRelay(address, port)) report(`a datagram for the peer from ${address}:${port}, which is no relay`)
      depth.add('relayed')
      udp.send(bytes, port, address)
    })
    canary.on('message', (bytes, { address, port }) => {
      report(`the canary got ${bytes.length} bytes from ${address}:${port}`)
    })
    canaryServer.on('connection', (socket) => {
      report(`the canary got a connection from ${socket.remoteAddress}:${socket.remotePort}`)
      socket.destroy()
    })
    echoServer.on('connection', (socket) => {
      if (!isRelay(socket.remoteAddress ?? '', socket.remotePort ?? 0))
        report(`a connection from ${socket.remoteAddress}:${socket.remotePort}`)
      peers.#keep(socket)
      socket.pipe(socket)
    })
    return peers
  }

  /** A datagram of the allowed peer to a relay. */
  send(relay: TransportAddress, payload: Uint8Array): void {
    this.#udp.send(payload, relay.port, formatHost(relay))
  }

  sendFromCanary(relay: TransportAddress, payload: string): void {
    this.#canary.send(payload, relay.port, formatHost(relay))
  }

  /** A connection of the allowed peer to a TCP relay; null if there is none any more. */
  async connect(relay: TransportAddress): Promise<TcpSocket | null> {
    const socket = connect({ host: formatHost(relay), port: relay.port, localAddress: PEER_HOST })
    this.#keep(socket)
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(socket))
      socket.once('close', () => resolve(null))
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    const ended = [this.#udp, this.#canary, ...this.#servers].map((each) => once(each, 'close'))
    for (const each of [this.#udp, this.#canary, ...this.#servers]) each.close()
    await Promise.all(ended)
  }

  #keep(socket: TcpSocket): void {
    this.#connections.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#connections.delete(socket))
  }
}

async function openSocket(host: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024, lookup: literal })
  socket.on('error', () => {})
  // With this look-up, bind reports within the call.
  const bound = once(socket, 'listening')
  socket.bind({ address: host, port, exclusive: true })
  await bound
  return socket
}

async function listening(host: string, port: number): Promise<Server> {
  const server = createServer({ noDelay: true })
  server.listen(port, host)
  await once(server, 'listening')
  return server
}

/** Every host is an IP literal: answered at once. */
export function literal(host: string, _options: unknown, callback: (...result: [null, string, number]) => void): void {
  callback(null, host, 4)
}
