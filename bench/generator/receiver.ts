// The receiving end of one direction: takes what has come, finds the payload in it, and checks whose it is and every word of it.
import { CHANNEL_DATA_HEADER_LENGTH, readChannelDataLength, readChannelNumber } from '../../src/stun/channel-data.js'
import { ATTRIBUTE_DATA, METHOD_DATA } from '../../src/stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import type { Endpoint } from './endpoint.js'
import { IncomingMessages } from './incoming-messages.js'
import type { Kernel } from './kernel.js'
import { type Latencies, stampNow } from './latencies.js'
import { Deliveries, type PayloadTemplate, STAMP_WORD, STREAM_WORD } from './payload.js'
import type { Framing, Route } from './route.js'

const MESSAGE_COUNT = 64

export class Receiver {
  readonly deliveries: Deliveries
  /** Packets, whatever they were. */
  received = 0
  /** Datagrams as the kernel handed them over: a coalesced burst counts once. */
  arrivals = 0
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #endpoint: Endpoint
  readonly #routes: readonly Route[]
  readonly #flowOfDestination: ReadonlyMap<number, number>
  readonly #framing: Framing
  readonly #latencies: Latencies | null
  readonly #incoming: IncomingMessages
  readonly #view = new MessageView()
  #payloadLength = 0

  /** @param flowOfDestination the flow of each client's address, as a word of struct in_addr */
  constructor(
    kernel: Kernel,
    endpoint: Endpoint,
    routes: readonly Route[],
    templates: readonly PayloadTemplate[],
    flowOfDestination: ReadonlyMap<number, number>,
    framing: Framing,
    latencies: Latencies | null,
  ) {
    this.#words = kernel.arena.words
    this.#bytes = kernel.arena.bytes
    this.#endpoint = endpoint
    this.#routes = routes
    this.#flowOfDestination = flowOfDestination
    this.#framing = framing
    this.#latencies = latencies
    this.#incoming = new IncomingMessages(kernel, MESSAGE_COUNT)
    this.deliveries = new Deliveries(templates)
  }

  /** Receives what has arrived, without waiting. Returns how many packets. */
  receive(): number {
    const incoming = this.#incoming
    const count = incoming.receive(this.#endpoint)
    const before = this.received
    if (count > 0 && this.#latencies !== null) this.#latencies.now = stampNow()
    for (let index = 0; index < count; index++) {
      const end = incoming.start(index) + incoming.length(index)
      const segmentLength = incoming.segmentLength(index)
      for (let start = incoming.start(index); start < end; start += segmentLength) {
        this.received++
        this.#check(index, start, Math.min(start + segmentLength, end))
      }
    }
    this.arrivals += count
    return this.received - before
  }

  #check(index: number, start: number, end: number): void {
    const { deliveries } = this
    const words = this.#words
    const payloadStart = this.#findPayload(start, end)
    if (payloadStart < 0) {
      deliveries.corrupted++
      return
    }
    const at = payloadStart >> 2
    const stream = deliveries.streamOf(words, at, this.#payloadLength)
    if (stream < 0) deliveries.corrupted++
    else if (!this.#isAtHome(index, start, stream % this.#routes.length)) deliveries.misdelivered++
    else if (deliveries.count(stream, words, at)) this.#latencies?.add(words[at + STAMP_WORD])
  }

  /** Whether a packet of this flow came to the right client, from the right address, in the right channel. */
  #isAtHome(index: number, start: number, flow: number): boolean {
    const incoming = this.#incoming
    const route = this.#routes[flow]
    if (incoming.sourcePortWord(index) !== route.arrivalPortWord) return false
    if (incoming.sourceHostWord(index) !== route.arrivalHostWord) return false
    if (this.#framing === 'channel' && readChannelNumber(this.#bytes, start) !== route.channelNumber) return false
    const destination = incoming.destinationHostWord(index)
    return destination === 0 || this.#flowOfDestination.get(destination) === flow
  }

  /** Returns where the payload starts and keeps its length, or -1 if the frame is not what was expected. */
  #findPayload(start: number, end: number): number {
    if (this.#framing === 'bare') {
      this.#payloadLength = end - start
      return end - start < 4 * (STREAM_WORD + 1) ? -1 : start
    }
    if (this.#framing === 'channel') {
      this.#payloadLength = end - start - CHANNEL_DATA_HEADER_LENGTH
      if (this.#payloadLength < 4 * (STREAM_WORD + 1)) return -1
      const isWhole = readChannelDataLength(this.#bytes, start) === this.#payloadLength
      return isWhole ? start + CHANNEL_DATA_HEADER_LENGTH : -1
    }
    const view = this.#view
    if (decodeMessage(view, this.#bytes, start, end) !== DECODE_OK || view.method !== METHOD_DATA) return -1
    const data = view.find(ATTRIBUTE_DATA)
    if (data < 0) return -1
    this.#payloadLength = view.attributeLengths[data]
    return view.attributeStarts[data]
  }
}
