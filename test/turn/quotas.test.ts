import t from 'tap'
import type { Quotas } from '../../src/turn/quotas.js'
import { SeededRandom } from '../support/random.js'
import { soleWorker, tablesOf, workersOn } from '../support/shared-stage.js'

function quotasOf(maxAllocations: number, userQuota: number): Quotas {
  return soleWorker({ maxAllocations, userQuota }).quotas
}

t.test('Quotas', async (t) => {
  t.test('gives exactly as many places as the licence has', async (t) => {
    const quotas = quotasOf(3, 0)
    for (const user of ['a', 'b', 'c']) t.equal(quotas.take(user), null)
    t.equal(quotas.take('d'), 'licence')
    t.equal(quotas.held, 3)
    quotas.give('b')
    t.equal(quotas.take('d'), null)
    t.equal(quotas.take('d'), 'licence')
  })

  t.test('gives each user as many as the user quota, and 0 is no limit', async (t) => {
    const quotas = quotasOf(100, 2)
    t.same([quotas.take('a'), quotas.take('a'), quotas.take('a')], [null, null, 'user-quota'])
    t.equal(quotas.take('b'), null, 'another user is not concerned')
    quotas.give('a')
    t.equal(quotas.take('a'), null)
    const unlimited = quotasOf(100, 0)
    for (let count = 0; count < 100; count++) t.equal(unlimited.take('a'), null)
  })

  t.test('takes two places or none', async (t) => {
    const quotas = quotasOf(4, 3)
    t.equal(quotas.take('a', 2), null)
    t.equal(quotas.take('a', 2), 'user-quota')
    t.equal(quotas.heldBy('a'), 2)
    t.equal(quotas.take('b'), null)
    t.equal(quotas.take('c', 2), 'licence')
    t.equal(quotas.held, 3)
    t.equal(quotas.heldBy('c'), 0)
  })

  t.test('names the user quota before the licence (RFC 8656 §7.2: 486 before 508)', async (t) => {
    const quotas = quotasOf(1, 1)
    quotas.take('a')
    t.equal(quotas.take('a'), 'user-quota')
    t.equal(quotas.take('b'), 'licence')
  })

  t.test('has no place for a licence of 0', async (t) => {
    t.equal(quotasOf(0, 0).take('a'), 'licence')
  })

  t.test('remembers no user who holds nothing, and notices a place that is given back twice', async (t) => {
    const quotas = quotasOf(10, 0)
    quotas.take('a')
    quotas.give('a')
    t.equal(quotas.heldBy('a'), 0)
    t.equal(quotas.held, 0)
    t.throws(() => quotas.give('a'), /given back twice/)
    t.equal(quotas.held, 0)
  })

  t.test('keeps names apart that look like properties of objects', async (t) => {
    const quotas = quotasOf(10, 1)
    for (const user of ['__proto__', 'constructor', 'toString', '']) {
      t.equal(quotas.heldBy(user), 0)
      t.equal(quotas.take(user), null)
      t.equal(quotas.take(user), 'user-quota')
    }
  })
})

t.test('Quotas of several workers', async (t) => {
  t.test('count together, licence and user quota', async (t) => {
    const tables = tablesOf({ maxAllocations: 5, workerCount: 3 })
    const [a, b, c] = workersOn(tables, 3).map(({ quotas }) => quotas)
    t.same([a.take('u'), b.take('u'), c.take('u')], [null, null, null])
    for (const quotas of [a, b, c]) {
      t.equal(quotas.heldBy('u'), 3)
      t.equal(quotas.take('u'), 'user-quota')
      t.equal(quotas.held, 3)
    }
    t.same([b.take('v', 2), a.take('w'), c.take('w')], [null, 'licence', 'licence'])
    b.give('v')
    t.equal(a.take('w'), null)
  })

  t.test('give back only what they have taken themselves', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const [a, b] = workersOn(tables).map(({ quotas }) => quotas)
    a.take('u')
    t.throws(() => b.give('u'), /given back twice/)
    t.equal(a.heldBy('u'), 1)
    a.give('u')
    t.equal(a.held, 0)
  })

  t.test('know as many users as there are places, in any order of coming and going', async (t) => {
    const capacity = 64
    const tables = tablesOf({ maxAllocations: capacity, workerCount: 2 })
    const [a, b] = workersOn(tables).map(({ quotas }) => quotas)
    const random = new SeededRandom(5)
    const held = new Map<string, Quotas[]>()
    let count = 0
    for (let step = 0; step < 20_000; step++) {
      const user = `user${random.nextInt(200)}`
      const holders = held.get(user) ?? []
      if (random.oneIn(2) && holders.length > 0) {
        holders.pop()?.give(user)
        count--
      } else {
        const quotas = random.oneIn(2) ? a : b
        const refusal = quotas.take(user)
        if ((refusal === null) !== count < capacity) throw new Error(`${refusal} at ${count}`)
        if (refusal !== null) continue
        holders.push(quotas)
        count++
      }
      held.set(user, holders)
      if (a.held !== count || b.heldBy(user) !== holders.length) throw new Error(`${user}: ${b.heldBy(user)}`)
    }
    for (const [user, holders] of held) t.equal(a.heldBy(user), holders.length)
    t.ok(count > capacity / 2, 'the table was full often enough')
  })
})
