// One call of the soak: a client with its allocation and a channel to a peer, from its Allocate to its end. A flow is a row of such calls, each
// with a socket and a generation of its own.
import type { TransportAddress } from '../../src/stun/address.js'
import type { ClientTransport } from '../support/client-transport.js'
import { type RequestOptions, TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import type { LoadIo, LoadSocket } from './load-io.js'
import { writePayload } from './payload.js'

export const CHANNEL = 0x4000
const CHANNEL_HEADER_LENGTH = 4

export class Call {
  readonly flow: number
  readonly generation: number
  readonly socket: LoadSocket
  relayPort = 0
  /** Payloads sent, seen by the peer, and returned to the client; each is expected in order. */
  sent = 0
  seen = 0
  returned = 0
  lastProgress = performance.now()
  /** No more payloads: it ends when everything has returned. */
  isEnding = false
  isOpen = false
  readonly #io: LoadIo
  readonly #client: TurnClient
  readonly #serverPort: number
  #onFrame: (frame: Buffer) => void = () => {}

  constructor(io: LoadIo, flow: number, generation: number, serverPort: number, user: RequestOptions) {
    this.#io = io
    this.#serverPort = serverPort
    this.flow = flow
    this.generation = generation
    this.socket = io.open(flow)
    const transport: ClientTransport = {
      localAddress: addressOf('127.0.0.1', this.socket.port),
      send: (frame) => {
        io.bytes.set(frame, io.burst)
        io.sendBurst(this.socket, serverPort, frame.length, 1)
      },
      receive: (onFrame) => {
        this.#onFrame = onFrame
      },
      close: async () => io.close(this.socket),
    }
    this.#client = new TurnClient(transport, user)
  }

  async open(peer: TransportAddress): Promise<void> {
    const { code } = await this.#client.allocate()
    if (code !== 0) throw new Error(`Allocate of flow ${this.flow} was answered with ${code}`)
    this.relayPort = this.#client.relay.port
    const bound = await this.#client.bindChannel(CHANNEL, peer)
    if (bound.code !== 0) throw new Error(`ChannelBind of flow ${this.flow} was answered with ${bound.code}`)
    this.isOpen = true
  }

  async end(): Promise<void> {
    const { code } = await this.#client.refresh({ lifetimeSeconds: 0 })
    if (code !== 0) throw new Error(`Refresh of flow ${this.flow} was answered with ${code}`)
    this.#io.close(this.socket)
  }

  /** An answer to one of its requests. */
  handleMessage(frame: Buffer): void {
    this.#onFrame(frame)
  }

  /** Sends `count` payloads of so many words, at once. False if the kernel has no room. */
  send(count: number, wordCount: number): boolean {
    const length = CHANNEL_HEADER_LENGTH + 4 * wordCount
    for (let index = 0; index < count; index++) {
      const start = this.#io.burst + index * length
      this.#io.bytes[start] = CHANNEL >> 8
      this.#io.bytes[start + 1] = CHANNEL & 0xff
      this.#io.bytes[start + 2] = (4 * wordCount) >> 8
      this.#io.bytes[start + 3] = (4 * wordCount) & 0xff
      const at = (start + CHANNEL_HEADER_LENGTH) >> 2
      writePayload(this.#io.words, at, wordCount, this.flow, this.generation, this.sent + index)
    }
    if (!this.#io.sendBurst(this.socket, this.#serverPort, length, count)) return false
    this.sent += count
    return true
  }
}
