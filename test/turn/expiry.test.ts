import fc from 'fast-check'
import t from 'tap'
import { TransportAddress } from '../../src/stun/address.js'
import { Allocation, Relay, TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import { ExpiryWheel } from '../../src/turn/expiry.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'

const ALLOCATION = new Allocation(new FiveTuple(), 'alice', 0, new Uint8Array(12))

function scheduled(wheel: ExpiryWheel, id: number, expiresAt: number): Relay {
  const relay = new Relay(id, ALLOCATION, 0, new TransportAddress(), new TransportAddress())
  relay.expiresAt = expiresAt
  wheel.schedule(relay)
  return relay
}

function expiredAt(wheel: ExpiryWheel, now: number): number[] {
  const ids: number[] = []
  wheel.advance(now, (relay) => ids.push(relay.id))
  return ids
}

t.test('ExpiryWheel', async (t) => {
  t.test('calls for a relay at its second, not a tick before, and once', async (t) => {
    const wheel = new ExpiryWheel()
    scheduled(wheel, 1, 60_000)
    t.same(expiredAt(wheel, 59_999), [])
    t.same(expiredAt(wheel, 60_000), [1])
    t.same(expiredAt(wheel, 600_000), [])
  })

  t.test('never calls early, and at most a second late, for an expiry between seconds', async (t) => {
    const wheel = new ExpiryWheel()
    scheduled(wheel, 1, 60_050)
    t.same(expiredAt(wheel, 60_049), [])
    t.same(expiredAt(wheel, 60_050 + TICKS_PER_SECOND), [1])
  })

  t.test('follows a lifetime that was made longer or shorter', async (t) => {
    const wheel = new ExpiryWheel()
    const longer = scheduled(wheel, 1, 60_000)
    const shorter = scheduled(wheel, 2, 360_000)
    longer.expiresAt = 120_000
    wheel.schedule(longer)
    shorter.expiresAt = 70_000
    wheel.schedule(shorter)
    t.same(expiredAt(wheel, 69_900), [])
    t.same(expiredAt(wheel, 70_000), [2])
    t.same(expiredAt(wheel, 119_900), [])
    t.same(expiredAt(wheel, 120_000), [1])
  })

  t.test('calls for every one of a second, also when the calls remove others of it', async (t) => {
    const wheel = new ExpiryWheel()
    const relays = [0, 1, 2, 3, 4, 5].map((id) => scheduled(wheel, id, 60_000))
    wheel.remove(relays[3])
    wheel.remove(relays[3])
    const seen: number[] = []
    wheel.advance(60_000, (relay) => {
      seen.push(relay.id)
      // A dual allocation takes its other relay along.
      if (relay.id === 5) wheel.remove(relays[4])
      if (relay.id === 2) wheel.remove(relays[0])
    })
    t.same(seen, [5, 2, 1])
    t.same(expiredAt(wheel, 1_000_000), [])
  })

  t.test('misses nothing when the process was stopped for hours', async (t) => {
    for (const pauseSeconds of [3599, 3600, 3601, 3602, 3603, 3604, 100_000]) {
      const wheel = new ExpiryWheel()
      wheel.advance(500, () => {})
      for (let seconds = 600; seconds <= 3600; seconds += 100) scheduled(wheel, seconds, 500 + seconds * 100)
      const now = 500 + pauseSeconds * TICKS_PER_SECOND
      const due = Array.from({ length: 31 }, (_, index) => 600 + index * 100).filter((id) => id <= pauseSeconds)
      t.same(
        expiredAt(wheel, now).sort((a, b) => a - b),
        due,
        `${pauseSeconds} s`,
      )
    }
  })

  t.test('agrees with a list of expiries after any order of refreshes, removals and pauses', async (t) => {
    const step = fc.record({
      kind: fc.constantFrom('schedule', 'remove', 'advance'),
      id: fc.nat(7),
      seconds: fc.integer({ min: 600, max: 3600 }),
      pauseTicks: fc.oneof(fc.nat(500), fc.nat(800_000)),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const wheel = new ExpiryWheel()
        const relays = Array.from({ length: 8 }, (_, id) => {
          return new Relay(id, ALLOCATION, 0, new TransportAddress(), new TransportAddress())
        })
        const expected = new Set<number>()
        let now = 0
        for (const { kind, id, seconds, pauseTicks } of steps) {
          if (kind === 'schedule') {
            relays[id].expiresAt = now + seconds * TICKS_PER_SECOND
            wheel.schedule(relays[id])
            expected.add(id)
          } else if (kind === 'remove') {
            wheel.remove(relays[id])
            expected.delete(id)
          } else {
            now += pauseTicks
            for (const expired of expiredAt(wheel, now)) {
              // Never early, never one that was removed, never twice.
              if (relays[expired].expiresAt > now || !expected.delete(expired)) return false
            }
            // Never more than a second late.
            for (const left of expected) if (relays[left].expiresAt <= now - TICKS_PER_SECOND) return false
          }
        }
        return true
      }),
      { numRuns: 500, seed: 1 },
    )
    t.pass()
  })
})
