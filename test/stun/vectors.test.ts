import { createHash } from 'node:crypto'
import t from 'tap'
import { hostAddress, TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { LONG_TERM_MD5_KEY, LONG_TERM_SHA256_KEY, SHORT_TERM_KEY } from '../support/vector-keys.js'
import {
  bytesOfHex,
  LONG_TERM_REALM,
  LONG_TERM_USERNAME,
  SAMPLE_IPV4_RESPONSE,
  SAMPLE_IPV6_RESPONSE,
  SAMPLE_LONG_TERM_REQUEST,
  SAMPLE_REQUEST,
  SAMPLE_SHA256_REQUEST,
  SHORT_TERM_USERNAME,
  VECTORS,
  type Vector,
} from '../support/vectors.js'

const SHORT_TERM_ID = bytesOfHex('b7e7a701bc34d686fa87dfae')
const LONG_TERM_ID = bytesOfHex('78ad3433c6ad72c029da412e')
const USERHASH = createHash('sha256').update(`${LONG_TERM_USERNAME}:${LONG_TERM_REALM}`).digest()
const SPACE = 0x20

function decode(sample: Vector): MessageView {
  const view = new MessageView()
  const result = decodeMessage(view, sample.bytes, 0, sample.bytes.length)
  if (result !== DECODE_OK) throw new Error(`${sample.name} does not decode: ${result}`)
  return view
}

function text(view: MessageView, type: number): string {
  return view.readText(view.find(type))
}

function types(view: MessageView): number[] {
  return [...view.attributeTypes.subarray(0, view.attributeCount)]
}

function begin(messageClass: number, id: Uint8Array): MessageWriter {
  return new MessageWriter().begin(new Uint8Array(512), 0, messageClass, stun.METHOD_BINDING, id, 0)
}

/** The writer pads with zeros; RFC 5769's samples pad with spaces, and integrity covers padding. */
function padWithSpaces(writer: MessageWriter, count: number): MessageWriter {
  writer.bytes.fill(SPACE, writer.end - count, writer.end)
  return writer
}

function written(writer: MessageWriter): string {
  return Buffer.from(writer.bytes.subarray(0, writer.finish())).toString('hex')
}

function hex(sample: Vector): string {
  return Buffer.from(sample.bytes).toString('hex')
}

t.test('sample messages decode', async (t) => {
  t.test('2.1: request with SOFTWARE, PRIORITY, ICE-CONTROLLED and USERNAME (RFC 5769 §2.1)', async (t) => {
    const view = decode(SAMPLE_REQUEST)
    t.equal(view.messageClass, stun.CLASS_REQUEST)
    t.equal(view.method, stun.METHOD_BINDING)
    t.same(view.bytes.subarray(view.transactionIdStart, view.transactionIdStart + 12), SHORT_TERM_ID)
    t.same(types(view), [
      stun.ATTRIBUTE_SOFTWARE,
      stun.ATTRIBUTE_PRIORITY,
      stun.ATTRIBUTE_ICE_CONTROLLED,
      stun.ATTRIBUTE_USERNAME,
    ])
    t.equal(text(view, stun.ATTRIBUTE_SOFTWARE), 'STUN test client')
    t.equal(view.readUint32(view.find(stun.ATTRIBUTE_PRIORITY)), 0x6e0001ff)
    t.same(Buffer.from(view.readBytes(view.find(stun.ATTRIBUTE_ICE_CONTROLLED))).toString('hex'), '932ff9b151263b36')
    t.equal(text(view, stun.ATTRIBUTE_USERNAME), SHORT_TERM_USERNAME)
    t.equal(isMessageIntegrityValid(view, SHORT_TERM_KEY), true)
    t.equal(isFingerprintValid(view), true)
  })

  for (const [sample, address] of [
    [SAMPLE_IPV4_RESPONSE, '192.0.2.1:32853'],
    [SAMPLE_IPV6_RESPONSE, '[2001:db8:1234:5678:11:2233:4455:6677]:32853'],
  ] as const) {
    t.test(`${sample.name}: SOFTWARE and XOR-MAPPED-ADDRESS ${address}`, async (t) => {
      const view = decode(sample)
      t.equal(view.messageClass, stun.CLASS_SUCCESS)
      t.equal(view.method, stun.METHOD_BINDING)
      t.same(types(view), [stun.ATTRIBUTE_SOFTWARE, stun.ATTRIBUTE_XOR_MAPPED_ADDRESS])
      t.equal(text(view, stun.ATTRIBUTE_SOFTWARE), 'test vector')
      const mapped = new TransportAddress()
      t.equal(view.readXorAddress(view.find(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), mapped), true)
      t.equal(mapped.toString(), address)
      t.equal(isMessageIntegrityValid(view, SHORT_TERM_KEY), true)
      t.equal(isFingerprintValid(view), true)
    })
  }

  t.test('2.4: request with long-term authentication (RFC 5769 §2.4)', async (t) => {
    const view = decode(SAMPLE_LONG_TERM_REQUEST)
    t.same(types(view), [stun.ATTRIBUTE_USERNAME, stun.ATTRIBUTE_NONCE, stun.ATTRIBUTE_REALM])
    t.equal(text(view, stun.ATTRIBUTE_USERNAME), LONG_TERM_USERNAME)
    t.equal(text(view, stun.ATTRIBUTE_NONCE), 'f//499k954d6OL34oL9FSTvy64sA')
    t.equal(text(view, stun.ATTRIBUTE_REALM), LONG_TERM_REALM)
    t.equal(isMessageIntegrityValid(view, LONG_TERM_MD5_KEY), true)
    t.equal(view.fingerprintStart, -1)
    t.equal(isFingerprintValid(view), false, 'there is none')
  })

  t.test('B.1: request with USERHASH and MESSAGE-INTEGRITY-SHA256 (RFC 8489 B.1, erratum 6268)', async (t) => {
    const view = decode(SAMPLE_SHA256_REQUEST)
    t.equal(view.end - view.start - stun.HEADER_LENGTH, 0x0090)
    t.same(types(view), [
      stun.ATTRIBUTE_USERHASH,
      stun.ATTRIBUTE_NONCE,
      stun.ATTRIBUTE_REALM,
      stun.ATTRIBUTE_PASSWORD_ALGORITHM,
    ])
    t.same(Buffer.from(view.readBytes(view.find(stun.ATTRIBUTE_USERHASH))), USERHASH)
    t.equal(text(view, stun.ATTRIBUTE_NONCE), 'obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA')
    t.equal(text(view, stun.ATTRIBUTE_REALM), LONG_TERM_REALM)
    const algorithm = view.find(stun.ATTRIBUTE_PASSWORD_ALGORITHM)
    t.equal(view.readUint16(algorithm), stun.PASSWORD_ALGORITHM_SHA256)
    t.equal(view.readUint16(algorithm, 2), 0)
    t.equal(view.messageIntegritySha256Length, 32)
    t.equal(isMessageIntegritySha256Valid(view, LONG_TERM_SHA256_KEY), true)
    t.equal(isMessageIntegrityValid(view, LONG_TERM_SHA256_KEY), false, 'there is none')
  })

  t.test('another key verifies none of them', async (t) => {
    const wrong = Buffer.from('VOkJxbRl1RmTxUk/WvJxBT')
    for (const sample of VECTORS) {
      const view = decode(sample)
      t.equal(isMessageIntegrityValid(view, wrong), false, sample.name)
      t.equal(isMessageIntegritySha256Valid(view, wrong), false, sample.name)
    }
  })

  t.test('anywhere in a larger buffer', async (t) => {
    const buffer = new Uint8Array(300).fill(0xa5)
    buffer.set(SAMPLE_REQUEST.bytes, 77)
    const view = new MessageView()
    const end = 77 + SAMPLE_REQUEST.bytes.length
    t.equal(decodeMessage(view, buffer, 77, end), DECODE_OK)
    t.equal(text(view, stun.ATTRIBUTE_USERNAME), SHORT_TERM_USERNAME)
    t.equal(isMessageIntegrityValid(view, SHORT_TERM_KEY), true)
    t.equal(isFingerprintValid(view), true)
  })
})

t.test('sample messages encode byte for byte', async (t) => {
  t.test('2.1 (RFC 5769 §2.1)', async (t) => {
    const writer = begin(stun.CLASS_REQUEST, SHORT_TERM_ID)
      .writeText(stun.ATTRIBUTE_SOFTWARE, 'STUN test client')
      .writeUint32(stun.ATTRIBUTE_PRIORITY, 0x6e0001ff)
      .writeBytes(stun.ATTRIBUTE_ICE_CONTROLLED, bytesOfHex('932ff9b151263b36'))
      .writeText(stun.ATTRIBUTE_USERNAME, SHORT_TERM_USERNAME)
    padWithSpaces(writer, 3).writeMessageIntegrity(SHORT_TERM_KEY).writeFingerprint()
    t.equal(written(writer), hex(SAMPLE_REQUEST))
  })

  for (const [sample, host] of [
    [SAMPLE_IPV4_RESPONSE, '192.0.2.1'],
    [SAMPLE_IPV6_RESPONSE, '2001:db8:1234:5678:11:2233:4455:6677'],
  ] as const) {
    t.test(sample.name, async (t) => {
      const address = hostAddress(host, 32853) as TransportAddress
      const writer = begin(stun.CLASS_SUCCESS, SHORT_TERM_ID).writeText(stun.ATTRIBUTE_SOFTWARE, 'test vector')
      padWithSpaces(writer, 1)
        .writeXorAddress(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS, address)
        .writeMessageIntegrity(SHORT_TERM_KEY)
        .writeFingerprint()
      t.equal(written(writer), hex(sample))
    })
  }

  t.test('2.4 (RFC 5769 §2.4)', async (t) => {
    const writer = begin(stun.CLASS_REQUEST, LONG_TERM_ID)
      .writeText(stun.ATTRIBUTE_USERNAME, LONG_TERM_USERNAME)
      .writeText(stun.ATTRIBUTE_NONCE, 'f//499k954d6OL34oL9FSTvy64sA')
      .writeText(stun.ATTRIBUTE_REALM, LONG_TERM_REALM)
      .writeMessageIntegrity(LONG_TERM_MD5_KEY)
    t.equal(written(writer), hex(SAMPLE_LONG_TERM_REQUEST))
  })

  t.test('B.1 (RFC 8489 B.1, erratum 6268)', async (t) => {
    const writer = begin(stun.CLASS_REQUEST, LONG_TERM_ID)
      .writeBytes(stun.ATTRIBUTE_USERHASH, USERHASH)
      .writeText(stun.ATTRIBUTE_NONCE, 'obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA')
      .writeText(stun.ATTRIBUTE_REALM, LONG_TERM_REALM)
      .writeUint32(stun.ATTRIBUTE_PASSWORD_ALGORITHM, stun.PASSWORD_ALGORITHM_SHA256 << 16)
      .writeMessageIntegritySha256(LONG_TERM_SHA256_KEY)
    t.equal(written(writer), hex(SAMPLE_SHA256_REQUEST))
  })
})
