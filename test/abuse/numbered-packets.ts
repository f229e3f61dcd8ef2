// Datagrams that say whose they are and which one they are, word by word, and the frames in which they come back. Used by the tests of this folder.
import { checkPayload, writePayload } from '../soak/payload.js'

const WORD_BYTES = 4
const CHANNEL_DATA_HEADER_LENGTH = 4
const GENERATION = 1

/** The `sequence`th datagram of this flow, of so many bytes (a multiple of 4). */
export function numberedPacket(flow: number, sequence: number, length: number): Buffer {
  const words = new Int32Array(length / WORD_BYTES)
  writePayload(words, 0, words.length, flow, GENERATION, sequence)
  return Buffer.from(words.buffer)
}

/** The number of the datagram in this ChannelData frame; throws for one that is not whole, of another flow or another channel. */
export function numberOf(frame: Buffer, channelNumber: number, flow: number, length: number): number {
  const bytes = Uint8Array.from(frame.subarray(CHANNEL_DATA_HEADER_LENGTH, CHANNEL_DATA_HEADER_LENGTH + length))
  const isWhole = frame.readUInt16BE() === channelNumber && frame.readUInt16BE(2) === length && bytes.length === length
  const words = isWhole ? new Int32Array(bytes.buffer) : new Int32Array(0)
  const sequence = isWhole ? checkPayload(words, 0, words.length, flow, GENERATION) : -2
  if (sequence < 0)
    throw new Error(`flow ${flow} got ${frame.length} bytes that are not its own: ${frame.toString('hex', 0, 24)}`)
  return sequence
}
