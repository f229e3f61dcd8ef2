import fc from 'fast-check'
import t from 'tap'
import { ATTRIBUTE_COUNT_MAX } from '../../src/limits/messages.js'
import { TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import {
  DECODE_AFTER_FINGERPRINT,
  DECODE_BAD_ATTRIBUTE,
  DECODE_BAD_INTEGRITY_LENGTH,
  DECODE_BAD_LENGTH,
  DECODE_NOT_STUN,
  DECODE_OK,
  DECODE_TOO_MANY_ATTRIBUTES,
  DECODE_TOO_SHORT,
  decodeMessage,
  MessageView,
} from '../../src/stun/message.js'
import { bytesOfHex } from '../support/vectors.js'

const ID = '000102030405060708090a0b'

/** A message of the given type and attributes (hex), with the right length. */
function message(attributes = '', type = '0001'): Uint8Array {
  const body = bytesOfHex(attributes)
  const bytes = bytesOfHex(`${type} 0000 2112a442 ${ID} ${attributes}`)
  bytes[2] = body.length >> 8
  bytes[3] = body.length
  return bytes
}

function decode(bytes: Uint8Array, view = new MessageView()): number {
  return decodeMessage(view, bytes, 0, bytes.length)
}

function decoded(bytes: Uint8Array): MessageView {
  const view = new MessageView()
  const result = decode(bytes, view)
  if (result !== DECODE_OK) throw new Error(`does not decode: ${result}`)
  return view
}

function tableOf(view: MessageView): number[] {
  return [...view.attributeTypes.subarray(0, view.attributeCount)]
}

t.test('decodeMessage, header', async (t) => {
  t.test('accepts 20 bytes and refuses 19 (RFC 8489 §5)', async (t) => {
    t.equal(decode(message()), DECODE_OK)
    t.equal(decode(message().slice(0, 19)), DECODE_TOO_SHORT)
    t.equal(decode(new Uint8Array(0)), DECODE_TOO_SHORT)
  })

  t.test('refuses a first byte of 0x40 and above, accepts 0x3F (RFC 8489 §5)', async (t) => {
    t.equal(decode(message('', '3fff')), DECODE_OK)
    for (const type of ['4000', '8000', 'c000', 'ffff']) t.equal(decode(message('', type)), DECODE_NOT_STUN, type)
  })

  t.test('refuses a magic cookie that differs in any bit (RFC 8489 §5)', async (t) => {
    for (let bit = 0; bit < 32; bit++) {
      const bytes = message()
      bytes[4 + (bit >> 3)] ^= 1 << (bit & 7)
      t.equal(decode(bytes), DECODE_NOT_STUN)
    }
  })

  t.test('refuses a length that is not a multiple of 4, even if that many bytes are there (RFC 8489 §5)', async (t) => {
    for (const extra of [1, 2, 3]) {
      const bytes = new Uint8Array(20 + extra)
      bytes.set(message())
      bytes[3] = extra
      t.equal(decode(bytes), DECODE_BAD_LENGTH)
    }
  })

  t.test('refuses a length that is 4 more or 4 less than what arrived', async (t) => {
    const bytes = message('8022 0000')
    bytes[3] = 8
    t.equal(decode(bytes), DECODE_BAD_LENGTH)
    bytes[3] = 0
    t.equal(decode(bytes), DECODE_BAD_LENGTH)
    bytes[3] = 4
    t.equal(decode(bytes), DECODE_OK)
  })

  t.test('splits each of the 16,384 message types into class and method (RFC 8489 §5, figure 3)', async (t) => {
    const view = new MessageView()
    const bytes = message()
    const seen = new Set<number>()
    for (let type = 0; type <= 0x3fff; type++) {
      bytes[0] = type >> 8
      bytes[1] = type
      decode(bytes, view)
      const bits = type.toString(2).padStart(14, '0')
      const messageClass = Number.parseInt(bits[5] + bits[9], 2)
      const method = Number.parseInt(bits.slice(0, 5) + bits.slice(6, 9) + bits.slice(10), 2)
      if (view.messageClass === messageClass && view.method === method) seen.add(messageClass * 0x1000 + method)
    }
    t.equal(seen.size, 0x4000)
  })

  for (const [type, messageClass, method] of [
    ['0003', stun.CLASS_REQUEST, stun.METHOD_ALLOCATE],
    ['0103', stun.CLASS_SUCCESS, stun.METHOD_ALLOCATE],
    ['0113', stun.CLASS_ERROR, stun.METHOD_ALLOCATE],
    ['0016', stun.CLASS_INDICATION, stun.METHOD_SEND],
    ['0017', stun.CLASS_INDICATION, stun.METHOD_DATA],
  ] as const) {
    t.test(`reads type 0x${type} as RFC 8656 §17 writes it`, async (t) => {
      const view = decoded(message('', type))
      t.equal(view.messageClass, messageClass)
      t.equal(view.method, method)
    })
  }

  t.test('leaves no attribute of an earlier message in the view when it refuses one', async (t) => {
    const view = new MessageView()
    decode(message('0006 0004 61616161 8028 0004 00000000'), view)
    t.equal(view.attributeCount, 1)
    t.equal(decode(message('0006 0004 61616161 0006 0005 6161 6161'), view), DECODE_BAD_ATTRIBUTE)
    t.equal(view.attributeCount, 0)
    t.equal(view.fingerprintStart, -1)
    t.equal(view.find(stun.ATTRIBUTE_USERNAME), -1)
  })

  t.test('leaves no integrity of an earlier message in the view', async (t) => {
    const view = new MessageView()
    decode(message(attribute('0008', 20) + attribute('001c', 32) + attribute('8028', 4)), view)
    t.equal(view.messageIntegritySha256Length, 32)
    decode(message(), view)
    t.same([view.messageIntegrityStart, view.messageIntegritySha256Start, view.fingerprintStart], [-1, -1, -1])
    t.equal(view.messageIntegritySha256Length, 0)
  })
})

t.test('decodeMessage, attributes', async (t) => {
  t.test('gives types, absolute starts and lengths without padding (RFC 8489 §14)', async (t) => {
    const view = new MessageView()
    const bytes = new Uint8Array(7 + 44)
    bytes.set(message('0006 0005 6162636465 ffffff 8022 0000 c001 0001 77 000000'), 7)
    t.equal(decodeMessage(view, bytes, 7, 7 + 44), DECODE_OK)
    t.equal(view.attributeCount, 3)
    t.same([...view.attributeTypes.subarray(0, 3)], [0x0006, 0x8022, 0xc001])
    t.same([...view.attributeStarts.subarray(0, 3)], [31, 43, 47])
    t.same([...view.attributeLengths.subarray(0, 3)], [5, 0, 1])
  })

  t.test('refuses an attribute whose value or padding runs past the end, accepts one that ends there', async (t) => {
    t.equal(decode(message('0006 0004 61616161')), DECODE_OK)
    t.equal(decode(message('0006 0005 61616161')), DECODE_BAD_ATTRIBUTE)
    t.equal(decode(message('0006 0003 61616100')), DECODE_OK)
    t.equal(decode(message('0006 ffff 61616161')), DECODE_BAD_ATTRIBUTE)
    t.equal(decode(message('0006 fffd 61616161')), DECODE_BAD_ATTRIBUTE)
    t.equal(decode(message('0006 0001')), DECODE_BAD_ATTRIBUTE)
  })

  t.test(`accepts ${ATTRIBUTE_COUNT_MAX} attributes and refuses one more`, async (t) => {
    const view = new MessageView()
    t.equal(decode(message('80220000'.repeat(ATTRIBUTE_COUNT_MAX)), view), DECODE_OK)
    t.equal(view.attributeCount, ATTRIBUTE_COUNT_MAX)
    t.equal(decode(message('80220000'.repeat(ATTRIBUTE_COUNT_MAX + 1)), view), DECODE_TOO_MANY_ATTRIBUTES)
    t.equal(view.attributeCount, 0)
  })

  t.test('decodes the longest message that a header can tell', async (t) => {
    const view = decoded(message(`0013 fff8 ${'ab'.repeat(0xfff8)}`))
    t.equal(view.end, 20 + 0xfffc)
    t.equal(view.readBytes(0).length, 0xfff8)
  })
})

t.test('decodeMessage, integrity and fingerprint', async (t) => {
  const integrity = `0008 0014 ${'11'.repeat(20)}`
  const sha256 = `001c 0020 ${'22'.repeat(32)}`
  const fingerprint = '8028 0004 33333333'
  const username = '0006 0004 61616161'
  const realm = '0014 0004 62626262'

  t.test('notes where they start, and keeps them out of the table', async (t) => {
    const view = decoded(message(username + integrity + sha256 + fingerprint))
    t.same(tableOf(view), [stun.ATTRIBUTE_USERNAME])
    t.equal(view.messageIntegrityStart, 28)
    t.equal(view.messageIntegritySha256Start, 52)
    t.equal(view.messageIntegritySha256Length, 32)
    t.equal(view.fingerprintStart, 88)
  })

  t.test('says −1 where there are none', async (t) => {
    const view = decoded(message(username))
    t.equal(view.messageIntegrityStart, -1)
    t.equal(view.messageIntegritySha256Start, -1)
    t.equal(view.messageIntegritySha256Length, 0)
    t.equal(view.fingerprintStart, -1)
  })

  t.test('ignores other attributes after MESSAGE-INTEGRITY (RFC 8489 §14.5)', async (t) => {
    const view = decoded(message(username + integrity + realm + sha256 + realm + fingerprint))
    t.same(tableOf(view), [stun.ATTRIBUTE_USERNAME])
    t.equal(view.has(stun.ATTRIBUTE_REALM), false)
    t.equal(view.messageIntegritySha256Start, 60)
    t.equal(view.fingerprintStart, 104)
  })

  t.test('ignores all but FINGERPRINT after MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6)', async (t) => {
    const view = decoded(message(username + sha256 + realm + integrity + fingerprint))
    t.same(tableOf(view), [stun.ATTRIBUTE_USERNAME])
    t.equal(view.messageIntegritySha256Start, 28)
    t.equal(view.messageIntegrityStart, -1)
    t.equal(view.fingerprintStart, 28 + 36 + 8 + 24)
  })

  t.test('refuses a malformed attribute among the ignored ones too', async (t) => {
    t.equal(decode(message(`${integrity} 0014 0005 62626262`)), DECODE_BAD_ATTRIBUTE)
  })

  t.test('ignored attributes do not count against the maximum', async (t) => {
    t.equal(decode(message(integrity + '80220000'.repeat(ATTRIBUTE_COUNT_MAX + 1))), DECODE_OK)
  })

  t.test('of a duplicated one the first counts (RFC 8489 §14)', async (t) => {
    const view = decoded(message(username + integrity + integrity + sha256 + sha256))
    t.equal(view.messageIntegrityStart, 28)
    t.equal(view.messageIntegritySha256Start, 28 + 24 + 24)
  })

  t.test('refuses anything after FINGERPRINT (RFC 8489 §14.7)', async (t) => {
    for (const after of [username, integrity, sha256, fingerprint, '8022 0000']) {
      t.equal(decode(message(fingerprint + after)), DECODE_AFTER_FINGERPRINT, after)
    }
  })

  t.test('MESSAGE-INTEGRITY has 20 bytes (RFC 8489 §14.5)', async (t) => {
    for (const length of [0, 16, 19, 21, 24, 32]) {
      t.equal(decode(message(attribute('0008', length))), DECODE_BAD_INTEGRITY_LENGTH, `${length}`)
    }
    t.equal(decode(message(attribute('0008', 20))), DECODE_OK)
  })

  t.test('MESSAGE-INTEGRITY-SHA256 has 16 to 32 bytes, a multiple of 4 (RFC 8489 §14.6)', async (t) => {
    for (let length = 0; length <= 40; length++) {
      const expected = [16, 20, 24, 28, 32].includes(length) ? DECODE_OK : DECODE_BAD_INTEGRITY_LENGTH
      t.equal(decode(message(attribute('001c', length))), expected, `${length}`)
    }
  })

  t.test('FINGERPRINT has 4 bytes (RFC 8489 §14.7)', async (t) => {
    for (let length = 0; length <= 8; length++) {
      t.equal(decode(message(attribute('8028', length))), length === 4 ? DECODE_OK : DECODE_BAD_INTEGRITY_LENGTH)
    }
  })
})

function attribute(type: string, length: number): string {
  return type + length.toString(16).padStart(4, '0') + '00'.repeat(Math.ceil(length / 4) * 4)
}

t.test('MessageView, finding', async (t) => {
  const view = decoded(message('0012 0004 01010101 0006 0004 61616161 0012 0004 02020202 0012 0004 03030303'))

  t.test('finds the first of a duplicated attribute (RFC 8489 §14)', async (t) => {
    t.equal(view.find(stun.ATTRIBUTE_XOR_PEER_ADDRESS), 0)
    t.equal(view.find(stun.ATTRIBUTE_USERNAME), 1)
  })

  t.test('finds the next ones in order (several XOR-PEER-ADDRESS, RFC 8656 §10.1)', async (t) => {
    t.equal(view.findNext(stun.ATTRIBUTE_XOR_PEER_ADDRESS, 0), 2)
    t.equal(view.findNext(stun.ATTRIBUTE_XOR_PEER_ADDRESS, 2), 3)
    t.equal(view.findNext(stun.ATTRIBUTE_XOR_PEER_ADDRESS, 3), -1)
  })

  t.test('says when there is none', async (t) => {
    t.equal(view.find(stun.ATTRIBUTE_REALM), -1)
    t.equal(view.has(stun.ATTRIBUTE_REALM), false)
    t.equal(view.has(stun.ATTRIBUTE_USERNAME), true)
  })
})

t.test('MessageView, reading', async (t) => {
  const view = decoded(message('000d 0004 fedcba98 0018 0001 80 ffffff 001a 0000 0006 0005 c3a9ff4142 ffffff'))

  t.test('reads unsigned numbers at an offset of the value', async (t) => {
    t.equal(view.readUint32(0), 0xfedcba98)
    t.equal(view.readUint16(0), 0xfedc)
    t.equal(view.readUint16(0, 2), 0xba98)
    t.equal(view.readUint8(0, 3), 0x98)
    t.equal(view.readUint8(1), 0x80)
  })

  t.test('reads neither padding nor the next attribute: −1', async (t) => {
    t.equal(view.readUint8(1, 1), -1)
    t.equal(view.readUint16(1), -1)
    t.equal(view.readUint32(1), -1)
    t.equal(view.readUint8(2), -1)
    t.equal(view.readUint16(0, 3), -1)
    t.equal(view.readUint32(0, 1), -1)
    t.equal(view.readUint8(0, -1), -1)
  })

  t.test('reads nothing of an attribute that is not there, or was in an earlier message', async (t) => {
    const reused = new MessageView()
    decode(message('0006 0004 61616161 0014 0004 62626262'), reused)
    decode(message('0006 0004 61616161'), reused)
    for (const index of [-1, 1, 255, 256]) {
      t.equal(reused.readUint8(index), -1)
      t.equal(reused.readUint32(index), -1)
      t.equal(reused.readBytes(index).length, 0)
      t.equal(reused.readText(index), '')
      t.equal(reused.readErrorCode(index), -1)
      t.equal(reused.readAddress(index, new TransportAddress()), false)
      t.equal(reused.readXorAddress(index, new TransportAddress()), false)
    }
  })

  t.test('gives bytes as a view of the message, without padding', async (t) => {
    t.same([...view.readBytes(3)], [0xc3, 0xa9, 0xff, 0x41, 0x42])
    t.equal(view.readBytes(3).buffer, view.bytes.buffer)
    t.equal(view.readBytes(2).length, 0)
  })

  t.test('gives text with U+FFFD for invalid UTF-8, and keeps a byte order mark', async (t) => {
    t.equal(view.readText(3), 'é\ufffdAB')
    t.equal(decoded(message('0006 0004 efbbbf41')).readText(0), '\ufeffA')
  })
})

t.test('MessageView, addresses', async (t) => {
  const untouched = new TransportAddress().setIPv4(0x01020304, 5)

  function readBoth(value: string): [boolean, boolean] {
    const view = decoded(message(value))
    const into = untouched.clone()
    const results: [boolean, boolean] = [view.readAddress(0, into), view.readXorAddress(0, into)]
    if (!results[0] && !results[1]) t.equal(into.equals(untouched), true, 'a malformed address changes nothing')
    return results
  }

  t.test('reads MAPPED-ADDRESS, whatever its first byte (RFC 8489 §14.1)', async (t) => {
    const into = new TransportAddress()
    t.equal(decoded(message('0001 0008 ff01 1234 c0000201')).readAddress(0, into), true)
    t.equal(into.toString(), '192.0.2.1:4660')
    t.equal(decoded(message('0001 0014 0002 1234 20010db8000000000000000000000001')).readAddress(0, into), true)
    t.equal(into.toString(), '[2001:db8::1]:4660')
  })

  t.test('reads XOR-MAPPED-ADDRESS with cookie and transaction id (RFC 8489 §14.2)', async (t) => {
    const into = new TransportAddress()
    t.equal(decoded(message('0020 0008 0001 3326 e112a643')).readXorAddress(0, into), true)
    t.equal(into.toString(), '192.0.2.1:4660')
    // 2001:db8::1 xor 2112a442 00010203 04050607 08090a0b
    t.equal(decoded(message('0020 0014 0002 3326 0113a9fa 00010203 04050607 08090a0a')).readXorAddress(0, into), true)
    t.equal(into.toString(), '[2001:db8::1]:4660')
  })

  t.test('refuses a length that is not the family’s', async (t) => {
    t.same(readBoth('0020 0008 0001 1234 c0000201'), [true, true])
    t.same(readBoth('0020 0007 0001 1234 c0000201'), [false, false])
    t.same(readBoth('0020 0009 0001 1234 c0000201 00000000'), [false, false])
    t.same(readBoth('0020 0014 0001 1234 c0000201 000000000000000000000000'), [false, false])
    t.same(readBoth('0020 0008 0002 1234 c0000201'), [false, false])
    t.same(readBoth('0020 0013 0002 1234 20010db8000000000000000000000001'), [false, false])
    t.same(readBoth('0020 0014 0002 1234 20010db8000000000000000000000001'), [true, true])
    t.same(readBoth('0020 0015 0002 1234 20010db8000000000000000000000001 00000000'), [false, false])
    t.same(readBoth('0020 0000'), [false, false])
  })

  t.test('refuses families 0 and 3', async (t) => {
    for (const family of ['00', '03', 'ff']) {
      t.same(readBoth(`0020 0008 00${family} 1234 c0000201`), [false, false])
      t.same(readBoth(`0020 0014 00${family} 1234 20010db8000000000000000000000001`), [false, false])
    }
  })
})

t.test('MessageView, error codes', async (t) => {
  t.test('reads class and number, and ignores the reserved bits (RFC 8489 §14.8)', async (t) => {
    t.equal(decoded(message('0009 0004 00000401')).readErrorCode(0), 401)
    t.equal(decoded(message('0009 0004 fffffc01')).readErrorCode(0), 401)
    t.equal(decoded(message('0009 0006 00000563 6869 0000')).readErrorCode(0), 599)
  })

  t.test('refuses classes 2 and 7, number 100, and a value of 3 bytes', async (t) => {
    for (const value of ['0004 00000200', '0004 00000700', '0004 00000464', '0003 00000400', '0000']) {
      t.equal(decoded(message(`0009 ${value}`)).readErrorCode(0), -1, value)
    }
    t.equal(decoded(message('0009 0004 00000300')).readErrorCode(0), 300)
    t.equal(decoded(message('0009 0004 00000663')).readErrorCode(0), 699)
  })
})

t.test('MessageView, unknown attributes', async (t) => {
  t.test('lists every comprehension-required type once, in order, and no optional one (RFC 8489 §6.3.1)', async (t) => {
    const view = decoded(message('7fff0000 00060000 80000000 00020000 7fff0000 00000000 ffff0000 00020000'))
    t.same(
      view.unknownRequired((type) => type === stun.ATTRIBUTE_USERNAME),
      [0x7fff, 0x0002, 0x0000],
    )
  })

  t.test('lists neither integrity nor anything after it', async (t) => {
    const view = decoded(message(`00060000 0008 0014 ${'00'.repeat(20)} 7fff0000 8028 0004 00000000`))
    t.same(
      view.unknownRequired(() => false),
      [stun.ATTRIBUTE_USERNAME],
    )
  })
})

t.test('decodeMessage, random input', async (t) => {
  t.test('never throws, and accepts nothing without header and cookie', async (t) => {
    const view = new MessageView()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const result = decode(bytes, view)
        return result !== DECODE_OK || bytes.length >= 20
      }),
      { numRuns: 2000 },
    )
    t.pass()
  })

  t.test('never throws behind a right header, and every attribute lies inside the message', async (t) => {
    const view = new MessageView()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (body) => {
        const bytes = message(Buffer.from(body.subarray(0, body.length & ~3)).toString('hex'))
        if (decode(bytes, view) !== DECODE_OK) return view.attributeCount === 0
        for (let index = 0; index < view.attributeCount; index++) {
          const start = view.attributeStarts[index]
          if (start < 24 || start + view.attributeLengths[index] > bytes.length) return false
        }
        return true
      }),
      { numRuns: 2000 },
    )
    t.pass()
  })
})
