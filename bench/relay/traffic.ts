// The two directions of the load. `send` offers packets of all flows in turn, `receive` takes and checks what has come.
import { CHANNEL_DATA_HEADER_LENGTH, readChannelDataLength, readChannelNumber } from '../../src/stun/channel-data.js'
import { ATTRIBUTE_DATA, METHOD_DATA } from '../../src/stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import type { Arena } from './arena.js'
import { ReceiveBatch, SendBatch } from './batch.js'
import type { Flow, Framing } from './flow.js'
import * as libc from './libc.js'
import { Deliveries } from './payload.js'
import { ReadySockets, type UdpSocket } from './socket.js'

export interface Traffic {
  readonly deliveries: Deliveries
  /** Sends up to `count` packets, without waiting. Returns how many. */
  send(count: number): number
  /** Receives what has arrived, without waiting. Returns how many datagrams. */
  receive(): number
  close(): void
}

const PEER_RECEIVE_COUNT = 64
const CLIENT_RECEIVE_COUNT = 16
const PEER_SEND_COUNT = 16

/** Clients send to one peer: a send call per packet, because each has another source. */
export class ClientToPeer implements Traffic {
  readonly deliveries: Deliveries
  readonly #arena: Arena
  readonly #flows: readonly Flow[]
  readonly #peer: UdpSocket
  readonly #batch: ReceiveBatch
  readonly #pointers: Float64Array
  #next = 0

  constructor(arena: Arena, flows: readonly Flow[], peer: UdpSocket) {
    this.#arena = arena
    this.#flows = flows
    this.#peer = peer
    this.#batch = new ReceiveBatch(arena, PEER_RECEIVE_COUNT)
    this.#pointers = Float64Array.from(flows, (flow) => arena.pointerAt(flow.frameStart))
    this.deliveries = new Deliveries(
      arena,
      flows.map((flow) => flow.template),
    )
  }

  send(count: number): number {
    const words = this.#arena.words
    for (let sent = 0; sent < count; sent++) {
      const flow = this.#flows[this.#next]
      flow.template.setSequence(words, flow.payloadStart >> 2, flow.sequence)
      const result = libc.send(flow.socket.fd, this.#pointers[this.#next], flow.frameLength, libc.MSG_DONTWAIT)
      if (libc.orNothing(result, 'send') === 0) return sent
      flow.sequence++
      this.#next = this.#next + 1 === this.#flows.length ? 0 : this.#next + 1
    }
    return count
  }

  receive(): number {
    const { deliveries } = this
    const batch = this.#batch
    const received = batch.receive(this.#peer)
    for (let index = 0; index < received; index++) {
      const start = batch.start(index)
      const flow = deliveries.flowOf(start, batch.length(index))
      if (flow < 0) deliveries.corrupted++
      // It must come from the relayed transport address of its own client.
      else if (batch.sourcePort(index) !== this.#flows[flow].relayPort) deliveries.misdelivered++
      else deliveries.count(flow, start)
    }
    return received
  }

  close(): void {
    // The sockets belong to the generator.
  }
}

/** One peer sends to all clients: many packets a call, because the source is the same. */
export class PeerToClient implements Traffic {
  readonly deliveries: Deliveries
  readonly #arena: Arena
  readonly #flows: readonly Flow[]
  readonly #framing: Framing
  readonly #peer: UdpSocket
  readonly #outgoing: SendBatch
  readonly #slots: number
  readonly #incoming: ReceiveBatch
  readonly #ready: ReadySockets
  readonly #view = new MessageView()
  #next = 0

  constructor(arena: Arena, flows: readonly Flow[], peer: UdpSocket, framing: Framing) {
    this.#arena = arena
    this.#flows = flows
    this.#framing = framing
    this.#peer = peer
    this.#outgoing = new SendBatch(arena, PEER_SEND_COUNT)
    this.#slots = arena.reserve(PEER_SEND_COUNT * this.#payloadLength())
    this.#incoming = new ReceiveBatch(arena, CLIENT_RECEIVE_COUNT)
    this.#ready = new ReadySockets(
      arena,
      flows.map((flow) => flow.socket),
    )
    this.deliveries = new Deliveries(
      arena,
      flows.map((flow) => flow.template),
    )
  }

  send(count: number): number {
    const batchCount = Math.min(count, PEER_SEND_COUNT)
    const length = this.#payloadLength()
    for (let index = 0; index < batchCount; index++) {
      const flow = this.#flows[(this.#next + index) % this.#flows.length]
      const start = this.#slots + index * length
      this.#arena.words.set(flow.template.words, start >> 2)
      flow.template.setSequence(this.#arena.words, start >> 2, flow.sequence++)
      this.#outgoing.set(index, start, length, flow.relayPort)
    }
    const sent = this.#outgoing.send(this.#peer, batchCount)
    for (let index = batchCount - 1; index >= sent; index--) {
      this.#flows[(this.#next + index) % this.#flows.length].sequence--
    }
    this.#next = (this.#next + sent) % this.#flows.length
    return sent
  }

  receive(): number {
    const readyCount = this.#ready.find()
    let total = 0
    for (let ready = 0; ready < readyCount; ready++) {
      const flow = this.#flows[this.#ready.at(ready)]
      const received = this.#incoming.receive(flow.socket)
      for (let index = 0; index < received; index++) this.#check(flow, index)
      total += received
    }
    return total
  }

  close(): void {
    this.#ready.close()
  }

  #check(flow: Flow, index: number): void {
    const { deliveries } = this
    const start = this.#incoming.start(index)
    const payloadStart = this.#findPayload(flow, start, this.#incoming.length(index))
    const named = payloadStart < 0 ? -1 : deliveries.flowOf(payloadStart, this.#payloadLength())
    if (named < 0) deliveries.corrupted++
    else if (named !== flow.index) deliveries.misdelivered++
    else deliveries.count(named, payloadStart)
  }

  /** Where the payload of a received frame starts, or -1 if the frame is not what the server should have sent. */
  #findPayload(flow: Flow, start: number, length: number): number {
    const { bytes } = this.#arena
    if (this.#framing === 'channel') {
      if (length !== CHANNEL_DATA_HEADER_LENGTH + this.#payloadLength()) return -1
      if (readChannelNumber(bytes, start) !== flow.channelNumber) return -1
      return readChannelDataLength(bytes, start) === this.#payloadLength() ? start + CHANNEL_DATA_HEADER_LENGTH : -1
    }
    const view = this.#view
    if (decodeMessage(view, bytes, start, start + length) !== DECODE_OK || view.method !== METHOD_DATA) return -1
    const data = view.find(ATTRIBUTE_DATA)
    return data >= 0 && view.attributeLengths[data] === this.#payloadLength() ? view.attributeStarts[data] : -1
  }

  #payloadLength(): number {
    return this.#flows[0].template.words.length * 4
  }
}
