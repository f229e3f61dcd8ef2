import fc from 'fast-check'
import t from 'tap'
import { hostAddress, TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { bytesOfHex } from '../support/vectors.js'

const ID = bytesOfHex('000102030405060708090a0b')
const DIRT = 0xee

/** A writer over a buffer full of dirt, so that whatever it forgets to write shows. */
function begin(
  messageClass: number = stun.CLASS_REQUEST,
  method: number = stun.METHOD_BINDING,
  start = 0,
): MessageWriter {
  return new MessageWriter().begin(new Uint8Array(2048).fill(DIRT), start, messageClass, method, ID, 0)
}

/** The attributes written so far, as hex. */
function attributes(writer: MessageWriter): string {
  return Buffer.from(writer.bytes.subarray(writer.start + 20, writer.finish())).toString('hex')
}

function decoded(writer: MessageWriter): MessageView {
  const view = new MessageView()
  const result = decodeMessage(view, writer.bytes, writer.start, writer.finish())
  if (result !== DECODE_OK) throw new Error(`does not decode: ${result}`)
  return view
}

function address(host: string, port: number): TransportAddress {
  return hostAddress(host, port) as TransportAddress
}

function hex(spaced: string): string {
  return spaced.replace(/ /g, '')
}

t.test('MessageWriter, header', async (t) => {
  t.test('writes type, length 0, cookie and transaction id (RFC 8489 §5)', async (t) => {
    const writer = begin(stun.CLASS_ERROR, stun.METHOD_CHANNEL_BIND)
    t.equal(writer.finish(), 20)
    t.equal(
      Buffer.from(writer.bytes.subarray(0, 20)).toString('hex'),
      hex('0119 0000 2112a442 000102030405060708090a0b'),
    )
    t.equal(writer.bytes[20], DIRT)
  })

  t.test('takes the transaction id from inside another message, and starts anywhere', async (t) => {
    const request = bytesOfHex('ffff 000102030405060708090a0b ffff')
    const bytes = new Uint8Array(64).fill(DIRT)
    const writer = new MessageWriter().begin(bytes, 9, stun.CLASS_REQUEST, stun.METHOD_ALLOCATE, request, 2)
    t.equal(writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT).finish(), 33)
    t.same(bytes.subarray(17, 29), ID)
    t.same(new Set([...bytes.subarray(0, 9), ...bytes.subarray(33)]), new Set([DIRT]))
  })

  t.test('writes every class and method so that they are read back', async (t) => {
    const view = new MessageView()
    const bytes = new Uint8Array(20)
    const writer = new MessageWriter()
    const wrong: string[] = []
    for (let method = 0; method <= 0xfff; method++) {
      for (let messageClass = 0; messageClass <= 3; messageClass++) {
        writer.begin(bytes, 0, messageClass, method, ID, 0)
        const result = decodeMessage(view, bytes, 0, 20)
        if (result !== DECODE_OK || view.method !== method || view.messageClass !== messageClass) {
          wrong.push(`${messageClass} ${method}`)
        }
      }
    }
    t.same(wrong, [])
  })

  t.test('keeps the length right after every attribute', async (t) => {
    const writer = begin()
    const lengths: number[] = []
    for (const textLength of [0, 1, 4, 5]) {
      writer.writeText(stun.ATTRIBUTE_USERNAME, 'x'.repeat(textLength))
      lengths.push((writer.bytes[2] << 8) | writer.bytes[3])
    }
    t.same(lengths, [4, 12, 20, 32])
  })
})

