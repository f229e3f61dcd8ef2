import t from 'tap'
import { RESERVATION_TOKEN_LENGTH, Reservations } from '../../src/turn/reservations.js'
import { SeededRandom } from '../support/random.js'

t.test('Reservations', async (t) => {
  t.test('gives each reservation an unpredictable token of 8 bytes (RFC 8656 §18.9)', async (t) => {
    const reservations = new Reservations()
    const random = new SeededRandom(1)
    const tokens = Array.from({ length: 1000 }, () => reservations.add('a', 0, 101, 3000, random).token)
    t.ok(tokens.every((token) => token.length === RESERVATION_TOKEN_LENGTH && RESERVATION_TOKEN_LENGTH === 8))
    t.equal(new Set(tokens.map((token) => Buffer.from(token).toString('hex'))).size, 1000)
    for (const [start, end] of [
      [0, 4],
      [4, 8],
    ]) {
      const halves = new Set(tokens.map((token) => Buffer.from(token.subarray(start, end)).toString('hex')))
      t.ok(halves.size > 990, 'each half is random')
    }
    t.equal(reservations.size, 1000)
  })

  t.test('a token is good once, for its user, until it expires', async (t) => {
    const reservations = new Reservations()
    const { token } = reservations.add('a', 2, 101, 3000, new SeededRandom(1))
    t.equal(reservations.claim(token, 'b', 0), null, 'another user')
    t.equal(reservations.claim(new Uint8Array(8), 'a', 0), null, 'another token')
    t.equal(reservations.claim(token, 'a', 3000), null, 'expired')
    t.equal(reservations.size, 1, 'it is still there')
    t.match(reservations.claim(token.slice(), 'a', 2999), { username: 'a', hostIndex: 2, port: 101 })
    t.equal(reservations.claim(token, 'a', 2999), null, 'used')
    t.equal(reservations.size, 0)
  })

  t.test('takes out what has expired, at the tick and not before, and once', async (t) => {
    const reservations = new Reservations()
    const random = new SeededRandom(1)
    const ports = (now: number) => [...reservations.expire(now)].map(({ port }) => port)
    reservations.add('a', 0, 101, 3000, random)
    reservations.add('b', 0, 103, 3000, random)
    const claimed = reservations.add('b', 0, 105, 3001, random)
    reservations.add('a', 0, 107, 3002, random)
    t.same(ports(2999), [])
    t.same(ports(3000), [101, 103])
    t.same(ports(3000), [])
    t.ok(reservations.claim(claimed.token, 'b', 3000))
    t.same(ports(9000), [107])
    t.equal(reservations.size, 0)
  })
})
