// Fuzzes the codec: whatever the bytes, decoding, every look and read, the integrity checks and the framer neither throw nor change the
// input, and what lies around it makes no difference. A read outside [start, end) shows as an answer that differs between surroundings.
import { TransportAddress } from '../../src/stun/address.js'
import {
  CHANNEL_DATA_HEADER_LENGTH,
  isChannelNumber,
  readChannelDataLength,
  readChannelNumber,
} from '../../src/stun/channel-data.js'
import * as stun from '../../src/stun/constants.js'
import { FrameAssembler, frameLength } from '../../src/stun/framing.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import type { SeededRandom } from '../support/random.js'
import { LONG_TERM_MD5_KEY, LONG_TERM_SHA256_KEY, SHORT_TERM_KEY } from '../support/vector-keys.js'
import { bytesOfHex } from '../support/vectors.js'
import { makeHostile } from './mutate.js'
import { loadCorpus } from './samples.js'
import { type FuzzOptions, type FuzzReport, fuzzLoop } from './target.js'

const KEYS = [SHORT_TERM_KEY, LONG_TERM_MD5_KEY, LONG_TERM_SHA256_KEY]
const LOOKED_UP_TYPES = [stun.ATTRIBUTE_USERNAME, stun.ATTRIBUTE_XOR_PEER_ADDRESS, stun.ATTRIBUTE_DATA, 0xffff]
const SHORTEST_MESSAGE = bytesOfHex('0001 0000 2112a442 000000000000000000000000')
const FRAME_LENGTH_MAXES = [64, 2048, 65535]

/** Reused between inputs, as the core does: what an earlier message left behind must not show. */
const view = new MessageView()
const address = new TransportAddress()

/** How many inputs of a run got past the decoder, and how many came out of the framer. */
interface Depth {
  decodedCount: number
  framedCount: number
}

export function fuzzCodec(options: FuzzOptions): FuzzReport {
  const corpus = loadCorpus()
  let inputCount = 0
  const depth: Depth = { decodedCount: 0, framedCount: 0 }
  const progress = fuzzLoop(
    options,
    (random) => corpus[inputCount++] ?? makeHostile(random, corpus),
    (input, random) => {
      if (checkDecoding(input, random)) depth.decodedCount++
      if (checkFraming(input, random)) depth.framedCount++
    },
  )
  const percent = (count: number) => `${Math.round((100 * count) / Math.max(progress.iterationCount, 1))} %`
  const summary = `${percent(depth.decodedCount)} decoded, ${percent(depth.framedCount)} framed`
  return { ...progress, summary }
}

/** Throws if the input is not read alike in three surroundings. Returns whether it decodes. */
export function checkDecoding(input: Uint8Array, random: SeededRandom): boolean {
  const alone = observe(input, 0, input.length)
  const isDecoded = view.attributeCount > 0
  for (const canary of [0x00, 0xff, -1]) {
    const start = random.nextInt(70)
    const end = start + input.length
    const surrounded = canary < 0 ? random.nextBytes(end + 70) : new Uint8Array(end + 70).fill(canary)
    surrounded.set(input, start)
    const before = surrounded.slice()
    const observed = observe(surrounded, start, end)
    if (observed !== alone) throw new Error(`surroundings matter:\n${alone}\n${observed}`)
    if (Buffer.compare(before, surrounded) !== 0) throw new Error('reading changed the bytes')
  }
  return isDecoded
}

/** Everything that the codec says about the bytes, as text, with offsets counted from `start`. */
function observe(bytes: Uint8Array, start: number, end: number): string {
  const seen: (number | string | boolean)[] = []
  address.setIPv4(0, 0) // a refused read leaves it as it was
  const result = decodeMessage(view, bytes, start, end)
  seen.push(result, view.attributeCount)
  for (const at of [view.messageIntegrityStart, view.messageIntegritySha256Start, view.fingerprintStart]) {
    seen.push(at < 0 ? at : at - start)
  }
  seen.push(view.messageIntegritySha256Length)
  if (result === DECODE_OK) {
    seen.push(view.messageClass, view.method, view.transactionIdStart - start, isFingerprintValid(view))
    for (const key of KEYS) seen.push(isMessageIntegrityValid(view, key), isMessageIntegritySha256Valid(view, key))
    for (const type of LOOKED_UP_TYPES) seen.push(view.has(type), view.findNext(type, view.find(type)))
    seen.push(view.unknownRequired((type) => type === stun.ATTRIBUTE_USERNAME).join())
  }
  for (let index = -1; index <= view.attributeCount; index++) observeAttribute(seen, index, start, end)
  if (end - start >= CHANNEL_DATA_HEADER_LENGTH) {
    seen.push(readChannelNumber(bytes, start), isChannelNumber(readChannelNumber(bytes, start)))
    seen.push(readChannelDataLength(bytes, start))
  }
  for (const lengthMax of FRAME_LENGTH_MAXES) {
    seen.push(frameLength(bytes, start, end, lengthMax, false), frameLength(bytes, start, end, lengthMax, true))
  }
  return seen.join(' ')
}

function observeAttribute(seen: (number | string | boolean)[], index: number, start: number, end: number): void {
  if (index >= 0 && index < view.attributeCount) {
    const valueStart = view.attributeStarts[index]
    const length = view.attributeLengths[index]
    if (valueStart < start + stun.HEADER_LENGTH || valueStart + length > end) {
      throw new Error(`attribute ${index} lies outside its message`)
    }
    seen.push(view.attributeTypes[index], valueStart - start, length)
    // The last offsets that fit, and the first that do not.
    for (const offset of [length - 4, length - 3, length - 2, length - 1, length]) {
      seen.push(view.readUint8(index, offset), view.readUint16(index, offset), view.readUint32(index, offset))
    }
  }
  seen.push(view.readUint8(index), view.readUint16(index), view.readUint32(index), view.readErrorCode(index))
  seen.push(Buffer.from(view.readBytes(index)).toString('hex'), view.readText(index).length)
  seen.push(
    view.readAddress(index, address),
    address.toString(),
    view.readXorAddress(index, address),
    address.toString(),
  )
}

/** Throws if the framer does not give the same frames whatever the chunks are. Returns whether it gave any of the input. */
export function checkFraming(input: Uint8Array, random: SeededRandom): boolean {
  const lengthMax = random.pick(FRAME_LENGTH_MAXES)
  // Behind a good message, ChannelData is allowed.
  const isBehindAnother = random.oneIn(2)
  const stream = isBehindAnother ? Uint8Array.from(Buffer.concat([SHORTEST_MESSAGE, input])) : input
  const whole = framesOf(stream, lengthMax, () => stream.length)
  const cutLengthMax = random.pick([1, 7, 300])
  const cut = framesOf(stream, lengthMax, () => 1 + random.nextInt(cutLengthMax))
  if (cut !== whole) throw new Error(`chunks matter:\n${whole}\n${cut}`)
  return whole.includes(':', isBehindAnother ? 1 : 0)
}

function framesOf(input: Uint8Array, lengthMax: number, nextChunkLength: () => number): string {
  const assembler = new FrameAssembler(lengthMax)
  const seen: string[] = []
  let result = 0
  for (let at = 0; at < input.length; ) {
    const length = nextChunkLength()
    result = assembler.push(input.subarray(at, at + length), (bytes, start, end) => {
      if (start < 0 || end > bytes.length || end - start > lengthMax) throw new Error('frame out of bounds')
      seen.push(`:${Buffer.from(bytes.subarray(start, end)).toString('hex')}`)
    })
    at += length
  }
  return `${seen.join(' ')} ${result}`
}
