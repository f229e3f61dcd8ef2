// The receiving end of ChannelData over streams: cuts what the clients receive into frames, and checks whose each is and every word of it.
import { CHANNEL_DATA_HEADER_LENGTH, readChannelDataLength, readChannelNumber } from '../../src/stun/channel-data.js'
import { FRAMING_NEED_MORE, frameLength } from '../../src/stun/framing.js'
import { channelNumberOf } from './flows.js'
import { Deliveries, type PayloadTemplate, STREAM_WORD } from './payload.js'

/** More than a read hands over at once. */
const BUFFER_LENGTH = 1 << 17
const FRAME_LENGTH_MAX = 1 << 16

/** The bytes of one client that are no whole frame yet. Frames are multiples of 4 bytes long, so all of them start at words. */
interface Pending {
  readonly words: Int32Array
  readonly bytes: Uint8Array
  end: number
}

export class FrameReceiver {
  readonly deliveries: Deliveries
  /** Frames, whatever they were. */
  received = 0
  /** Chunks as the sockets handed them over. */
  arrivals = 0
  readonly #pending: readonly Pending[]

  constructor(templates: readonly PayloadTemplate[]) {
    this.deliveries = new Deliveries(templates)
    this.#pending = templates.map(() => {
      const words = new Int32Array(BUFFER_LENGTH / 4)
      return { words, bytes: new Uint8Array(words.buffer), end: 0 }
    })
  }

  /** Takes what the client of this flow has received. Throws if that is not framed any more: nobody knows then what is whose. */
  push(flow: number, chunk: Uint8Array): void {
    const pending = this.#pending[flow]
    this.arrivals++
    for (let offset = 0; offset < chunk.length; ) {
      const length = Math.min(chunk.length - offset, BUFFER_LENGTH - pending.end)
      pending.bytes.set(chunk.subarray(offset, offset + length), pending.end)
      pending.end += length
      offset += length
      const start = this.#takeFrames(flow, pending)
      pending.bytes.copyWithin(0, start, pending.end)
      pending.end -= start
    }
  }

  /** Returns where the first incomplete frame starts. */
  #takeFrames(flow: number, { words, bytes, end }: Pending): number {
    let start = 0
    while (true) {
      const length = frameLength(bytes, start, end, FRAME_LENGTH_MAX, false)
      if (length < 0) throw new Error(`the stream to client ${flow} is not framed any more`)
      if (length === FRAMING_NEED_MORE || start + length > end) return start
      this.received++
      this.#check(flow, words, bytes, start)
      start += length
    }
  }

  #check(flow: number, words: Int32Array, bytes: Uint8Array, start: number): void {
    const { deliveries } = this
    const at = (start + CHANNEL_DATA_HEADER_LENGTH) / 4
    const payloadLength = readChannelDataLength(bytes, start)
    const stream = payloadLength < 4 * (STREAM_WORD + 1) ? -1 : deliveries.streamOf(words, at, payloadLength)
    if (stream < 0) deliveries.corrupted++
    else if (stream !== flow || readChannelNumber(bytes, start) !== channelNumberOf(flow)) deliveries.misdelivered++
    else deliveries.count(stream, words, at)
  }
}
