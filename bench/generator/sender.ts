// The sending end of one direction: messages of many streams, prepared once. To send one again, its packets get new sequence numbers.
import type { Endpoint } from './endpoint.js'
import { INJECTED_PREFIX_LENGTH, InjectedMessages } from './injected-messages.js'
import type { Kernel } from './kernel.js'
import { type OutgoingMessage, OutgoingMessages } from './outgoing-messages.js'
import type { PayloadTemplate } from './payload.js'
import { type Route, type StreamShape, streamShape } from './route.js'

export class Sender {
  /** Messages are sent in turn: all streams once, then all again, as often as there are messages of each. */
  readonly messageCount: number
  sent = 0
  readonly #words: Int32Array
  readonly #templates: readonly PayloadTemplate[]
  readonly #messages: OutgoingMessages | InjectedMessages
  readonly #sequences: Int32Array
  // Per message: packets in it, where its first payload starts, and how far the next one's is (words of the arena).
  readonly #bursts: Int32Array
  readonly #payloadWords: Int32Array
  readonly #strides: Int32Array

  /** @param isInjected see InjectedMessages: for bursts of one packet only */
  constructor(
    kernel: Kernel,
    endpoint: Endpoint,
    routes: readonly Route[],
    shapes: readonly StreamShape[],
    templates: readonly PayloadTemplate[],
    messagesPerStream: number,
    isInjected: boolean,
  ) {
    const count = templates.length * messagesPerStream
    this.messageCount = count
    this.#words = kernel.arena.words
    this.#templates = templates
    this.#sequences = new Int32Array(templates.length)
    this.#bursts = new Int32Array(count)
    this.#payloadWords = new Int32Array(count)
    this.#strides = new Int32Array(count)
    const messages = Array.from({ length: count }, (_, message) => {
      const stream = message % templates.length
      const shape = streamShape(stream, routes.length, shapes)
      return this.#prepare(kernel, message, routes[stream % routes.length], shape, templates[stream])
    })
    this.#messages = isInjected
      ? new InjectedMessages(kernel, endpoint, messages)
      : new OutgoingMessages(kernel, endpoint, messages)
  }

  /**
   * Sends messages `first` to `first + count - 1`, which must be of different streams or of one stream in order. Returns how many left.
   * @param stamp goes into every packet of them
   */
  send(first: number, count: number, stamp: number): number {
    for (let message = first; message < first + count; message++) this.#number(message, stamp)
    const sent = this.#messages.send(first, count)
    for (let message = first; message < first + sent; message++) this.sent += this.#bursts[message]
    for (let message = first + count - 1; message >= first + sent; message--) {
      this.#sequences[message % this.#templates.length] -= this.#bursts[message]
    }
    return sent
  }

  /** How many packets of a stream have been sent. */
  nextSequence(stream: number): number {
    return this.#sequences[stream]
  }

  #number(message: number, stamp: number): void {
    const stream = message % this.#templates.length
    const template = this.#templates[stream]
    const burst = this.#bursts[message]
    const stride = this.#strides[message]
    let at = this.#payloadWords[message]
    let sequence = this.#sequences[stream]
    for (let packet = 0; packet < burst; packet++) {
      template.number(this.#words, at, sequence, stamp)
      at += stride
      sequence++
    }
    this.#sequences[stream] = sequence
  }

  #prepare(
    kernel: Kernel,
    message: number,
    route: Route,
    shape: StreamShape,
    template: PayloadTemplate,
  ): OutgoingMessage {
    const { arena } = kernel
    const header = route.header(shape.payloadLength)
    const segmentLength = header.length + shape.payloadLength
    const start = arena.reserve(INJECTED_PREFIX_LENGTH + segmentLength * shape.burst) + INJECTED_PREFIX_LENGTH
    for (let packet = 0; packet < shape.burst; packet++) {
      arena.bytes.set(header, start + packet * segmentLength)
      arena.words.set(template.words, (start + packet * segmentLength + header.length) >> 2)
    }
    this.#bursts[message] = shape.burst
    this.#payloadWords[message] = (start + header.length) >> 2
    this.#strides[message] = segmentLength >> 2
    return {
      portWord: route.toPortWord,
      hostWord: route.toHostWord,
      sourceHostWord: route.fromHostWord,
      start,
      segmentLength,
      segmentCount: shape.burst,
    }
  }
}
