// Makes hostile inputs out of good messages: each mutation is one thing that an attacker, a broken client or the network does to them.
// Most results get lengths that fit again, so that they pass the first checks and reach the deeper ones.
import * as stun from '../../src/stun/constants.js'
import type { SeededRandom } from '../support/random.js'

const INTERESTING_BYTES = [0x00, 0x01, 0x02, 0x03, 0x04, 0x3f, 0x40, 0x7f, 0x80, 0xff]
const INTERESTING_LENGTHS = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 19, 20, 21, 28, 32, 33, 36, 0x100, 0x7ffc, 0x7fff, 0x8000, 0xfff8, 0xfffc, 0xffff,
]
const INTERESTING_TYPES = [
  stun.ATTRIBUTE_USERNAME,
  stun.ATTRIBUTE_MESSAGE_INTEGRITY,
  stun.ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  stun.ATTRIBUTE_FINGERPRINT,
  stun.ATTRIBUTE_ERROR_CODE,
  stun.ATTRIBUTE_XOR_PEER_ADDRESS,
  stun.ATTRIBUTE_DATA,
  0x0000,
  0x7fff,
  0xffff,
]
/** Enough copies of the shortest attribute to pass the decoder's maximum. */
const REPEAT_COUNT_MAX = 300

type Mutation = (input: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  truncate,
  flipBits,
  setBytes,
  splice,
  insertRandom,
  repeatAttribute,
  removeAttribute,
  setAttributeLength,
  setAttributeType,
  setHeaderLength,
]

/** A corpus entry after one to four mutations; now and then bytes that come from nothing. */
export function makeHostile(random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  if (random.oneIn(50)) return random.nextBytes(random.nextInt(200))
  let input: Uint8Array = Uint8Array.from(random.pick(corpus))
  for (let count = 1 + random.nextInt(4); count > 0; count--) input = random.pick(MUTATIONS)(input, random, corpus)
  if (random.oneIn(4)) return input
  const fitting = withFittingLength(input)
  return random.oneIn(3) ? fitting : withFittingLastAttribute(fitting)
}

function truncate(input: Uint8Array, random: SeededRandom): Uint8Array {
  return input.slice(0, random.nextInt(input.length + 1))
}

function flipBits(input: Uint8Array, random: SeededRandom): Uint8Array {
  for (let count = 1 + random.nextInt(3); count > 0 && input.length > 0; count--) {
    input[random.nextInt(input.length)] ^= 1 << random.nextInt(8)
  }
  return input
}

function setBytes(input: Uint8Array, random: SeededRandom): Uint8Array {
  for (let count = 1 + random.nextInt(3); count > 0 && input.length > 0; count--) {
    input[random.nextInt(input.length)] = random.pick(INTERESTING_BYTES)
  }
  return input
}

/** Puts a piece of another message in place of a piece of this one. */
function splice(input: Uint8Array, random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(corpus)
  const from = random.nextInt(other.length)
  const piece = other.subarray(from, from + random.nextInt(other.length - from + 1))
  const start = random.nextInt(input.length + 1)
  return replace(input, start, start + random.nextInt(input.length - start + 1), piece)
}

function insertRandom(input: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.nextInt(input.length + 1)
  return replace(input, at, at, random.nextBytes(1 + random.nextInt(40)))
}

function repeatAttribute(input: Uint8Array, random: SeededRandom): Uint8Array {
  const starts = attributeStarts(input)
  if (starts.length === 0) return input
  const at = random.pick(starts)
  const attribute = input.slice(at, attributeEnd(input, at))
  const copies = new Uint8Array(attribute.length * (random.oneIn(20) ? REPEAT_COUNT_MAX : 1 + random.nextInt(3)))
  for (let offset = 0; offset < copies.length; offset += attribute.length) copies.set(attribute, offset)
  const place = random.pick(starts)
  return replace(input, place, place, copies)
}

function removeAttribute(input: Uint8Array, random: SeededRandom): Uint8Array {
  const starts = attributeStarts(input)
  if (starts.length === 0) return input
  const at = random.pick(starts)
  return replace(input, at, attributeEnd(input, at), new Uint8Array(0))
}

function setAttributeLength(input: Uint8Array, random: SeededRandom): Uint8Array {
  const starts = attributeStarts(input)
  if (starts.length > 0) setUint16(input, random.pick(starts) + 2, random.pick(INTERESTING_LENGTHS))
  return input
}

function setAttributeType(input: Uint8Array, random: SeededRandom): Uint8Array {
  const starts = attributeStarts(input)
  if (starts.length > 0) setUint16(input, random.pick(starts), random.pick(INTERESTING_TYPES))
  return input
}

/** Of a STUN message or of ChannelData: both have it in the same place. */
function setHeaderLength(input: Uint8Array, random: SeededRandom): Uint8Array {
  if (input.length >= 4) setUint16(input, 2, random.pick(INTERESTING_LENGTHS))
  return input
}

function withFittingLength(input: Uint8Array): Uint8Array {
  if (input.length < stun.HEADER_LENGTH) return input
  const bodyLength = Math.min(input.length - stun.HEADER_LENGTH, 0xfffc) & ~3
  setUint16(input, 2, bodyLength)
  return input.slice(0, stun.HEADER_LENGTH + bodyLength)
}

/** Cuts short the attribute that runs past the end, if one does. */
function withFittingLastAttribute(input: Uint8Array): Uint8Array {
  const last = attributeStarts(input).at(-1)
  if (last === undefined) return input
  const room = input.length - last - stun.ATTRIBUTE_HEADER_LENGTH
  if (((input[last + 2] << 8) | input[last + 3]) > room) setUint16(input, last + 2, room)
  return input
}

/** Where attributes seem to start; headers only, whatever their lengths say. */
function attributeStarts(input: Uint8Array): number[] {
  const starts: number[] = []
  for (let at = stun.HEADER_LENGTH; at + 4 <= input.length; at = attributeEnd(input, at)) starts.push(at)
  return starts
}

function attributeEnd(input: Uint8Array, at: number): number {
  const length = (input[at + 2] << 8) | input[at + 3]
  return Math.min(at + 4 + ((length + 3) & ~3), input.length)
}

function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

function replace(input: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array {
  const result = new Uint8Array(input.length - (end - start) + piece.length)
  result.set(input.subarray(0, start))
  result.set(piece, start)
  result.set(input.subarray(end), start + piece.length)
  return result
}
