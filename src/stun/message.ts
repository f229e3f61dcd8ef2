// Decodes a STUN message into a reusable view (RFC 8489 §5, §14): one table of the attributes that count, nothing copied.
// The core keeps one view and decodes every frame into it. No bytes make it throw, and decoding allocates nothing.
// Values are checked when they are read: every read stays inside its attribute, and says so (-1 or false) when it cannot.
import { ATTRIBUTE_COUNT_MAX } from '../limits/messages.js'
import { FAMILY_IPV4, type TransportAddress } from './address.js'
import {
  ADDRESS_FAMILY_IPV4,
  ADDRESS_FAMILY_IPV6,
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_HEADER_LENGTH,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  HEADER_LENGTH,
  isComprehensionRequired,
  MAGIC_COOKIE,
} from './constants.js'

export const DECODE_OK = 0
/** Shorter than a header. */
export const DECODE_TOO_SHORT = 1
/** The first two bits are not zero, or the magic cookie is missing. */
export const DECODE_NOT_STUN = 2
/** The header's length is not a multiple of 4, or not what arrived. */
export const DECODE_BAD_LENGTH = 3
/** An attribute runs past the end. */
export const DECODE_BAD_ATTRIBUTE = 4
/** More than ATTRIBUTE_COUNT_MAX attributes. */
export const DECODE_TOO_MANY_ATTRIBUTES = 5
/** FINGERPRINT is not the last attribute (RFC 8489 §14.7). */
export const DECODE_AFTER_FINGERPRINT = 6
/** An integrity or fingerprint attribute of an impossible length (RFC 8489 §14.5–14.7). */
export const DECODE_BAD_INTEGRITY_LENGTH = 7

const MESSAGE_INTEGRITY_LENGTH = 20
const MESSAGE_INTEGRITY_SHA256_LENGTH_MIN = 16
const MESSAGE_INTEGRITY_SHA256_LENGTH_MAX = 32
const FINGERPRINT_LENGTH = 4

const textDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A decoded message. Offsets are absolute in `bytes`; they hold until the next decodeMessage into this view. */
export class MessageView {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  method = 0
  messageClass = 0
  transactionIdStart = 0
  attributeCount = 0
  /** Offsets of the attributes' headers, -1 if absent. */
  messageIntegrityStart = -1
  messageIntegritySha256Start = -1
  messageIntegritySha256Length = 0
  fingerprintStart = -1
  readonly attributeTypes = new Uint16Array(ATTRIBUTE_COUNT_MAX)
  /** Where the values start. */
  readonly attributeStarts = new Uint32Array(ATTRIBUTE_COUNT_MAX)
  readonly attributeLengths = new Uint16Array(ATTRIBUTE_COUNT_MAX)

  /** The index of the first attribute of this type, or -1. Of duplicates the first counts (RFC 8489 §14). */
  find(type: number): number {
    return this.findNext(type, -1)
  }

  /** The index of the next attribute of this type after `afterIndex`, or -1. */
  findNext(type: number, afterIndex: number): number {
    for (let index = afterIndex + 1; index < this.attributeCount; index++) {
      if (this.attributeTypes[index] === type) return index
    }
    return -1
  }

  has(type: number): boolean {
    return this.findNext(type, -1) >= 0
  }

  /** One byte of the value, or -1 if the value is too short or the index is none. */
  readUint8(index: number, offset = 0): number {
    const at = this.valueAt(index, offset, 1)
    return at < 0 ? -1 : this.bytes[at]
  }

  readUint16(index: number, offset = 0): number {
    const at = this.valueAt(index, offset, 2)
    return at < 0 ? -1 : (this.bytes[at] << 8) | this.bytes[at + 1]
  }

  readUint32(index: number, offset = 0): number {
    const at = this.valueAt(index, offset, 4)
    return at < 0 ? -1 : readWord(this.bytes, at) >>> 0
  }

  /** The value without its padding: a view of `bytes`, empty if the index is none. */
  readBytes(index: number): Uint8Array {
    const at = this.valueAt(index, 0, 0)
    return at < 0 ? this.bytes.subarray(0, 0) : this.bytes.subarray(at, at + this.attributeLengths[index])
  }