t.test('MessageWriter, values', async (t) => {
  t.test('pads with zeros, and does not count padding in the length (RFC 8489 §14)', async (t) => {
    t.equal(attributes(begin().writeText(0x0006, 'a')), hex('0006 0001 61 000000'))
    t.equal(attributes(begin().writeText(0x0006, 'ab')), hex('0006 0002 6162 0000'))
    t.equal(attributes(begin().writeText(0x0006, 'abc')), hex('0006 0003 616263 00'))
    t.equal(attributes(begin().writeText(0x0006, 'abcd')), hex('0006 0004 61626364'))
    t.equal(attributes(begin().writeText(0x0006, '')), hex('0006 0000'))
  })

  t.test('writes text as UTF-8', async (t) => {
    t.equal(attributes(begin().writeText(0x0014, 'é😀')), hex('0014 0006 c3a9f09f9880 0000'))
  })

  t.test('writes a part of a source, short or long', async (t) => {
    const source = Uint8Array.from({ length: 300 }, (_, index) => index)
    for (const [start, end] of [
      [3, 5],
      [0, 64],
      [1, 66],
      [10, 299],
    ] as const) {
      const view = decoded(begin().writeBytes(stun.ATTRIBUTE_DATA, source, start, end))
      t.same(view.readBytes(0), source.subarray(start, end))
    }
  })

  t.test('writes numbers of 1, 2 and 4 bytes in network order', async (t) => {
    t.equal(attributes(begin().writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)), hex('0018 0001 80 000000'))
    t.equal(attributes(begin().writeUint16(stun.ATTRIBUTE_RESPONSE_PORT, 0xfedc)), hex('0027 0002 fedc 0000'))
    t.equal(attributes(begin().writeUint32(stun.ATTRIBUTE_LIFETIME, 0xfedcba98)), hex('000d 0004 fedcba98'))
    t.equal(attributes(begin().writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT)), hex('001a 0000'))
  })

  t.test('writes MAPPED-ADDRESS and XOR-MAPPED-ADDRESS (RFC 8489 §14.1, §14.2)', async (t) => {
    const ipv4 = address('192.0.2.1', 4660)
    const ipv6 = address('2001:db8::1', 4660)
    t.equal(attributes(begin().writeAddress(0x0001, ipv4)), hex('0001 0008 0001 1234 c0000201'))
    t.equal(attributes(begin().writeAddress(0x0001, ipv6)), hex('0001 0014 0002 1234 20010db8000000000000000000000001'))
    t.equal(attributes(begin().writeXorAddress(0x0020, ipv4)), hex('0020 0008 0001 3326 e112a643'))
    t.equal(
      attributes(begin().writeXorAddress(0x0020, ipv6)),
      hex('0020 0014 0002 3326 0113a9fa 00010203 04050607 08090a0a'),
    )
  })

  t.test('writes ERROR-CODE with and without a reason (RFC 8489 §14.8)', async (t) => {
    t.equal(attributes(begin().writeErrorCode(401)), hex('0009 0004 00000401'))
    t.equal(attributes(begin().writeErrorCode(508, 'no')), hex('0009 0006 00000508 6e6f 0000'))
    t.equal(attributes(begin().writeErrorCode(699)), hex('0009 0004 00000663'))
  })

  t.test('writes UNKNOWN-ATTRIBUTES of an odd and an even number of types (RFC 8489 §14.13)', async (t) => {
    t.equal(attributes(begin().writeUnknownAttributes([0x7ffe])), hex('000a 0002 7ffe 0000'))
    t.equal(attributes(begin().writeUnknownAttributes([0x7ffe, 0x0002])), hex('000a 0004 7ffe 0002'))
  })

  t.test('writes an address family with three reserved bytes (RFC 8656 §18.6, §18.11)', async (t) => {
    t.equal(attributes(begin().writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 4)), hex('0017 0004 01000000'))
    t.equal(attributes(begin().writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)), hex('8000 0004 02000000'))
  })

  t.test('writes ADDRESS-ERROR-CODE (RFC 8656 §18.12)', async (t) => {
    t.equal(attributes(begin().writeAddressErrorCode(6, 440)), hex('8001 0004 02 00 04 28'))
    t.equal(attributes(begin().writeAddressErrorCode(4, 508, 'x')), hex('8001 0005 01 00 05 08 78 000000'))
  })

  t.test('writes PASSWORD-ALGORITHMS without parameters (RFC 8489 §14.11)', async (t) => {
    const algorithms = [stun.PASSWORD_ALGORITHM_SHA256, stun.PASSWORD_ALGORITHM_MD5]
    t.equal(attributes(begin().writePasswordAlgorithms(algorithms)), hex('8002 0008 00020000 00010000'))
  })

  t.test('writes ICMP with 7 bits of type and 9 of code (RFC 8656 §18.13)', async (t) => {
    t.equal(attributes(begin().writeIcmp(3, 4, 1400)), hex('8004 0008 0000 0604 00000578'))
    t.equal(attributes(begin().writeIcmp(127, 511, 0xffffffff)), hex('8004 0008 0000 ffff ffffffff'))
    t.equal(attributes(begin().writeIcmp(128, 512, 0)), hex('8004 0008 0000 0000 00000000'))
  })

  t.test('lets the caller fill in a value, or leave what is there', async (t) => {
    const writer = begin()
    const at = writer.writeAttributeHeader(stun.ATTRIBUTE_DATA, 3)
    t.equal(at, 24)
    t.equal(attributes(writer), hex('0013 0003 eeeeee 00'))
  })
})

t.test('MessageWriter, integrity', async (t) => {
  const key = bytesOfHex('0123456789abcdef0123456789abcdef')

  t.test('MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT together are each right', async (t) => {
    const view = decoded(
      begin(stun.CLASS_SUCCESS, stun.METHOD_ALLOCATE, 13)
        .writeUint32(stun.ATTRIBUTE_LIFETIME, 600)
        .writeMessageIntegrity(key)
        .writeMessageIntegritySha256(key)
        .writeFingerprint(),
    )
    t.equal(isMessageIntegrityValid(view, key), true)
    t.equal(isMessageIntegritySha256Valid(view, key), true)
    t.equal(isFingerprintValid(view), true)
  })

  t.test('MESSAGE-INTEGRITY-SHA256 truncated to 16–28 bytes is right (RFC 8489 §14.6)', async (t) => {
    for (const length of [16, 20, 24, 28]) {
      const view = decoded(begin().writeMessageIntegritySha256(key, length).writeFingerprint())
      t.equal(view.messageIntegritySha256Length, length)
      t.equal(isMessageIntegritySha256Valid(view, key), true)
    }
  })
})

