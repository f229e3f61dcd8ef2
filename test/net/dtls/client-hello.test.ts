// What is read of ClientHellos and of other datagrams before OpenSSL sees them, and how its output is cut: without OpenSSL.
import t from 'tap'
import { chosenName } from '../../../src/net/dtls/alpn.js'
import { ClientHello, isClientHello, isLaterFragment } from '../../../src/net/dtls/client-hello.js'
import { Cookies, HELLO_VERIFY_REQUEST_LENGTH } from '../../../src/net/dtls/cookies.js'
import { areRecords, datagramEnd, recordEnd } from '../../../src/net/dtls/record.js'
import { FiveTuple } from '../../../src/turn/five-tuple.js'
import { addressOf } from '../../support/turn-address.js'

interface HelloParts {
  readonly sessionId?: number
  readonly cookie?: Uint8Array
  readonly messageSequence?: number
  readonly random?: number
}

const PERIOD_TICKS = 6_000

t.test('a ClientHello', async (t) => {
  t.test('is decoded with the place of its random and its cookie', async (t) => {
    const hello = new ClientHello()
    for (const sessionId of [0, 32]) {
      for (const cookie of [new Uint8Array(0), new Uint8Array(255).fill(9)]) {
        // Not at the start of its buffer.
        const bytes = Buffer.concat([Buffer.alloc(5), helloOf({ sessionId, cookie })])
        t.ok(isClientHello(bytes, 5, bytes.length))
        t.ok(hello.decode(bytes, 5, bytes.length))
        t.same(bytes.subarray(hello.random, hello.random + 32), Buffer.alloc(32, 7))
        t.same(bytes.subarray(hello.cookie, hello.cookie + hello.cookieLength), Buffer.from(cookie))
      }
    }
    t.notOk(hello.decode(helloOf({ sessionId: 33 }), 0, helloOf({ sessionId: 33 }).length))
    t.ok(hello.decode(helloOf({ messageSequence: 1 }), 0, helloOf({}).length))
    t.notOk(hello.decode(helloOf({ messageSequence: 2 }), 0, helloOf({}).length))
  })

  t.test('that is cut anywhere is none, unless the rest says so', async (t) => {
    const hello = new ClientHello()
    const whole = helloOf({ sessionId: 4, cookie: new Uint8Array(16) })
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length)
      t.equal(recordEnd(cut, 0, length), 0)
      t.notOk(length >= 26 && isClientHello(cut, 0, length) && hello.decode(cut, 0, length))
    }
    // A first fragment that holds the cookie whole, and one that does not.
    const cookieEnd = 25 + 34 + 1 + 4 + 1 + 16
    for (const [end, isEnough] of [
      [cookieEnd, true],
      [cookieEnd - 1, false],
    ] as const) {
      const fragment = Buffer.from(whole.subarray(0, end))
      fragment.writeUIntBE(end - 25, 22, 3)
      fragment.writeUInt16BE(end - 13, 11)
      t.equal(hello.decode(fragment, 0, end), isEnough)
    }
    const later = Buffer.from(whole)
    later.writeUIntBE(1, 19, 3)
    t.ok(isLaterFragment(later, 0))
    t.notOk(hello.decode(later, 0, later.length))
  })
})

t.test('a cookie', async (t) => {
  const cookies = new Cookies(new Uint8Array(32).fill(1))
  const client = new FiveTuple()
  client.client.copyFrom(addressOf('[2001:db8::7]:50000'))
  const first = decoded({})
  cookies.writeAnswer(client, first, 100)
  const cookie = cookies.answer.slice(-16)

  t.test('comes in a message that is shorter than every ClientHello that asks for it', async (t) => {
    const shortest = helloOf({}).subarray(0, 25 + 36)
    shortest.writeUIntBE(36, 14, 3)
    shortest.writeUIntBE(36, 22, 3)
    shortest.writeUInt16BE(48, 11)
    t.ok(new ClientHello().decode(shortest, 0, shortest.length))
    t.ok(HELLO_VERIFY_REQUEST_LENGTH < shortest.length)
    t.equal(recordEnd(cookies.answer, 0, cookies.answer.length), HELLO_VERIFY_REQUEST_LENGTH)
  })

  t.test('holds for one client, one ClientHello, one listener and a minute or two', async (t) => {
    const hello = decoded({ cookie })
    t.ok(cookies.isValid(client, hello, 100))
    t.ok(cookies.isValid(client, hello, 2 * PERIOD_TICKS - 1))
    t.notOk(cookies.isValid(client, hello, 2 * PERIOD_TICKS))
    t.notOk(cookies.isValid(client, decoded({ cookie, random: 8 }), 100))
    t.notOk(cookies.isValid(client, decoded({ cookie: cookie.subarray(1) }), 100))
    t.notOk(cookies.isValid(client, decoded({ cookie: new Uint8Array(16) }), 100))
    t.notOk(new Cookies(new Uint8Array(32)).isValid(client, hello, 100))
    const other = new FiveTuple().copyFrom(client)
    for (const change of ['word0', 'word1', 'word2', 'word3', 'port'] as const) {
      other.client.copyFrom(client.client)[change]++
      t.notOk(cookies.isValid(other, hello, 100), change)
    }
    other.copyFrom(client).listenerId++
    t.notOk(cookies.isValid(other, hello, 100))
  })
})

