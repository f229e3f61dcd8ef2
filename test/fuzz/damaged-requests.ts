// One good request of every method, damaged in every systematic way: each attribute cut at every length, each of its bytes changed, repeated at
// every place, and with extreme lengths. The attributes are signed afterwards, so that they get behind the authentication.
import * as stun from '../../src/stun/constants.js'
import { corpusOf } from './corpus.js'

/** Files of the corpus that are good requests, one of each kind. */
const GOOD = [
  ...['stun-allocate-bare', 'stun-allocate-even-port-reserved', 'stun-allocate-additional-6', 'stun-allocate-token'],
  ...[
    'stun-allocate-family-4',
    'stun-refresh-family',
    'stun-permission',
    'stun-permission-mapped',
    'stun-channel-bind-4000',
  ],
  ...['stun-connect', 'stun-connection-bind', 'stun-send', 'stun-binding-software-longest'],
]
const EXTREME_LENGTHS = [0, 1, 3, 4, 5, 8, 20, 509, 763, 2_000, 5_000]
/** In place of a byte; all of them are in allByteChanges. */
const VALUES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff]
const BYTES_CHANGED_PER_ATTRIBUTE_MAX = 24

interface Part {
  readonly type: number
  readonly value: Uint8Array
}

/** Messages with lengths that fit. @param values of each changed byte */
export function damagedRequests(values: readonly number[] = VALUES): Uint8Array[] {
  const files = corpusOf('stun')
  return GOOD.flatMap((name) => {
    const file = files.find((entry) => entry.name === `${name}.hex`)
    if (file === undefined) throw new Error(`corpus/${name}.hex is missing`)
    const type = (file.bytes[0] << 8) | file.bytes[1]
    const parts = partsOf(file.bytes)
    return [
      parts,
      ...shortened(parts),
      ...changed(parts, values),
      ...repeated(parts),
      ...stretched(parts),
      ...retyped(parts),
    ].map((each) => messageOf(type, each))
  })
}

function shortened(parts: readonly Part[]): Part[][] {
  return parts.flatMap(({ value }, index) => {
    const lengths = Array.from({ length: Math.min(value.length, 40) }, (_, length) => length)
    return [
      // Without what follows, too: every truncation of the whole.
      ...lengths.map((length) => withValue(parts, index, value.subarray(0, length))),
      ...lengths.map((length) => withValue(parts, index, value.subarray(0, length)).slice(0, index + 1)),
      parts.slice(0, index),
    ]
  })
}

function changed(parts: readonly Part[], values: readonly number[]): Part[][] {
  return parts.flatMap(({ value }, index) => {
    const places = Array.from({ length: Math.min(value.length, BYTES_CHANGED_PER_ATTRIBUTE_MAX) }, (_, at) => at)
    return places.flatMap((at) => {
      const others = new Set([...values, value[at] ^ 1, value[at] ^ 0x80])
      others.delete(value[at])
      return [...others].map((other) =>
        withValue(
          parts,
          index,
          Uint8Array.from(value, (byte, place) => (place === at ? other : byte)),
        ),
      )
    })
  })
}

function repeated(parts: readonly Part[]): Part[][] {
  return parts.flatMap((part) =>
    Array.from({ length: parts.length + 1 }, (_, place) => [...parts.slice(0, place), part, ...parts.slice(place)]),
  )
}

function stretched(parts: readonly Part[]): Part[][] {
  return parts.flatMap((_, index) =>
    EXTREME_LENGTHS.map((length) => withValue(parts, index, new Uint8Array(length).fill(0x41))),
  )
}

/** Another type for the value: every one that a server knows. */
function retyped(parts: readonly Part[]): Part[][] {
  const types = Object.entries(stun).flatMap(([name, value]) =>
    name.startsWith('ATTRIBUTE_') && typeof value === 'number' ? [value] : [],
  )
  return parts.flatMap(({ value }, index) =>
    types.filter(isPlain).map((type) => parts.map((part, place) => (place === index ? { type, value } : part))),
  )
}

/** Integrity is the signer’s. */
function isPlain(type: number): boolean {
  const signed = [stun.ATTRIBUTE_MESSAGE_INTEGRITY, stun.ATTRIBUTE_MESSAGE_INTEGRITY_SHA256, stun.ATTRIBUTE_FINGERPRINT]
  return type <= 0xffff && !signed.includes(type as (typeof signed)[number])
}

function withValue(parts: readonly Part[], index: number, value: Uint8Array): Part[] {
  return parts.map((part, place) => (place === index ? { type: part.type, value } : part))
}

function partsOf(message: Uint8Array): Part[] {
  const parts: Part[] = []
  for (let at = stun.HEADER_LENGTH; at + 4 <= message.length; ) {
    const length = (message[at + 2] << 8) | message[at + 3]
    parts.push({ type: (message[at] << 8) | message[at + 1], value: message.slice(at + 4, at + 4 + length) })
    at += 4 + ((length + 3) & ~3)
  }
  return parts
}

function messageOf(type: number, parts: readonly Part[]): Uint8Array {
  const attributes = parts.map(({ type: attributeType, value }) => {
    const bytes = Buffer.alloc(4 + ((value.length + 3) & ~3))
    bytes.writeUInt16BE(attributeType)
    bytes.writeUInt16BE(value.length, 2)
    bytes.set(value, 4)
    return bytes
  })
  const body = Buffer.concat(attributes)
  const header = Buffer.alloc(stun.HEADER_LENGTH)
  header.writeUInt16BE(type)
  header.writeUInt16BE(body.length, 2)
  header.writeUInt32BE(stun.MAGIC_COOKIE, 4)
  return Buffer.concat([header, body])
}
