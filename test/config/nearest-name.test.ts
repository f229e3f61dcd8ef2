import fc from 'fast-check'
import t from 'tap'
import { editDistance, nearestName, nearestOption } from '../../src/config/nearest-name.js'

t.test('the nearest name', async (t) => {
  t.test('is the one with the fewest edits, a swap of neighbours being one', async (t) => {
    for (const [a, b, distance] of [
      ['', '', 0],
      ['abc', 'abc', 0],
      ['', 'abc', 3],
      ['kitten', 'sitting', 3],
      ['ab', 'ba', 1],
      ['abcd', 'acbd', 1],
      ['ca', 'abc', 3],
    ] as const) {
      t.equal(editDistance(a, b), distance, `${a} ${b}`)
    }
  })

  t.test('has a distance that is symmetric and no more than the longer length', async () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const distance = editDistance(a, b)
        return (
          distance === editDistance(b, a) && distance <= Math.max(a.length, b.length) && (distance === 0) === (a === b)
        )
      }),
    )
  })

  t.test('is near enough to be worth a suggestion', async (t) => {
    t.equal(nearestName('realn', ['realm', 'real']), 'realm')
    t.equal(nearestName('log', ['realm', 'log-level']), 'log-level')
    t.equal(nearestName('config-file', ['config', 'users-file']), 'config')
    t.equal(nearestName('abcde', ['abcxy']), 'abcxy')
    t.equal(nearestName('abcde', ['abxyz']), null)
    t.equal(nearestName('x', []), null)
  })

  t.test('is found in any spelling, and by the names of coturn', async (t) => {
    for (const name of ['min-prt', 'minPrt', 'MIN_PRT', 'min_prt', 'minport']) {
      t.match(nearestOption(name), { option: { name: 'min-port' }, isCoturnName: false }, name)
    }
    t.match(nearestOption('pkey'), { option: { name: 'key' }, isCoturnName: true })
    t.match(nearestOption('static_auth_secret'), { option: { name: 'auth-secret' }, isCoturnName: true })
    t.equal(nearestOption('xyzzy'), null)
  })
})
