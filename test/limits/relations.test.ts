// The bounds: each relation between them is one that a changed bound can break, and is broken in turn; none is without a unit.
import t from 'tap'
import { LIMITS, type LimitName, type Limits, type Relation } from '../../src/limits/relation.js'
import { brokenRelations, RELATIONS } from '../../src/limits/relations.js'

/** Values that contradict what most bounds are: nothing, one more and less, a multiple, and what no table has. */
const changesOf = (value: number): number[] => [0, value - 1, value + 1, value * 3, Math.floor(value / 3), 1e15]

/** What a relation says when one of its bounds has another value; '' if it holds whatever the value is. */
function sentenceOf({ of, reason }: Relation, name: LimitName): string {
  for (const value of changesOf(LIMITS[name])) {
    const changed: Limits = { ...LIMITS, [name]: value }
    const expected = `${of.map((each) => `${each} ${changed[each]}`).join(', ')} do not go together: ${reason}`
    if (brokenRelations(changed).includes(expected)) return expected
  }
  return ''
}

t.test('the bounds', async (t) => {
  t.test('go together', async (t) => t.same(brokenRelations(LIMITS), []))

  t.test('are numbers above 0, whole unless they are percents', async (t) => {
    for (const [name, value] of Object.entries(LIMITS)) {
      t.ok(value > 0 && (Number.isSafeInteger(value) || (name.includes('_PERCENT') && value <= 100)), name)
    }
  })

  t.test('have each its own name', async (t) => {
    const names = RELATIONS.flatMap(({ of }) => of)
    for (const name of names) t.ok(name in LIMITS, name)
  })
})

t.test('each relation', async (t) => {
  t.test('is broken by each of its bounds, and says which they are and why they must go together', async (t) => {
    for (const relation of RELATIONS) {
      for (const name of relation.of) t.not(sentenceOf(relation, name), '', `${name}: ${relation.reason}`)
    }
  })

  t.test('has a reason, and is there once', async (t) => {
    const keys = RELATIONS.map(({ of, reason }) => `${of.join()} ${reason}`)
    t.equal(new Set(keys).size, keys.length)
    for (const { of, reason } of RELATIONS) t.ok(of.length > 0 && reason.length > 10, reason)
  })

  t.test('stands alone when it is the only one that is broken', async (t) => {
    const broken = brokenRelations({ ...LIMITS, UNAUTHENTICATED_BURST_SECONDS: 1 })
    t.equal(broken.length, 1, broken.join('\n'))
    t.match(broken[0], /^FAILURE_COUNT_MAX 200, .*, UNAUTHENTICATED_BURST_SECONDS 1 do not go together: /)
  })
})
