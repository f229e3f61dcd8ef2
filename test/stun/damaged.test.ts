import t from 'tap'
import { TransportAddress } from '../../src/stun/address.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { DECODE_BAD_LENGTH, DECODE_OK, DECODE_TOO_SHORT, decodeMessage, MessageView } from '../../src/stun/message.js'
import { LONG_TERM_MD5_KEY, LONG_TERM_SHA256_KEY, SHORT_TERM_KEY } from '../support/vector-keys.js'
import {
  SAMPLE_IPV4_RESPONSE,
  SAMPLE_IPV6_RESPONSE,
  SAMPLE_LONG_TERM_REQUEST,
  SAMPLE_REQUEST,
  SAMPLE_SHA256_REQUEST,
  VECTORS,
  type Vector,
} from '../support/vectors.js'

const WITH_FINGERPRINT = [SAMPLE_REQUEST, SAMPLE_IPV4_RESPONSE, SAMPLE_IPV6_RESPONSE]
const KEYED: readonly (readonly [Vector, Uint8Array, (view: MessageView, key: Uint8Array) => boolean])[] = [
  ...WITH_FINGERPRINT.map((sample) => [sample, SHORT_TERM_KEY, isMessageIntegrityValid] as const),
  [SAMPLE_LONG_TERM_REQUEST, LONG_TERM_MD5_KEY, isMessageIntegrityValid],
  [SAMPLE_SHA256_REQUEST, LONG_TERM_SHA256_KEY, isMessageIntegritySha256Valid],
]

/** Decodes, and reads everything that there is to read. Throws if any of it throws. */
function decodeAndReadAll(view: MessageView, bytes: Uint8Array): number {
  const result = decodeMessage(view, bytes, 0, bytes.length)
  const address = new TransportAddress()
  for (let index = -1; index <= view.attributeCount; index++) {
    view.readText(index)
    view.readUint32(index)
    view.readErrorCode(index)
    view.readAddress(index, address)
    view.readXorAddress(index, address)
  }
  view.unknownRequired(() => false)
  isMessageIntegrityValid(view, SHORT_TERM_KEY)
  isMessageIntegritySha256Valid(view, SHORT_TERM_KEY)
  isFingerprintValid(view)
  return result
}

/** Calls `check` with every message that differs from the sample in one byte. */
function forEachByteChange(sample: Vector, check: (bytes: Uint8Array, at: number, value: number) => void): void {
  const bytes = Uint8Array.from(sample.bytes)
  for (let at = 0; at < bytes.length; at++) {
    const original = bytes[at]
    for (let value = 0; value < 256; value++) {
      if (value === original) continue
      bytes[at] = value
      check(bytes, at, value)
    }
    bytes[at] = original
  }
}

t.test('truncated messages', async (t) => {
  for (const sample of VECTORS) {
    t.test(`no beginning of the ${sample.name} decodes, or throws`, async (t) => {
      const view = new MessageView()
      const results: number[] = []
      for (let length = 0; length < sample.bytes.length; length++) {
        results.push(decodeAndReadAll(view, sample.bytes.slice(0, length)))
      }
      t.same(new Set(results.slice(0, 20)), new Set([DECODE_TOO_SHORT]))
      t.same(new Set(results.slice(20)), new Set([DECODE_BAD_LENGTH]))
    })

    t.test(`no beginning of the ${sample.name} throws when the header tells its length`, async (t) => {
      const view = new MessageView()
      let decodedCount = 0
      for (let length = 20; length < sample.bytes.length; length++) {
        const bytes = sample.bytes.slice(0, length)
        bytes[2] = (length - 20) >> 8
        bytes[3] = length - 20
        if (decodeAndReadAll(view, bytes) === DECODE_OK) decodedCount++
      }
      t.ok(decodedCount >= 4, 'it decodes where an attribute ends')
    })
  }

  t.test('trailing bytes are refused: a datagram holds exactly one message', async (t) => {
    const view = new MessageView()
    for (const extra of [1, 4, 1000]) {
      const bytes = new Uint8Array(SAMPLE_REQUEST.bytes.length + extra)
      bytes.set(SAMPLE_REQUEST.bytes)
      t.equal(decodeMessage(view, bytes, 0, bytes.length), DECODE_BAD_LENGTH)
    }
  })
})

t.test('one changed byte', async (t) => {
  for (const sample of VECTORS) {
    t.test(`never throws in the ${sample.name}`, async (t) => {
      const view = new MessageView()
      let checkedCount = 0
      forEachByteChange(sample, (bytes) => {
        decodeAndReadAll(view, bytes)
        checkedCount++
      })
      t.equal(checkedCount, sample.bytes.length * 255)
    })
  }

  for (const sample of WITH_FINGERPRINT) {
    t.test(`is found by the FINGERPRINT of the ${sample.name} (RFC 8489 §14.7)`, async (t) => {
      const view = new MessageView()
      const unnoticed: string[] = []
      forEachByteChange(sample, (bytes, at, value) => {
        const result = decodeMessage(view, bytes, 0, bytes.length)
        if (result === DECODE_OK && isFingerprintValid(view)) unnoticed.push(`byte ${at} = ${value}`)
      })
      t.same(unnoticed, [])
    })
  }

  for (const [sample, key, isValid] of KEYED) {
    t.test(
      `is found by the integrity of the ${sample.name}, which covers no byte after it (RFC 8489 §14.5)`,
      async (t) => {
        const view = new MessageView()
        decodeMessage(view, sample.bytes, 0, sample.bytes.length)
        const coveredEnd = view.fingerprintStart < 0 ? sample.bytes.length : view.fingerprintStart
        const wrong: string[] = []
        forEachByteChange(sample, (bytes, at, value) => {
          if (decodeMessage(view, bytes, 0, bytes.length) !== DECODE_OK) return
          if (isValid(view, key) !== at >= coveredEnd) wrong.push(`byte ${at} = ${value}`)
        })
        t.same(wrong, [])
      },
    )
  }
})

t.test('duplicated attributes', async (t) => {
  for (const sample of VECTORS) {
    t.test(`every attribute of the ${sample.name}, repeated at every place, never throws`, async (t) => {
      const view = new MessageView()
      const parts = attributeParts(sample.bytes)
      let decodedCount = 0
      for (const repeated of parts) {
        for (let place = 0; place <= parts.length; place++) {
          const attributes = [...parts.slice(0, place), repeated, ...parts.slice(place)]
          const bytes = Uint8Array.from(Buffer.concat([sample.bytes.subarray(0, 20), ...attributes]))
          bytes[2] = (bytes.length - 20) >> 8
          bytes[3] = bytes.length - 20
          if (decodeAndReadAll(view, bytes) === DECODE_OK) decodedCount++
        }
      }
      t.ok(decodedCount > parts.length, 'most of them decode')
    })
  }
})

/** The attributes of a well-formed message, header and padding included. */
function attributeParts(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 20; at < bytes.length; ) {
    const length = (bytes[at + 2] << 8) | bytes[at + 3]
    const next = at + 4 + Math.ceil(length / 4) * 4
    parts.push(bytes.slice(at, next))
    at = next
  }
  return parts
}
