import t from 'tap'
import { RESERVATION_TOKEN_LENGTH } from '../../src/turn/reservations.js'
import { type StageWorker, soleWorker, tablesOf, workersOn } from '../support/shared-stage.js'

/** Takes a pair of ports and two places, as EVEN-PORT with R=1 does, and reserves the upper port. */
function reserve({ quotas, relayPorts, reservations, random }: StageWorker, username: string, expiresAt: number) {
  if (quotas.take(username, 2) !== null) throw new Error('no places')
  const port = relayPorts.claimEven(0, true) + 1
  if (port === 1) throw new Error('no ports')
  return { port, token: reservations.add(username, 0, port, expiresAt, random) }
}

t.test('Reservations', async (t) => {
  t.test('gives each reservation an unpredictable token of 8 bytes (RFC 8656 §18.9)', async (t) => {
    const worker = soleWorker({ maxAllocations: 2000 })
    const tokens = Array.from({ length: 1000 }, () => reserve(worker, 'a', 3000).token)
    t.ok(tokens.every((token) => token.length === RESERVATION_TOKEN_LENGTH && RESERVATION_TOKEN_LENGTH === 8))
    t.equal(new Set(tokens.map((token) => Buffer.from(token).toString('hex'))).size, 1000)
    for (const [start, end] of [
      [0, 4],
      [4, 8],
    ]) {
      const halves = new Set(tokens.map((token) => Buffer.from(token.subarray(start, end)).toString('hex')))
      t.ok(halves.size > 990, 'each half is random')
    }
    t.equal(worker.reservations.size, 1000)
  })

  t.test('a token is good once, for its user, until it expires', async (t) => {
    const worker = soleWorker()
    const { reservations } = worker
    const { token, port } = reserve(worker, 'a', 3000)
    reserve(worker, 'b', 3000)
    t.equal(reservations.claim(token, 'b', 0), null, 'another user')
    t.equal(reservations.claim(new Uint8Array(8), 'a', 0), null, 'another token')
    for (const index of [0, 3, 4, 7]) {
      const wrong = token.slice()
      wrong[index] ^= 1
      t.equal(reservations.claim(wrong, 'a', 0), null, `another byte ${index}`)
    }
    t.equal(reservations.claim(token, 'a', 3000), null, 'expired')
    t.equal(reservations.size, 2, 'it is still there')
    t.same(reservations.claim(Uint8Array.of(9, ...token).subarray(1), 'a', 2999), { hostIndex: 0, port })
    t.equal(reservations.claim(token, 'a', 2999), null, 'used')
    t.equal(reservations.size, 1)
    t.equal(worker.quotas.heldBy('a'), 2, 'its place is the claimer’s')
    t.equal(worker.relayPorts.claimReserved(0, port), true, 'and so is its port')
  })

  t.test('lets go of what has expired, at the tick and not before, and once', async (t) => {
    const worker = soleWorker()
    const { reservations, relayPorts, quotas } = worker
    reserve(worker, 'a', 3000)
    reserve(worker, 'b', 3002)
    const claimed = reserve(worker, 'b', 3001)
    reserve(worker, 'a', 3000)
    const left = (now: number) => {
      reservations.expire(now)
      return [reservations.size, relayPorts.claimedCount(), quotas.held, quotas.heldBy('a'), quotas.heldBy('b')]
    }
    t.same(left(2999), [4, 8, 8, 4, 4])
    t.same(left(3000), [2, 6, 6, 2, 4])
    t.same(left(3000), [2, 6, 6, 2, 4])
    t.ok(reservations.claim(claimed.token, 'b', 3000))
    t.same(left(3001), [1, 6, 6, 2, 4])
    t.same(left(3002), [0, 5, 5, 2, 3])
    t.same(left(9000), [0, 5, 5, 2, 3])
    reserve(worker, 'a', 9001)
    t.same(left(9001), [0, 6, 6, 3, 3], 'also one that comes after all others have gone')
  })
})

t.test('Reservations of several workers', async (t) => {
  t.test('are claimed by any of them, which takes place and port over', async (t) => {
    const [maker, claimer] = workersOn(tablesOf({ workerCount: 2 }))
    const { token, port } = reserve(maker, 'a', 3000)
    t.same(claimer.reservations.claim(token, 'a', 0), { hostIndex: 0, port })
    t.equal(maker.reservations.claim(token, 'a', 0), null)
    t.equal(claimer.relayPorts.claimReserved(0, port), true)
    t.equal(claimer.quotas.held, 2)
    claimer.quotas.give('a')
    t.throws(() => claimer.quotas.give('a'), /given back twice/, 'the other place is the maker’s')
    maker.quotas.give('a')
    t.equal(maker.quotas.held, 0)
  })

  t.test('expire under any of them, which gives back the place of the one that made it', async (t) => {
    const [maker, sweeper] = workersOn(tablesOf({ workerCount: 2 }))
    reserve(maker, 'a', 3000)
    sweeper.quotas.take('a')
    sweeper.reservations.expire(3000)
    t.equal(maker.reservations.size, 0)
    t.equal(maker.relayPorts.claimedCount(), 1)
    t.equal(maker.quotas.heldBy('a'), 2)
    maker.quotas.give('a')
    t.throws(() => maker.quotas.give('a'), /given back twice/)
    sweeper.quotas.give('a')
    t.equal(maker.quotas.held, 0)
  })
})