  /** The value as UTF-8; invalid sequences become U+FFFD. */
  readText(index: number): string {
    return textDecoder.decode(this.readBytes(index))
  }

  /** The code of an ERROR-CODE, 300–699, or -1 (RFC 8489 §14.8). */
  readErrorCode(index: number): number {
    const at = this.valueAt(index, 0, 4)
    if (at < 0) return -1
    const hundreds = this.bytes[at + 2] & 0x07
    const number = this.bytes[at + 3]
    return hundreds < 3 || hundreds > 6 || number > 99 ? -1 : hundreds * 100 + number
  }

  /** Reads the form of XOR-MAPPED-ADDRESS (RFC 8489 §14.2). False, and `into` untouched, if length or family is wrong. */
  readXorAddress(index: number, into: TransportAddress): boolean {
    if (!this.readAddress(index, into)) return false
    const port = into.port ^ (MAGIC_COOKIE >>> 16)
    if (into.family === FAMILY_IPV4) {
      into.setIPv4(into.word0 ^ MAGIC_COOKIE, port)
      return true
    }
    const id = this.transactionIdStart
    into.setIPv6(
      into.word0 ^ MAGIC_COOKIE,
      into.word1 ^ readWord(this.bytes, id),
      into.word2 ^ readWord(this.bytes, id + 4),
      into.word3 ^ readWord(this.bytes, id + 8),
      port,
    )
    return true
  }

  /** Reads the form of MAPPED-ADDRESS (RFC 8489 §14.1). False, and `into` untouched, if length or family is wrong. */
  readAddress(index: number, into: TransportAddress): boolean {
    const at = this.valueAt(index, 0, 8)
    if (at < 0) return false
    const bytes = this.bytes
    const length = this.attributeLengths[index]
    const port = (bytes[at + 2] << 8) | bytes[at + 3]
    if (bytes[at + 1] === ADDRESS_FAMILY_IPV4 && length === 8) {
      into.setIPv4(readWord(bytes, at + 4), port)
      return true
    }
    if (bytes[at + 1] !== ADDRESS_FAMILY_IPV6 || length !== 20) return false
    const word = at + 4
    into.setIPv6(
      readWord(bytes, word),
      readWord(bytes, word + 4),
      readWord(bytes, word + 8),
      readWord(bytes, word + 12),
      port,
    )
    return true
  }

  /** The distinct comprehension-required types, in order, that the caller does not handle (RFC 8489 §6.3.1). */
  unknownRequired(isHandled: (type: number) => boolean): number[] {
    const unknown: number[] = []
    for (let index = 0; index < this.attributeCount; index++) {
      const type = this.attributeTypes[index]
      if (isComprehensionRequired(type) && !isHandled(type) && !unknown.includes(type)) unknown.push(type)
    }
    return unknown
  }

  /** Where `size` bytes at `offset` of the value lie, or -1 if they are not all inside it. */
  private valueAt(index: number, offset: number, size: number): number {
    if (index < 0 || index >= this.attributeCount) return -1
    if (offset < 0 || offset + size > this.attributeLengths[index]) return -1
    return this.attributeStarts[index] + offset
  }
}

/**
 * Decodes the message that fills `bytes` from `start` to `end` exactly. Returns DECODE_OK or the first thing that is wrong; the view
 * then has no attributes. What comes after MESSAGE-INTEGRITY is ignored, but for MESSAGE-INTEGRITY-SHA256 and FINGERPRINT.
 */
export function decodeMessage(view: MessageView, bytes: Uint8Array, start: number, end: number): number {
  return decode(view, bytes, start, end, true)
}

/** The same for a message of RFC 3489 §11.1, whose transaction id is 16 bytes, of which the first stand where the magic cookie would. */
export function decodeLegacyMessage(view: MessageView, bytes: Uint8Array, start: number, end: number): number {
  return decode(view, bytes, start, end, false)
}

