// A plain UDP socket: a peer of relayed data, a canary that must stay silent, or a stranger that holds a port.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { formatHost, hostAddress, type TransportAddress } from '../../src/stun/address.js'
import type { Closing } from './closing.js'
import { Inbox } from './inbox.js'

export interface Datagram {
  readonly text: string
  readonly bytes: Buffer
  readonly source: TransportAddress
}

export class UdpPeer {
  readonly address: TransportAddress
  readonly inbox: Inbox<Datagram>
  readonly #socket: Socket
  #isClosed = false

  private constructor(socket: Socket) {
    const { address, port } = socket.address()
    this.#socket = socket
    this.address = addressOf(address, port)
    this.inbox = new Inbox(`the peer ${this.address}`)
    socket.on('message', (bytes, { address: host, port }) => {
      this.inbox.put({ text: bytes.toString('latin1'), bytes, source: addressOf(host, port) })
    })
  }

  /** Binds `host` and `port` (0: any); closed when `t` ends. */
  static async open(t: Closing, host = '127.0.0.1', port = 0): Promise<UdpPeer> {
    const type = host.includes(':') ? 'udp6' : 'udp4'
    const socket = createSocket({ type, recvBufferSize: 1024 * 1024, lookup: lookupLiteral })
    // With the look-up below, bind reports within the call.
    const listening = once(socket, 'listening')
    socket.bind({ address: host, port, exclusive: true })
    await listening
    const peer = new UdpPeer(socket)
    t.teardown(() => peer.close())
    return peer
  }

  send(to: TransportAddress, payload: string | Uint8Array): void {
    this.#socket.send(typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload, to.port, formatHost(to))
  }

  /** Everything that arrived before now: what was sent to it earlier, by any process, is in its socket's buffer already. */
  async receivedSoFar(): Promise<Datagram[]> {
    const marker = `marker ${Math.random()}`
    this.send(this.address, marker)
    const received: Datagram[] = []
    for (;;) {
      const datagram = await this.inbox.next()
      if (datagram.text === marker) return received
      received.push(datagram)
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}

/** Every host is an IP literal: answered at once, so that a datagram is on its way when send() returns. */
function lookupLiteral(host: string, _options: unknown, callback: (...result: [null, string, number]) => void): void {
  callback(null, host, host.includes(':') ? 6 : 4)
}

/** A transport address from its parts; `host` is an IP literal. */
export function addressOf(host: string, port: number): TransportAddress {
  const address = hostAddress(host, port)
  if (address === null) throw new Error(`${host} is not an IP address`)
  return address
}
