import fc from 'fast-check'
import t from 'tap'
import { PROXY_V1_LENGTH_MAX, PROXY_V2_LENGTH_MAX } from '../../../src/limits/messages.js'
import {
  decodeProxyHeader,
  PROXY_INVALID,
  PROXY_NEED_MORE,
  ProxyHeader,
} from '../../../src/net/stream/proxy-protocol.js'
import { bytesOfHex } from '../../support/vectors.js'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const IPV4 = 'c0000201 c6336402 d903 01bb'
const IPV6 = '20010db8000000000000000000000001 20010db8000000000000000000000002 d903 01bb'
const textBytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))

/** A header of version 2: command, family and protocol, and what follows the length. */
function version2(command: string, family: string, body: string, length?: number): Uint8Array {
  const bodyBytes = bytesOfHex(body)
  const lengthHex = (length ?? bodyBytes.length).toString(16).padStart(4, '0')
  return bytesOfHex(`${SIGNATURE} ${command} ${family} ${lengthHex} ${body}`)
}

/** What the header tells: the result, and the client or `local`. */
function decode(bytes: Uint8Array, length = bytes.length): { result: number; told: string | null } {
  const header = new ProxyHeader()
  const result = decodeProxyHeader(bytes, 0, length, header)
  if (result <= 0) return { result, told: null }
  return { result, told: header.isLocal ? 'local' : header.source.toString() }
}

