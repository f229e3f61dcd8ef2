// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 §14.5–14.7): made by the writer, verified for the authenticator.
// Both hash the message with a length that ends at their own attribute; received bytes are never changed for it.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ATTRIBUTE_HEADER_LENGTH, HEADER_LENGTH } from './constants.js'
import type { MessageView } from './message.js'

export const MESSAGE_INTEGRITY_LENGTH = 20
export const MESSAGE_INTEGRITY_SHA256_LENGTH = 32
export const FINGERPRINT_XOR = 0x5354554e

// Message type and adjusted length: hashed in place of the message's own first four bytes.
const hashedHead = new Uint8Array(4)

/** The HMAC-SHA1 of a message up to its MESSAGE-INTEGRITY attribute, whose header is at `attributeStart`. 20 bytes. */
export function messageIntegrity(key: Uint8Array, bytes: Uint8Array, start: number, attributeStart: number): Buffer {
  return keyedHash('sha1', key, bytes, start, attributeStart, MESSAGE_INTEGRITY_LENGTH)
}

/**
 * The HMAC-SHA256 of a message up to its MESSAGE-INTEGRITY-SHA256 attribute, cut to the attribute's `length` (16–32, a multiple of 4).
 * The length is part of what is hashed, so a shorter value is no prefix of a longer one.
 */
export function messageIntegritySha256(
  key: Uint8Array,
  bytes: Uint8Array,
  start: number,
  attributeStart: number,
  length = MESSAGE_INTEGRITY_SHA256_LENGTH,
): Buffer {
  return keyedHash('sha256', key, bytes, start, attributeStart, length).subarray(0, length)
}

/** Whether the message has a MESSAGE-INTEGRITY made with this key. Takes the same time wherever the values differ. */
export function isMessageIntegrityValid(view: MessageView, key: Uint8Array): boolean {
  const attributeStart = view.messageIntegrityStart
  if (attributeStart < 0) return false
  const expected = messageIntegrity(key, view.bytes, view.start, attributeStart)
  return equalsValue(expected, view.bytes, attributeStart)
}

/** Whether the message has a MESSAGE-INTEGRITY-SHA256, truncated or not, made with this key. */
export function isMessageIntegritySha256Valid(view: MessageView, key: Uint8Array): boolean {
  const attributeStart = view.messageIntegritySha256Start
  if (attributeStart < 0) return false
  const length = view.messageIntegritySha256Length
  const expected = messageIntegritySha256(key, view.bytes, view.start, attributeStart, length)
  return equalsValue(expected, view.bytes, attributeStart)
}

/** Whether the message has a FINGERPRINT, and it is right. */
export function isFingerprintValid(view: MessageView): boolean {
  const attributeStart = view.fingerprintStart
  if (attributeStart < 0) return false
  const bytes = view.bytes
  const at = attributeStart + ATTRIBUTE_HEADER_LENGTH
  const value = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  return value === fingerprint(bytes, view.start, attributeStart)
}

/** The FINGERPRINT of a message whose FINGERPRINT attribute starts at `end`; the header's length must already count it. */
export function fingerprint(bytes: Uint8Array, start: number, end: number): number {
  return (crc32(bytes.subarray(start, end)) ^ FINGERPRINT_XOR) >>> 0
}

function keyedHash(
  algorithm: 'sha1' | 'sha256',
  key: Uint8Array,
  bytes: Uint8Array,
  start: number,
  attributeStart: number,
  valueLength: number,
): Buffer {
  const length = attributeStart + ATTRIBUTE_HEADER_LENGTH + valueLength - start - HEADER_LENGTH
  hashedHead[0] = bytes[start]
  hashedHead[1] = bytes[start + 1]
  hashedHead[2] = length >> 8
  hashedHead[3] = length & 0xff
  return createHmac(algorithm, key)
    .update(hashedHead)
    .update(bytes.subarray(start + 4, attributeStart))
    .digest()
}

function equalsValue(expected: Uint8Array, bytes: Uint8Array, attributeStart: number): boolean {
  const valueStart = attributeStart + ATTRIBUTE_HEADER_LENGTH
  return timingSafeEqual(expected, bytes.subarray(valueStart, valueStart + expected.length))
}