t.test('MessageWriter, room', async (t) => {
  t.test('fills its buffer to the last byte, and throws before it writes past it', async (t) => {
    const writer = new MessageWriter().begin(new Uint8Array(28), 0, stun.CLASS_REQUEST, stun.METHOD_BINDING, ID, 0)
    t.throws(() => writer.writeText(stun.ATTRIBUTE_USERNAME, 'abcde'), RangeError)
    t.equal(writer.finish(), 20)
    t.equal(writer.writeText(stun.ATTRIBUTE_USERNAME, 'abcd').finish(), 28)
    t.throws(() => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT), RangeError)
  })

  t.test('throws when not even the header fits', async (t) => {
    const begin = (length: number) => () => new MessageWriter().begin(new Uint8Array(length), 1, 0, 1, ID, 0)
    t.throws(begin(20), RangeError)
    t.doesNotThrow(begin(21))
  })

  t.test('throws when the header could not tell the length', async (t) => {
    const bytes = new Uint8Array(70_000)
    const writer = new MessageWriter().begin(bytes, 0, stun.CLASS_INDICATION, stun.METHOD_DATA, ID, 0)
    t.throws(() => writer.writeBytes(stun.ATTRIBUTE_DATA, new Uint8Array(0xfff9)), RangeError)
    t.equal(writer.writeBytes(stun.ATTRIBUTE_DATA, new Uint8Array(0xfff8)).finish(), 20 + 0xfffc)
  })
})

t.test('encode and decode', async (t) => {
  const arbitraryAddress = fc
    .record({
      isIPv6: fc.boolean(),
      words: fc.array(fc.integer(), { minLength: 4, maxLength: 4 }),
      port: fc.integer({ min: 0, max: 65535 }),
    })
    .map(({ isIPv6, words, port }) => {
      const into = new TransportAddress()
      return isIPv6 ? into.setIPv6(words[0], words[1], words[2], words[3], port) : into.setIPv4(words[0], port)
    })
  const arbitraryId = fc.uint8Array({ minLength: 12, maxLength: 12 })

  t.test('any address comes back from both address forms, with any transaction id', async (t) => {
    const bytes = new Uint8Array(256)
    const writer = new MessageWriter()
    const view = new MessageView()
    fc.assert(
      fc.property(arbitraryAddress, arbitraryId, (expected, id) => {
        writer.begin(bytes, 3, stun.CLASS_SUCCESS, stun.METHOD_BINDING, id, 0)
        writer.writeXorAddress(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS, expected)
        writer.writeAddress(stun.ATTRIBUTE_MAPPED_ADDRESS, expected)
        if (decodeMessage(view, bytes, 3, writer.finish()) !== DECODE_OK) return false
        const xored = new TransportAddress()
        const plain = new TransportAddress()
        if (!view.readXorAddress(0, xored) || !view.readAddress(1, plain)) return false
        // A XOR form that skips its XOR would still read back, were the reader to skip it too.
        const differs = Buffer.compare(view.readBytes(0), view.readBytes(1)) !== 0
        return xored.equals(expected) && plain.equals(expected) && differs
      }),
      { numRuns: 1000 },
    )
    t.pass()
  })

  t.test('any list of attributes comes back in order, with integrity and fingerprint', async (t) => {
    const bytes = new Uint8Array(8192)
    const writer = new MessageWriter()
    const view = new MessageView()
    const arbitraryType = fc
      .integer({ min: 0, max: 0xffff })
      .filter((type) => type !== 0x0008 && type !== 0x001c && type !== 0x8028)
    const arbitraryAttributes = fc.array(fc.tuple(arbitraryType, fc.uint8Array({ maxLength: 80 })), { maxLength: 40 })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 0xfff }),
        arbitraryId,
        arbitraryAttributes,
        fc.uint8Array({ maxLength: 80 }),
        (messageClass, method, id, list, key) => {
          writer.begin(bytes, 0, messageClass, method, id, 0)
          for (const [type, value] of list) writer.writeBytes(type, value)
          writer.writeMessageIntegrity(key).writeMessageIntegritySha256(key).writeFingerprint()
          if (decodeMessage(view, bytes, 0, writer.finish()) !== DECODE_OK) return false
          if (view.messageClass !== messageClass || view.method !== method) return false
          if (view.attributeCount !== list.length) return false
          for (const [index, [type, value]] of list.entries()) {
            if (view.attributeTypes[index] !== type || Buffer.compare(view.readBytes(index), value) !== 0) return false
          }
          return (
            isMessageIntegrityValid(view, key) && isMessageIntegritySha256Valid(view, key) && isFingerprintValid(view)
          )
        },
      ),
      { numRuns: 500 },
    )
    t.pass()
  })

  t.test('any error code and any text come back', async (t) => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 699 }), fc.string({ unit: 'grapheme', maxLength: 100 }), (code, text) => {
        const view = decoded(begin().writeErrorCode(code, text).writeText(stun.ATTRIBUTE_USERNAME, text))
        return view.readErrorCode(0) === code && view.readText(1) === text
      }),
    )
    t.pass()
  })
})
