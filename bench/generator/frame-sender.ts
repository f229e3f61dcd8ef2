// ChannelData over streams: each client has a few buffers of many frames, prepared once. To send one again, its payloads get new
// sequence numbers; a buffer is free again when the socket has taken all of it.
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../src/stun/channel-data.js'
import { channelNumberOf } from './flows.js'
import type { PayloadTemplate } from './payload.js'
import type { StreamClient } from './stream-client.js'

/** A write carries so many frames: 77 kB of the larger ones, so that the generator's own cost is small beside the server's. */
export const FRAMES_PER_WRITE = 64
const BUFFERS_PER_FLOW = 2

interface Buffers {
  readonly template: PayloadTemplate
  readonly free: Int32Array[]
  sequence: number
}

export class FrameSender {
  sent = 0
  readonly #clients: readonly StreamClient[]
  readonly #flows: readonly Buffers[]

  constructor(clients: readonly StreamClient[], templates: readonly PayloadTemplate[]) {
    this.#clients = clients
    this.#flows = templates.map((template, flow) => ({
      template,
      free: Array.from({ length: BUFFERS_PER_FLOW }, () => preparedFrames(template, flow)),
      sequence: 0,
    }))
  }

  /** How many frames of a flow have been sent. */
  nextSequence(flow: number): number {
    return this.#flows[flow].sequence
  }

  /** Writes a buffer of frames if one is free. Returns how many. */
  send(flow: number): number {
    const buffers = this.#flows[flow]
    const { template, free } = buffers
    const words = free.pop()
    if (words === undefined) return 0
    const stride = words.length / FRAMES_PER_WRITE
    for (let frame = 0; frame < FRAMES_PER_WRITE; frame++) {
      template.number(words, frame * stride + CHANNEL_DATA_HEADER_LENGTH / 4, buffers.sequence++, 0)
    }
    this.sent += FRAMES_PER_WRITE
    this.#clients[flow].write(new Uint8Array(words.buffer), () => free.push(words))
    return FRAMES_PER_WRITE
  }
}

function preparedFrames(template: PayloadTemplate, flow: number): Int32Array {
  const length = CHANNEL_DATA_HEADER_LENGTH + template.words.length * 4
  const words = new Int32Array((FRAMES_PER_WRITE * length) / 4)
  const bytes = new Uint8Array(words.buffer)
  for (let frame = 0; frame < FRAMES_PER_WRITE; frame++) {
    writeChannelDataHeader(bytes, frame * length, channelNumberOf(flow), template.words.length * 4)
    words.set(template.words, (frame * length + CHANNEL_DATA_HEADER_LENGTH) / 4)
  }
  return words
}
