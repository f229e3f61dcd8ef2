import t from 'tap'
import { Quotas } from '../../src/turn/quotas.js'

t.test('Quotas', async (t) => {
  t.test('gives exactly as many places as the licence has', async (t) => {
    const quotas = new Quotas(3, 0)
    for (const user of ['a', 'b', 'c']) t.equal(quotas.take(user), null)
    t.equal(quotas.take('d'), 'licence')
    t.equal(quotas.held, 3)
    quotas.give('b')
    t.equal(quotas.take('d'), null)
    t.equal(quotas.take('d'), 'licence')
  })

  t.test('gives each user as many as the user quota, and 0 is no limit', async (t) => {
    const quotas = new Quotas(100, 2)
    t.same([quotas.take('a'), quotas.take('a'), quotas.take('a')], [null, null, 'user-quota'])
    t.equal(quotas.take('b'), null, 'another user is not concerned')
    quotas.give('a')
    t.equal(quotas.take('a'), null)
    const unlimited = new Quotas(100, 0)
    for (let count = 0; count < 100; count++) t.equal(unlimited.take('a'), null)
  })

  t.test('takes two places or none', async (t) => {
    const quotas = new Quotas(4, 3)
    t.equal(quotas.take('a', 2), null)
    t.equal(quotas.take('a', 2), 'user-quota')
    t.equal(quotas.heldBy('a'), 2)
    t.equal(quotas.take('b'), null)
    t.equal(quotas.take('c', 2), 'licence')
    t.equal(quotas.held, 3)
    t.equal(quotas.heldBy('c'), 0)
  })

  t.test('names the user quota before the licence (RFC 8656 §7.2: 486 before 508)', async (t) => {
    const quotas = new Quotas(1, 1)
    quotas.take('a')
    t.equal(quotas.take('a'), 'user-quota')
    t.equal(quotas.take('b'), 'licence')
  })

  t.test('has no place for a licence of 0', async (t) => {
    t.equal(new Quotas(0, 0).take('a'), 'licence')
  })

  t.test('remembers no user who holds nothing, and notices a place that is given back twice', async (t) => {
    const quotas = new Quotas(10, 0)
    quotas.take('a')
    quotas.give('a')
    t.equal(quotas.heldBy('a'), 0)
    t.equal(quotas.held, 0)
    t.throws(() => quotas.give('a'), /given back twice/)
    t.equal(quotas.held, 0)
  })

  t.test('keeps names apart that look like properties of objects', async (t) => {
    const quotas = new Quotas(10, 1)
    for (const user of ['__proto__', 'constructor', 'toString', '']) {
      t.equal(quotas.heldBy(user), 0)
      t.equal(quotas.take(user), null)
      t.equal(quotas.take(user), 'user-quota')
    }
  })
})