t.test('records', async (t) => {
  t.test('are whole, and long enough where they are encrypted', async (t) => {
    const check = (...records: Buffer[]) => {
      const bytes = Buffer.concat(records)
      return areRecords(bytes, 0, bytes.length)
    }
    t.notOk(check())
    t.ok(check(recordOf(22, 0, 0)))
    t.ok(check(recordOf(22, 0, 5), recordOf(23, 1, 24)))
    t.notOk(check(recordOf(22, 0, 5), recordOf(23, 1, 23)))
    t.notOk(check(recordOf(22, 0, 5), Buffer.alloc(1)))
    t.ok(check(recordOf(20, 0, 1)))
    t.notOk(check(recordOf(19, 0, 1)))
    t.ok(check(recordOf(63, 0, 1)))
    t.notOk(check(recordOf(64, 0, 1)))
    const tls = recordOf(22, 0, 1)
    tls[1] = 3
    t.notOk(check(tls))
  })

  t.test('go into datagrams of a length, a longer one alone', async (t) => {
    const bytes = Buffer.concat([500, 600, 100, 87, 1_300, 13].map((length) => recordOf(22, 0, length - 13)))
    const ends: number[] = []
    for (let end = 0; end < bytes.length; ) {
      end = datagramEnd(bytes, end, bytes.length, 1_200)
      ends.push(end)
    }
    t.same(ends, [1_200, 1_287, 2_587, 2_600])
    t.equal(datagramEnd(bytes, 0, 499, 1_200), 0, 'not whole yet')
  })
})

t.test('the protocol is the first of the client’s that is known (RFC 7443)', async (t) => {
  const offer = (...names: string[]) => {
    const list = Buffer.from(names.map((name) => String.fromCharCode(name.length) + name).join(''), 'latin1')
    const at = chosenName(list, 0, list.length)
    return at < 0 ? null : list.toString('latin1', at, at + list[at - 1])
  }
  t.equal(offer('h2', 'stun.nat-discovery', 'stun.turn'), 'stun.nat-discovery')
  t.equal(offer('stun.turn'), 'stun.turn')
  t.equal(offer('stun.turn2', 'stun.tur'), null)
  t.equal(offer(), null)
  t.equal(chosenName(Buffer.from('\x09stun.tur', 'latin1'), 0, 9), -1, 'cut short')
})

function decoded(parts: HelloParts): ClientHello {
  const hello = new ClientHello()
  const bytes = helloOf(parts)
  if (!hello.decode(bytes, 0, bytes.length)) throw new Error('not a ClientHello')
  return hello
}

/** A record with a ClientHello, as far as this server reads it, and four bytes more. */
function helloOf({ sessionId = 0, cookie = new Uint8Array(0), messageSequence = 0, random = 7 }: HelloParts): Buffer {
  const body = Buffer.concat([
    Buffer.from([0xfe, 0xfd]),
    Buffer.alloc(32, random),
    Buffer.alloc(1, sessionId),
    Buffer.alloc(sessionId),
    Buffer.alloc(1, cookie.length),
    cookie,
    Buffer.alloc(4),
  ])
  const handshake = Buffer.alloc(12)
  handshake[0] = 1
  handshake.writeUIntBE(body.length, 1, 3)
  handshake.writeUInt16BE(messageSequence, 4)
  handshake.writeUIntBE(body.length, 9, 3)
  return recordOf(22, 0, 12 + body.length, Buffer.concat([handshake, body]))
}

function recordOf(type: number, epoch: number, length: number, content = Buffer.alloc(length)): Buffer {
  const header = Buffer.alloc(13)
  header[0] = type
  header.writeUInt16BE(0xfefd, 1)
  header.writeUInt16BE(epoch, 3)
  header.writeUInt16BE(length, 11)
  return Buffer.concat([header, content])
}
