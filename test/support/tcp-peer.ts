// A peer of TCP relays (RFC 6062): it accepts connections of relays, and connects to them from its own port's address.
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { formatHost, type TransportAddress } from '../../src/stun/address.js'
import { ByteStream } from './byte-stream.js'
import type { Closing } from './closing.js'
import { Inbox } from './inbox.js'
import { addressOf } from './udp-peer.js'

export interface PeerConnection {
  readonly bytes: ByteStream
  /** Where it comes from: the relayed transport address. */
  readonly source: TransportAddress
}

export class TcpPeer {
  readonly address: TransportAddress
  readonly accepted: Inbox<PeerConnection>
  readonly #host: string
  readonly #connections = new Set<ByteStream>()

  private constructor(server: Server, host: string, port: number) {
    this.#host = host
    this.address = addressOf(host, port)
    this.accepted = new Inbox(`the peer ${this.address}`)
    server.on('connection', (socket) => {
      const source = addressOf(socket.remoteAddress ?? '', socket.remotePort ?? 0)
      this.accepted.put({ bytes: this.#keep(new ByteStream(socket)), source })
    })
  }

  /** Listens on a free port; closed when `t` ends, with all its connections. */
  static async open(t: Closing, host = '127.0.0.1'): Promise<TcpPeer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const peer = new TcpPeer(server, host, port)
    t.teardown(async () => {
      server.close()
      for (const bytes of peer.#connections) await bytes.destroy()
    })
    return peer
  }

  /** A connection to a relay, from this peer's host. */
  async connect(relay: TransportAddress): Promise<ByteStream> {
    const target = { host: formatHost(relay), port: relay.port }
    const socket = connect({ ...target, localAddress: this.#host, allowHalfOpen: true, noDelay: true })
    const bytes = this.#keep(new ByteStream(socket))
    await once(socket, 'connect')
    return bytes
  }

  #keep(bytes: ByteStream): ByteStream {
    this.#connections.add(bytes)
    return bytes
  }
}
