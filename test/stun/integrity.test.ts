import { createHmac } from 'node:crypto'
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import {
  fingerprint,
  isFingerprintValid,
  isMessageIntegritySha256Valid,
  isMessageIntegrityValid,
  messageIntegrity,
  messageIntegritySha256,
} from '../../src/stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { bytesOfHex, SAMPLE_REQUEST } from '../support/vectors.js'

const KEY = bytesOfHex('00112233445566778899aabbccddeeff')
const HEADER = '0001 0000 2112a442 000102030405060708090a0b'

/** HEADER with the given length field, and attributes. */
function messageBytes(length: number, attributes: string): Uint8Array {
  const bytes = bytesOfHex(HEADER + attributes)
  bytes[2] = length >> 8
  bytes[3] = length
  return bytes
}

function decoded(bytes: Uint8Array): MessageView {
  const view = new MessageView()
  const result = decodeMessage(view, bytes, 0, bytes.length)
  if (result !== DECODE_OK) throw new Error(`does not decode: ${result}`)
  return view
}

t.test('messageIntegrity', async (t) => {
  const username = '0006 0004 61616161'

  t.test('is the HMAC-SHA1 with a length that ends at the attribute (RFC 8489 §14.5)', async (t) => {
    const hashed = messageBytes(8 + 24, username)
    const expected = createHmac('sha1', KEY).update(hashed).digest()
    t.same(messageIntegrity(KEY, messageBytes(0x1234, username), 0, 28), expected)
  })

  t.test('is the HMAC-SHA256 with a length that ends at the attribute (RFC 8489 §14.6)', async (t) => {
    const hashed = messageBytes(8 + 36, username)
    const expected = createHmac('sha256', KEY).update(hashed).digest()
    t.same(messageIntegritySha256(KEY, messageBytes(0, username), 0, 28), expected)
  })

  t.test('counts the truncated length of MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6)', async (t) => {
    const hashed = messageBytes(8 + 20, username)
    const expected = createHmac('sha256', KEY).update(hashed).digest().subarray(0, 16)
    t.same(messageIntegritySha256(KEY, messageBytes(0, username), 0, 28, 16), expected)
  })

  t.test('counts lengths above 255 in both bytes', async (t) => {
    const data = `0013 012c ${'ab'.repeat(300)}`
    const expected = createHmac('sha1', KEY)
      .update(messageBytes(304 + 24, data))
      .digest()
    t.same(messageIntegrity(KEY, messageBytes(0, data), 0, 324), expected)
  })

  t.test('does not change the message', async (t) => {
    const bytes = Uint8Array.from(SAMPLE_REQUEST.bytes)
    const view = decoded(bytes)
    isMessageIntegrityValid(view, KEY)
    isFingerprintValid(view)
    t.same(bytes, SAMPLE_REQUEST.bytes)
  })
})

t.test('validity', async (t) => {
  function signed(length: number): Uint8Array {
    const bytes = new Uint8Array(256)
    const writer = new MessageWriter().begin(bytes, 0, stun.CLASS_REQUEST, stun.METHOD_ALLOCATE, new Uint8Array(12), 0)
    writer.writeMessageIntegrity(KEY).writeMessageIntegritySha256(KEY, length).writeFingerprint()
    return bytes.slice(0, writer.finish())
  }

  t.test('every byte of a value counts', async (t) => {
    const bytes = signed(32)
    const view = decoded(bytes)
    const unnoticed: number[] = []
    for (let at = view.messageIntegrityStart + 4; at < view.fingerprintStart; at++) {
      bytes[at] ^= 1
      const inSha1 = at < view.messageIntegritySha256Start
      const changed = decodeMessage(view, bytes, 0, bytes.length) === DECODE_OK
      const stillValid = inSha1 ? isMessageIntegrityValid(view, KEY) : isMessageIntegritySha256Valid(view, KEY)
      if (changed && stillValid) unnoticed.push(at)
      bytes[at] ^= 1
    }
    t.same(unnoticed, [])
    t.equal(isFingerprintValid(decoded(bytes)), true)
  })

  t.test('a long MESSAGE-INTEGRITY-SHA256 cut to 16 bytes on the way is not valid (RFC 8489 §14.6)', async (t) => {
    const whole = signed(32)
    const start = decoded(whole).messageIntegritySha256Start
    const bytes = whole.slice(0, start + 4 + 16)
    bytes[start + 3] = 16
    bytes[3] = bytes.length - 20
    const view = decoded(bytes)
    t.equal(view.messageIntegritySha256Length, 16)
    t.equal(isMessageIntegritySha256Valid(view, KEY), false)
  })

  t.test('a message without the attribute is not valid', async (t) => {
    const view = decoded(messageBytes(0, ''))
    t.equal(isMessageIntegrityValid(view, KEY), false)
    t.equal(isMessageIntegritySha256Valid(view, KEY), false)
    t.equal(isFingerprintValid(view), false)
  })

  t.test('an empty key is a key', async (t) => {
    const bytes = new Uint8Array(64)
    const empty = new Uint8Array(0)
    const writer = new MessageWriter().begin(bytes, 0, stun.CLASS_REQUEST, stun.METHOD_BINDING, new Uint8Array(12), 0)
    const view = decoded(bytes.subarray(0, writer.writeMessageIntegrity(empty).finish()))
    t.equal(isMessageIntegrityValid(view, empty), true)
    t.equal(isMessageIntegrityValid(view, KEY), false)
  })
})

t.test('fingerprint', async (t) => {
  t.test('is the CRC-32 of the message so far, xor 0x5354554E, unsigned (RFC 8489 §14.7)', async (t) => {
    // CRC-32 of "123456789" is 0xCBF43926 in every description of it.
    t.equal(fingerprint(Buffer.from('xx123456789xx'), 2, 11), (0xcbf43926 ^ 0x5354554e) >>> 0)
    t.equal(fingerprint(SAMPLE_REQUEST.bytes, 0, 100), 0xe57a3bcf)
  })
})
