import fc from 'fast-check'
import t from 'tap'
import {
  classifyFirstBytes,
  FIRST_HTTP,
  FIRST_LENGTH_MAX,
  FIRST_NEED_MORE,
  FIRST_STUN,
  FIRST_TLS,
  FIRST_UNKNOWN,
} from '../../../src/net/stream/first-bytes.js'
import { bytesOfHex, SAMPLE_REQUEST } from '../../support/vectors.js'

const METHODS = 'GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK'.split(' ')
const textBytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))
const classify = (bytes: Uint8Array, length = bytes.length) => classifyFirstBytes(bytes, 0, length)

/** Starts whose answer is known, with the number of bytes that tell it. */
const STARTS: readonly [name: string, bytes: Uint8Array, answer: number, length: number][] = [
  ['an Allocate request', bytesOfHex('0003 0008 2112a442 00'), FIRST_STUN, 8],
  ['a Binding response', bytesOfHex('0101 0000 2112a442 00'), FIRST_STUN, 8],
  ['the request of RFC 5769', SAMPLE_REQUEST.bytes, FIRST_STUN, 8],
  ['a ClientHello', bytesOfHex('16 0301 0200 01'), FIRST_TLS, 2],
  ['a ClientHello of TLS 1.2', bytesOfHex('16 0303 0200 01'), FIRST_TLS, 2],
  ...METHODS.map((method): [string, Uint8Array, number, number] => [
    method,
    textBytes(`${method} / HTTP/1.1\r\n`),
    FIRST_HTTP,
    method.length + 1,
  ]),
  ['a cookie that is wrong at its first byte', bytesOfHex('0001 0000 2012a442'), FIRST_UNKNOWN, 5],
  ['a cookie that is wrong at its last byte', bytesOfHex('0001 0000 2112a443'), FIRST_UNKNOWN, 8],
  ['RFC 3489, which has no cookie', bytesOfHex('0001 0000 01020304'), FIRST_UNKNOWN, 5],
  ['0x02', bytesOfHex('0200 0000 2112a442'), FIRST_UNKNOWN, 1],
  ['0x15, an alert of TLS', bytesOfHex('15 0303 0002'), FIRST_UNKNOWN, 1],
  ['0x17, data of TLS', bytesOfHex('17 0303 0002'), FIRST_UNKNOWN, 1],
  ['SSL 2', bytesOfHex('802e 0103'), FIRST_UNKNOWN, 1],
  ['DTLS', bytesOfHex('16 feff 0000'), FIRST_UNKNOWN, 2],
  ['ChannelData of 0x4001', bytesOfHex('4001 0004 01020304'), FIRST_UNKNOWN, 1],
  ['ChannelData of 0x4745, whose bytes are letters', textBytes('GEX '), FIRST_UNKNOWN, 3],
  ['a method and a tab', textBytes('GET\t/'), FIRST_UNKNOWN, 4],
  ['a method in lower case', textBytes('get /'), FIRST_UNKNOWN, 1],
  ['CONNECT', textBytes('CONNECT a:1 HTTP/1.1'), FIRST_UNKNOWN, 3],
  ['TRACE', textBytes('TRACE / HTTP/1.1'), FIRST_UNKNOWN, 1],
  ['the preface of HTTP/2', textBytes('PRI * HTTP/2.0'), FIRST_UNKNOWN, 3],
  ['a longer name that begins with a method', textBytes('GETS /'), FIRST_UNKNOWN, 4],
  ['a PROXY header where none is expected', textBytes('PROXY TCP4 '), FIRST_UNKNOWN, 4],
  ['SSH', textBytes('SSH-2.0'), FIRST_UNKNOWN, 2],
]

t.test('the first bytes of a connection', async (t) => {
  for (const [name, bytes, answer, length] of STARTS) {
    t.test(`tell ${name} after ${length} bytes, and nothing before`, async (t) => {
      for (let known = 0; known < length; known++) t.equal(classify(bytes, known), FIRST_NEED_MORE, `${known} bytes`)
      for (let known = length; known <= bytes.length; known++) t.equal(classify(bytes, known), answer, `${known} bytes`)
    })
  }

  t.test('are looked at from start to end, and no further', async (t) => {
    const bytes = textBytes('xxGET /')
    t.equal(classifyFirstBytes(bytes, 2, 7), FIRST_HTTP)
    t.equal(classifyFirstBytes(bytes, 2, 5), FIRST_NEED_MORE)
    t.equal(classifyFirstBytes(bytes, 1, 7), FIRST_UNKNOWN)
    t.equal(classifyFirstBytes(bytes, 7, 7), FIRST_NEED_MORE)
  })

  t.test('never change what they told, and tell it within FIRST_LENGTH_MAX bytes', async () => {
    const start = fc.constantFrom(...STARTS.map(([, bytes]) => bytes))
    const changed = fc
      .tuple(start, fc.nat(), fc.nat(255))
      .map(([bytes, at, value]) => bytes.with(at % bytes.length, value))
    const anything = fc.uint8Array({ minLength: FIRST_LENGTH_MAX, maxLength: 2 * FIRST_LENGTH_MAX })
    fc.assert(
      fc.property(fc.oneof(start, changed, anything), (bytes) => {
        const final = classify(bytes)
        if (bytes.length >= FIRST_LENGTH_MAX && final === FIRST_NEED_MORE) return false
        let answer = FIRST_NEED_MORE
        for (let length = 0; length <= bytes.length; length++) {
          const now = classify(bytes, length)
          if (answer !== FIRST_NEED_MORE && now !== answer) return false
          answer = now
        }
        return answer === final
      }),
      { numRuns: 3000 },
    )
  })
})