function decode(view: MessageView, bytes: Uint8Array, start: number, end: number, hasCookie: boolean): number {
  view.bytes = bytes
  view.start = start
  view.end = end
  view.transactionIdStart = hasCookie ? start + 8 : start + 4
  view.attributeCount = 0
  view.messageIntegrityStart = -1
  view.messageIntegritySha256Start = -1
  view.messageIntegritySha256Length = 0
  view.fingerprintStart = -1
  const result = decodeHeader(view, bytes, start, end, hasCookie)
  if (result !== DECODE_OK) return result
  return decodeAttributes(view, bytes, start + HEADER_LENGTH, end)
}

function decodeHeader(view: MessageView, bytes: Uint8Array, start: number, end: number, hasCookie: boolean): number {
  if (end - start < HEADER_LENGTH) return DECODE_TOO_SHORT
  const type = (bytes[start] << 8) | bytes[start + 1]
  if (type > 0x3fff || (hasCookie && readWord(bytes, start + 4) !== MAGIC_COOKIE)) return DECODE_NOT_STUN
  const length = (bytes[start + 2] << 8) | bytes[start + 3]
  if ((length & 3) !== 0 || length !== end - start - HEADER_LENGTH) return DECODE_BAD_LENGTH
  // The class bits C1 (0x100) and C0 (0x010) stand between the method's bits (RFC 8489 figure 3).
  view.messageClass = ((type >> 7) & 2) | ((type >> 4) & 1)
  view.method = ((type & 0x3e00) >> 2) | ((type & 0x00e0) >> 1) | (type & 0x000f)
  return DECODE_OK
}

function decodeAttributes(view: MessageView, bytes: Uint8Array, attributesStart: number, end: number): number {
  let count = 0 // The view gets it at the end: a refused message has no attributes.
  let offset = attributesStart
  while (offset < end) {
    if (view.fingerprintStart >= 0) return DECODE_AFTER_FINGERPRINT
    // The message's length is a multiple of 4, so a whole header is here.
    const type = (bytes[offset] << 8) | bytes[offset + 1]
    const length = (bytes[offset + 2] << 8) | bytes[offset + 3]
    const valueStart = offset + ATTRIBUTE_HEADER_LENGTH
    const next = valueStart + ((length + 3) & ~3)
    if (next > end) return DECODE_BAD_ATTRIBUTE
    if (
      type === ATTRIBUTE_MESSAGE_INTEGRITY ||
      type === ATTRIBUTE_MESSAGE_INTEGRITY_SHA256 ||
      type === ATTRIBUTE_FINGERPRINT
    ) {
      if (!noteIntegrity(view, type, offset, length)) return DECODE_BAD_INTEGRITY_LENGTH
    } else if (view.messageIntegrityStart < 0 && view.messageIntegritySha256Start < 0) {
      if (count === ATTRIBUTE_COUNT_MAX) return DECODE_TOO_MANY_ATTRIBUTES
      view.attributeTypes[count] = type
      view.attributeStarts[count] = valueStart
      view.attributeLengths[count] = length
      count++
    }
    offset = next
  }
  view.attributeCount = count
  return DECODE_OK
}

/** Notes where an integrity attribute or FINGERPRINT stands, unless it is a duplicate or follows the one that ends the list. */
function noteIntegrity(view: MessageView, type: number, attributeStart: number, length: number): boolean {
  if (type === ATTRIBUTE_FINGERPRINT) {
    view.fingerprintStart = attributeStart
    return length === FINGERPRINT_LENGTH
  }
  if (view.messageIntegritySha256Start >= 0) return true
  if (type === ATTRIBUTE_MESSAGE_INTEGRITY) {
    if (view.messageIntegrityStart >= 0) return true
    view.messageIntegrityStart = attributeStart
    return length === MESSAGE_INTEGRITY_LENGTH
  }
  view.messageIntegritySha256Start = attributeStart
  view.messageIntegritySha256Length = length
  return (
    length >= MESSAGE_INTEGRITY_SHA256_LENGTH_MIN && length <= MESSAGE_INTEGRITY_SHA256_LENGTH_MAX && (length & 3) === 0
  )
}

/** A signed 32-bit word in network order. */
function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}