const VALID: readonly [name: string, bytes: Uint8Array, told: string][] = [
  ['TCP4', textBytes('PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\r\n'), '192.0.2.1:55555'],
  [
    'the longest TCP4',
    textBytes('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    '255.255.255.255:65535',
  ],
  ['the shortest TCP4', textBytes('PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n'), '0.0.0.0:0'],
  ['TCP6', textBytes('PROXY TCP6 2001:db8::1 2001:DB8::2 55555 443\r\n'), '[2001:db8::1]:55555'],
  ['the shortest TCP6', textBytes('PROXY TCP6 :: ::1 1 1\r\n'), '[::]:1'],
  [
    'the longest TCP6',
    textBytes(`PROXY TCP6 ${Array(8).fill('ffff').join(':')} ${Array(8).fill('ffff').join(':')} 65535 65535\r\n`),
    '[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535',
  ],
  ['TCP6 with a mapped address', textBytes('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 5 6\r\n'), '192.0.2.1:5'],
  ['UNKNOWN', textBytes('PROXY UNKNOWN\r\n'), 'local'],
  ['UNKNOWN with addresses', textBytes('PROXY UNKNOWN 192.0.2.1 192.0.2.2 5 6\r\n'), 'local'],
  ['the longest UNKNOWN', textBytes(`PROXY UNKNOWN ${'x'.repeat(PROXY_V1_LENGTH_MAX - 16)}\r\n`), 'local'],
  ['version 2 over IPv4', version2('21', '11', IPV4), '192.0.2.1:55555'],
  ['version 2 over IPv6', version2('21', '21', IPV6), '[2001:db8::1]:55555'],
  ['version 2 over IPv4 with TLVs', version2('21', '11', `${IPV4} 04 0003 010203 02 0001 61`), '192.0.2.1:55555'],
  [
    'version 2 with a mapped address',
    version2('21', '21', `00000000000000000000ffffc0000201 00000000000000000000ffffc0000202 d903 01bb`),
    '192.0.2.1:55555',
  ],
  ['LOCAL without addresses', version2('20', '00', ''), 'local'],
  ['LOCAL with addresses', version2('20', '11', IPV4), 'local'],
  ['LOCAL of a family that nobody knows', version2('20', 'ff', '0102'), 'local'],
  ['PROXY of UNSPEC', version2('21', '00', ''), 'local'],
  ['PROXY of UNSPEC with bytes', version2('21', '00', '010203'), 'local'],
  ['PROXY of an unspecified protocol', version2('21', '10', ''), 'local'],
  ['PROXY of UDP over IPv4', version2('21', '12', IPV4), 'local'],
  ['PROXY of UNIX streams', version2('21', '31', '00'.repeat(216)), 'local'],
  ['the longest version 2', version2('21', '11', IPV4 + '00'.repeat(PROXY_V2_LENGTH_MAX - 28)), '192.0.2.1:55555'],
]

/** Not valid, with the number of bytes that tell it. */
const INVALID: readonly [name: string, bytes: Uint8Array, length: number][] = [
  ['an empty line', textBytes('\r\nPROXY'), 3],
  ['lower case', textBytes('proxy TCP4 '), 1],
  ['another word', textBytes('PROXX'), 5],
  ['HTTP', textBytes('GET / HTTP/1.1'), 1],
  ['STUN', bytesOfHex('0001 0000 2112a442'), 1],
  ['TLS', bytesOfHex('16 0301'), 1],
  ['two spaces', textBytes('PROXY  TCP4'), 7],
  ['UDP4', textBytes('PROXY UDP4'), 8],
  ['TCP5', textBytes('PROXY TCP5'), 10],
  ['TCP4 without a space', textBytes('PROXY TCP4\t'), 11],
  ['IPv6 in TCP4', textBytes('PROXY TCP4 2001:'), 16],
  ['IPv4 in TCP6', textBytes('PROXY TCP6 192.0.2.1 '), 21],
  ['an empty address', textBytes('PROXY TCP4  '), 12],
  ['an octet of 256', textBytes('PROXY TCP4 192.0.2.256 '), 23],
  ['three octets', textBytes('PROXY TCP4 192.0.2 '), 19],
  ['a leading zero', textBytes('PROXY TCP4 192.0.02.1 '), 22],
  ['too long an IPv4 address', textBytes('PROXY TCP4 1111111111111111'), 27],
  ['too long an IPv6 address', textBytes(`PROXY TCP6 ${'1'.repeat(46)}`), 57],
  ['a zone', textBytes('PROXY TCP6 fe80::1%'), 19],
  ['two double colons', textBytes('PROXY TCP6 1::2::3 '), 19],
  ['a bad destination', textBytes('PROXY TCP4 192.0.2.1 192.0.2 '), 29],
  ['port 65536', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 65536 '), 37],
  ['port 01', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 01 '), 34],
  ['an empty port', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2  '), 32],
  ['six digits of a port', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 655350'), 37],
  ['a signed port', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 +1'), 32],
  ['destination port 65536', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r'), 39],
  ['no destination port', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n'), 33],
  ['a fifth field', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 '), 35],
  ['a lone LF', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n'), 35],
  ['a lone CR', textBytes('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rG'), 36],
  ['UNKNOWNS', textBytes('PROXY UNKNOWNS'), 14],
  ['UNKNOWN and a lone LF', textBytes('PROXY UNKNOWN\n'), 14],
  ['UNKNOWN and a lone CR', textBytes('PROXY UNKNOWN\rG'), 15],
  ['UNKNOWN and a lone LF after addresses', textBytes('PROXY UNKNOWN a\n'), 16],
  ['UNKNOWN without an end', textBytes(`PROXY UNKNOWN ${'x'.repeat(100)}`), PROXY_V1_LENGTH_MAX],
  [
    'UNKNOWN one byte too long',
    textBytes(`PROXY UNKNOWN ${'x'.repeat(PROXY_V1_LENGTH_MAX - 15)}\r\n`),
    PROXY_V1_LENGTH_MAX,
  ],
  ['a signature that is wrong at its second byte', bytesOfHex('0d0d'), 2],
  ['a signature that is wrong at its last byte', bytesOfHex('0d0a0d0a000d0a515549540b'), 12],
  ['version 1 in binary', bytesOfHex(`${SIGNATURE} 11`), 13],
  ['version 3', bytesOfHex(`${SIGNATURE} 31`), 13],
  ['command 2', bytesOfHex(`${SIGNATURE} 22`), 13],
  ['family 4', bytesOfHex(`${SIGNATURE} 21 41`), 14],
  ['protocol 3', bytesOfHex(`${SIGNATURE} 21 13`), 14],
  ['a length far above the bound', bytesOfHex(`${SIGNATURE} 21 11 08`), 15],
  ['a length of one above the bound', version2('21', '11', '', PROXY_V2_LENGTH_MAX - 15), 16],
  ['a length of the largest number', version2('20', '00', '', 0xffff), 15],
  ['IPv4 whose length is one short', version2('21', '11', '', 11), 16],
  ['IPv6 whose length is one short', version2('21', '21', '', 35), 16],
  ['UDP over IPv4 whose length is one short', version2('21', '12', '', 11), 16],
  ['UNIX whose length is one short', version2('21', '31', '', 215), 16],
]

t.test('a PROXY header', async (t) => {
  for (const [name, bytes, told] of VALID) {
    t.test(`of ${name} tells ${told} when it is whole, and nothing before`, async (t) => {
      for (let length = 0; length < bytes.length; length++)
        t.equal(decode(bytes, length).result, PROXY_NEED_MORE, `${length} bytes`)
      t.same(decode(bytes), { result: bytes.length, told })
      t.same(decode(Uint8Array.of(...bytes, 0, 1)), { result: bytes.length, told }, 'with what follows it')
    })
  }

  for (const [name, bytes, length] of INVALID) {
    t.test(`with ${name} is invalid from byte ${length}`, async (t) => {
      for (let known = 0; known < length; known++) t.equal(decode(bytes, known).result, PROXY_NEED_MORE, `${known}`)
      for (let known = length; known <= bytes.length; known++) t.equal(decode(bytes, known).result, PROXY_INVALID)
    })
  }

  t.test('is read at its place in a larger buffer, which may be a part of another one', async (t) => {
    for (const [name, bytes, told] of VALID) {
      const whole = new Uint8Array(bytes.length + 20)
      whole.set(bytes, 10)
      const header = new ProxyHeader()
      const view = whole.subarray(3)
      t.equal(decodeProxyHeader(view, 7, 7 + bytes.length, header), bytes.length, name)
      t.equal(header.isLocal ? 'local' : header.source.toString(), told, name)
      t.equal(decodeProxyHeader(view, 7, 6 + bytes.length, header), PROXY_NEED_MORE, name)
    }
  })

  t.test('sets the text of the address, and is written again by the next one', async (t) => {
    const header = new ProxyHeader()
    const decodeInto = (bytes: Uint8Array) => decodeProxyHeader(bytes, 0, bytes.length, header)
    decodeInto(VALID[0][1])
    t.equal(header.source.host, '192.0.2.1')
    decodeInto(textBytes('PROXY UNKNOWN\r\n'))
    t.equal(header.isLocal, true)
    decodeInto(version2('21', '21', IPV6))
    t.equal(header.isLocal, false)
    t.equal(header.source.host, '2001:db8::1')
    decodeInto(version2('21', '21', `${'00000000000000000000ffffc0000201'.repeat(2)}00010002`))
    t.match(header.source, { host: '192.0.2.1', family: 4, port: 1 })
  })

  t.test('changed in any byte is told whole, unfinished or invalid, and stays so as bytes come in', async () => {
    const changed = fc
      .tuple(fc.constantFrom(...[...VALID, ...INVALID].map(([, bytes]) => bytes)), fc.nat(), fc.nat(255))
      .map(([bytes, at, value]) => bytes.with(at % bytes.length, value))
    fc.assert(
      fc.property(changed, (bytes) => {
        let answer = PROXY_NEED_MORE
        for (let length = 0; length <= bytes.length; length++) {
          const { result } = decode(bytes, length)
          if (answer !== PROXY_NEED_MORE ? result !== answer : result > length) return false
          answer = result
        }
        const lengthMax = bytes[0] === 0x0d ? PROXY_V2_LENGTH_MAX : PROXY_V1_LENGTH_MAX
        return answer !== PROXY_NEED_MORE ? answer <= lengthMax : bytes.length < lengthMax
      }),
      { numRuns: 2000 },
    )
  })

  t.test('with each byte changed to each of its neighbours never throws', async (t) => {
    let count = 0
    for (const [, bytes] of VALID) {
      for (let at = 0; at < Math.min(bytes.length, 64); at++) {
        for (const value of [0, 0x0a, 0x0d, 0x20, 0x30, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at] + 1]) {
          decode(bytes.with(at, value))
          count++
        }
      }
    }
    t.ok(count > 1000)
  })
})
