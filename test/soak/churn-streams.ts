// The cycles of the churn over TCP and TLS: connections that come and go, each with some allocations after one another, of relays for UDP and for TCP
// (RFC 6062), and an end of its own: Refresh, FIN or RST.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { TransportAddress } from '../../src/stun/address.js'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import { testCertificate } from '../support/certificate.js'
import type { ServerProcess } from '../support/server-process.js'
import { connectTcp, connectTls, type StreamTransport } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { SOAK_USER } from './dialogue.js'

const HOST = '127.0.0.1'
const CHANNEL = 0x4000
const CYCLES_PER_CONNECTION = 4
const CONNECTIONS_AT_A_TIME = 24
/** One connection in so many has a TCP relay for its last cycle. */
const TCP_RELAY_EVERY = 4
/** Local addresses of clients, so that ports of closed connections that wait are not in the way. */
const SOURCE_COUNT = 250
const PAYLOAD = 'x'.repeat(200)

export interface StreamCounts {
  tcp: number
  tls: number
  'TCP relays': number
}

export class ChurnStreams {
  readonly counts: StreamCounts = { tcp: 0, tls: 0, 'TCP relays': 0 }
  allocationCount = 0
  endedCount = 0
  readonly #server: ServerProcess
  readonly #udpPeer: Socket
  readonly #tcpPeer: Server
  #connectionCount = 0

  private constructor(server: ServerProcess, udpPeer: Socket, tcpPeer: Server) {
    this.#server = server
    this.#udpPeer = udpPeer
    this.#tcpPeer = tcpPeer
  }

  static async open(server: ServerProcess): Promise<ChurnStreams> {
    const udpPeer = createSocket('udp4')
    udpPeer.on('message', (bytes, { address, port }) => udpPeer.send(bytes, port, address))
    udpPeer.bind({ address: HOST, port: 0, exclusive: true })
    await once(udpPeer, 'listening')
    const tcpPeer = createServer((socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    tcpPeer.listen(0, HOST)
    await once(tcpPeer, 'listening')
    return new ChurnStreams(server, udpPeer, tcpPeer)
  }

  /** So many cycles over each. */
  async run(cycles: { readonly tcp: number; readonly tls: number }): Promise<void> {
    const schemes = (['tcp', 'tls'] as const).flatMap((scheme) => {
      return Array(Math.ceil(cycles[scheme] / CYCLES_PER_CONNECTION)).fill(scheme) as (typeof scheme)[]
    })
    const loop = async () => {
      for (let scheme = schemes.pop(); scheme !== undefined; scheme = schemes.pop()) await this.#connection(scheme)
    }
    await Promise.all(Array.from({ length: Math.min(schemes.length, CONNECTIONS_AT_A_TIME) }, loop))
  }

  close(): void {
    this.#udpPeer.close()
    this.#tcpPeer.close()
  }

  async #connection(scheme: 'tcp' | 'tls'): Promise<void> {
    const number = this.#connectionCount++
    const from = `127.200.${number % SOURCE_COUNT}.1`
    const transport = await this.#connect(scheme, from)
    const client = new TurnClient(transport, SOAK_USER)
    for (let cycle = 1; cycle <= CYCLES_PER_CONNECTION; cycle++) {
      const isLast = cycle === CYCLES_PER_CONNECTION
      if (isLast && number % TCP_RELAY_EVERY === 0) await this.#relayBytes(client, scheme, from)
      else await this.#relayPackets(client)
      this.counts[scheme]++
      this.endedCount++
      if (!isLast || number % 3 === 0) mustBeSuccess('Refresh', await client.refresh({ lifetimeSeconds: 0 }))
    }
    if (number % 3 === 1 && scheme === 'tcp') transport.socket.resetAndDestroy()
    await transport.close()
  }

  async #relayPackets(client: TurnClient): Promise<void> {
    mustBeSuccess('Allocate', await client.allocate())
    this.allocationCount++
    mustBeSuccess('ChannelBind', await client.bindChannel(CHANNEL, addressOf(HOST, this.#udpPeer.address().port)))
    client.sendChannelData(CHANNEL, PAYLOAD)
    if ((await client.nextData()).text !== PAYLOAD) throw new Error('the payload is another one')
  }

  async #relayBytes(client: TurnClient, scheme: 'tcp' | 'tls', from: string): Promise<void> {
    mustBeSuccess('Allocate', await client.allocate({ protocol: TRANSPORT_PROTOCOL_TCP }))
    this.allocationCount++
    this.counts['TCP relays']++
    const connected = await client.connectPeer(this.#tcpPeerAddress())
    mustBeSuccess('Connect', connected)
    const data = await this.#connect(scheme, from)
    const bound = await new TurnClient(data, SOAK_USER).bindConnection(connected.uint32(ATTRIBUTE_CONNECTION_ID))
    mustBeSuccess('ConnectionBind', bound)
    data.sendBytes(Buffer.from(PAYLOAD))
    if (String(await data.data.read(PAYLOAD.length)) !== PAYLOAD) throw new Error('the bytes are others')
    await data.close()
  }

  #connect(scheme: 'tcp' | 'tls', from: string): Promise<StreamTransport> {
    const port = this.#server.port('', scheme)
    return scheme === 'tcp' ? connectTcp(HOST, port, from) : connectTls(HOST, port, testCertificate().cert, { from })
  }

  #tcpPeerAddress(): TransportAddress {
    return addressOf(HOST, (this.#tcpPeer.address() as { port: number }).port)
  }
}

function mustBeSuccess(what: string, { code }: { readonly code: number }): void {
  if (code !== 0) throw new Error(`${what} was answered with ${code}`)
}
