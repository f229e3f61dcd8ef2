// What strangers send before anybody knows them: PROXY headers, first bytes, DTLS records and ClientHellos, lists of ALPN, nonces. Nothing of it
// throws, reads beside its bytes, or says of a beginning what the whole contradicts.
import { NonceMint, nonceFeatureBits } from '../../../src/auth/nonce.js'
import { PROXY_V1_LENGTH_MAX, PROXY_V2_LENGTH_MAX } from '../../../src/limits/messages.js'
import { chosenName } from '../../../src/net/dtls/alpn.js'
import { ClientHello, isClientHello, isLaterFragment, RANDOM_LENGTH } from '../../../src/net/dtls/client-hello.js'
import { Cookies } from '../../../src/net/dtls/cookies.js'
import { areRecords, clearEnd, datagramEnd, encryptedCount, recordEnd } from '../../../src/net/dtls/record.js'
import { classifyFirstBytes, FIRST_LENGTH_MAX, FIRST_NEED_MORE } from '../../../src/net/stream/first-bytes.js'
import { decodeProxyHeader, PROXY_NEED_MORE, ProxyHeader } from '../../../src/net/stream/proxy-protocol.js'
import { FiveTuple } from '../../../src/turn/five-tuple.js'
import { addressOf } from '../../support/turn-address.js'
import { bytesOfHex, VECTORS } from '../../support/vectors.js'
import { type CorpusKind, corpusOf } from '../corpus.js'
import { type BytesCase, ensure } from './parser-case.js'

const MTU = 1_200
const CLIENT = new FiveTuple()
CLIENT.client.copyFrom(addressOf('[2001:db8::7]:50000'))
const COOKIES = new Cookies(new Uint8Array(32).fill(1))
const MINT = new NonceMint(new Uint8Array(32).fill(7), 'example.org', 0)
const NOW = 5_000

export function wireCases(): BytesCase[] {
  const of = (...kinds: readonly CorpusKind[]) => corpusOf(...kinds).map(({ bytes }) => bytes)
  return [
    { name: 'a PROXY header', samples: of('proxy'), check: inAnySurroundings(checkProxyHeader) },
    {
      name: 'first bytes',
      samples: [...of('stream', 'tls', 'http'), VECTORS[0].bytes, Buffer.from('PROPPATCH / HTTP/1.1\r\n')],
      check: inAnySurroundings(checkFirstBytes),
    },
    { name: 'records of DTLS', samples: of('dtls'), check: inAnySurroundings(checkRecords) },
    {
      name: 'a list of ALPN',
      samples: [bytesOfHex('097374756e2e7475726e'), Buffer.from('\x02h2\x08http/1.1\x12stun.nat-discovery')],
      check: inAnySurroundings(checkAlpn),
    },
    { name: 'a nonce', samples: [Buffer.from(MINT.mint(CLIENT.client, NOW))], check: checkNonce },
  ]
}

/** What is said of bytes may not depend on what lies around them. */
function inAnySurroundings(
  check: (bytes: Uint8Array, start: number, end: number) => string,
): (bytes: Uint8Array) => boolean {
  return (bytes) => {
    const alone = check(bytes, 0, bytes.length)
    for (const [filler, start] of [
      [0x00, 3],
      [0xff, 64],
    ]) {
      const surrounded = new Uint8Array(bytes.length + start + 64).fill(filler)
      surrounded.set(bytes, start)
      const among = check(surrounded, start, start + bytes.length)
      ensure(among === alone, `surroundings matter: ${alone}, ${among}`)
    }
    return alone !== ''
  }
}

function checkProxyHeader(bytes: Uint8Array, start: number, end: number): string {
  const header = new ProxyHeader()
  const result = decodeProxyHeader(bytes, start, end, header)
  ensure(result <= Math.min(end - start, Math.max(PROXY_V1_LENGTH_MAX, PROXY_V2_LENGTH_MAX)), 'longer than what came')
  ensure(result !== PROXY_NEED_MORE || end - start < PROXY_V2_LENGTH_MAX, 'it never has enough')
  for (let length = 0; length < end - start; length++) {
    const early = decodeProxyHeader(bytes, start, start + length, new ProxyHeader())
    ensure(early === PROXY_NEED_MORE || early === result, `${length} bytes are ${early}, all are ${result}`)
  }
  return result > 0 ? `${result} ${header.isLocal || header.source}` : ''
}

function checkFirstBytes(bytes: Uint8Array, start: number, end: number): string {
  const result = classifyFirstBytes(bytes, start, end)
  ensure(result !== FIRST_NEED_MORE || end - start < FIRST_LENGTH_MAX, 'it never has enough')
  for (let length = 0; length < Math.min(end - start, FIRST_LENGTH_MAX + 4); length++) {
    const early = classifyFirstBytes(bytes, start, start + length)
    ensure(early === FIRST_NEED_MORE || early === result, `${length} bytes are ${early}, all are ${result}`)
  }
  return result > 0 ? `${result}` : ''
}

function checkRecords(bytes: Uint8Array, start: number, end: number): string {
  const first = recordEnd(bytes, start, end)
  ensure(first === 0 || (first > start && first <= end), 'a record that ends elsewhere')
  if (!areRecords(bytes, start, end)) return ''
  let count = 0
  for (let at = start; at < end; at = recordEnd(bytes, at, end)) count++
  const clear = clearEnd(bytes, start, end)
  const encrypted = encryptedCount(bytes, start, end)
  ensure(clear >= start && clear <= end && encrypted <= count, 'more than there is')
  ensure((encrypted === 0) === (clear === end), 'clear to the end, and encrypted')
  const ends: number[] = []
  for (let at = start; at < end; at = ends[ends.length - 1]) ends.push(datagramEnd(bytes, at, end, MTU))
  return `${count} ${encrypted} ${clear - start} ${ends.map((each) => each - start)} ${checkHello(bytes, start, first)}`
}

function checkHello(bytes: Uint8Array, start: number, end: number): string {
  if (!isClientHello(bytes, start, end)) return ''
  const hello = new ClientHello()
  if (!hello.decode(bytes, start, end)) return `${isLaterFragment(bytes, start)}`
  ensure(hello.random >= start && hello.random + RANDOM_LENGTH <= end, 'its random lies elsewhere')
  ensure(hello.cookie >= start && hello.cookie + hello.cookieLength <= end, 'its cookie lies elsewhere')
  ensure(!COOKIES.isValid(CLIENT, hello, NOW), 'a cookie that nobody gave is good')
  COOKIES.writeAnswer(CLIENT, hello, NOW)
  ensure(COOKIES.answer.length <= end - start, 'the answer is longer than the question')
  return `${hello.random - start} ${hello.cookie - start} ${hello.cookieLength}`
}

function checkAlpn(bytes: Uint8Array, start: number, end: number): string {
  const at = chosenName(bytes, start, end)
  ensure(at < 0 || (at > start && at + bytes[at - 1] <= end), 'a name that lies elsewhere')
  return at < 0 ? '' : Buffer.from(bytes.subarray(at, at + bytes[at - 1])).toString('latin1')
}

function checkNonce(bytes: Uint8Array): boolean {
  const isOurs = Buffer.from(bytes).toString('latin1') === MINT.mint(CLIENT.client, NOW)
  ensure(MINT.check(bytes, CLIENT.client, NOW) === isOurs, isOurs ? 'our own nonce is none' : 'a forged nonce is good')
  ensure(nonceFeatureBits(bytes) <= 0xff_ffff, 'more bits than there are')
  return isOurs
}
