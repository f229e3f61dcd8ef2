// The main thread's side of outside stores, with stores that do what the test says.
import { pino } from 'pino'
import t from 'tap'
import type { OutsideAnswer, OutsideQuery, OutsideStore, StateOfStore } from '../../src/auth/outside-store.js'
import {
  LOOKUP_CONCURRENT_COUNT_MAX,
  LOOKUP_WAITING_COUNT_MAX,
  OUTSIDE_USER_COUNT_MAX,
  STORE_FAILURE_COUNT_MAX,
  STORE_PATIENCE_MILLISECONDS,
} from '../../src/limits/outside.js'
import { OutsideUsers } from '../../src/server/outside-users.js'

const KEY = new Uint8Array(16).fill(5)
const UNKNOWN: OutsideAnswer = { kind: 'unknown' }
const found = (freshSeconds: number | null = null): OutsideAnswer => ({ kind: 'found', md5Key: KEY, freshSeconds })

type Clock = { ms: number }
type Lookup = (query: OutsideQuery, signal: AbortSignal, clock: Clock) => Promise<OutsideAnswer>

class TestStore implements OutsideStore, StateOfStore {
  onProblem: StateOfStore['onProblem'] = null
  readonly problem: string | null
  readonly name: string
  readonly queries: OutsideQuery[] = []
  isClosed = false
  answer: Lookup
  readonly #clock: Clock

  constructor(name: string, answer: Lookup, clock: Clock, problem: string | null) {
    this.problem = problem
    this.name = name
    this.answer = answer
    this.#clock = clock
  }

  lookup(query: OutsideQuery, signal: AbortSignal): Promise<OutsideAnswer> {
    this.queries.push(query)
    return this.answer(query, signal, this.#clock)
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

function stage(answers: readonly Lookup[], settings = {}, problem: string | null = null) {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const clock = { ms: 1_000_000 }
  const stores = answers.map((answer, index) => new TestStore(`--store-${index + 1}`, answer, clock, problem))
  const users = new OutsideUsers(
    stores,
    { realm: 'example.org', lookupTimeout: 2, lookupTtl: 60, ...settings },
    logger,
    { nowMs: () => clock.ms },
  )
  const ask = (username = 'carol', mayBeRemembered = true) =>
    users.ask({ username, source: '192.0.2.7', mayBeRemembered })
  const events = () => lines.map(({ event }) => event)
  return { ask, clock, events, lines, stores, users }
}

const says = (answer: OutsideAnswer) => async () => answer
const fails = async (): Promise<OutsideAnswer> => {
  throw new Error('connection refused')
}

/** After its patience. */
const isSilent: Lookup = async (_query, _signal, clock) => {
  clock.ms += STORE_PATIENCE_MILLISECONDS
  throw new Error('no answer within 2 s')
}

t.test('a question', async (t) => {
  t.test('goes to the stores in turn, and the first that knows the name decides', async (t) => {
    const { ask, stores } = stage([says(UNKNOWN), says({ kind: 'refused', detail: 'suspended' }), says(found())])
    t.match(await ask(), { username: 'carol', outcome: 'refused', md5Key: null })
    t.same(stores[1].queries, [{ username: 'carol', realm: 'example.org', source: '192.0.2.7' }])
    t.equal(stores[2].queries.length, 0)
  })

  t.test('that nobody knows is unknown; failed if a store that might know does not say', async (t) => {
    t.match(await stage([says(UNKNOWN), says(UNKNOWN)]).ask(), { outcome: 'unknown' })
    t.match(await stage([fails, says(UNKNOWN)]).ask(), { outcome: 'failed', md5Key: null })
    t.match(await stage([fails, says(found())]).ask(), { outcome: 'found' })
  })

  t.test('that is asked several times at once is one look-up', async (t) => {
    const { ask, stores } = stage([says(found())])
    const verdicts = await Promise.all([ask(), ask(), ask('dave'), ask()])
    t.same(
      verdicts.map(({ username }) => username),
      ['carol', 'carol', 'dave', 'carol'],
    )
    t.equal(stores[0].queries.length, 2)
  })

  t.test('is answered from memory while that is fresh, unless it must not be', async (t) => {
    const { ask, clock, stores, users } = stage([says(found())])
    await ask()
    clock.ms += 59_500
    t.match(await ask(), { outcome: 'found', ageSeconds: 59, freshSeconds: 0, md5Key: KEY })
    t.equal(stores[0].queries.length, 1)
    await ask('carol', false)
    t.equal(stores[0].queries.length, 2)
    clock.ms += 60_000
    await ask()
    t.equal(stores[0].queries.length, 3)
    t.match(users.facts(), { lookups: { found: 3, remembered: 1 }, knownUsers: 1 })
  })

  t.test('is fresh for as long as the store says, which may be not at all', async (t) => {
    const { ask, clock, stores } = stage([async ({ username }) => found(username === 'never' ? 0 : 7)])
    await ask()
    clock.ms += 6_999
    await ask()
    t.equal(stores[0].queries.length, 1)
    clock.ms += 1
    await ask()
    t.equal(stores[0].queries.length, 2)
    await ask('never')
    await ask('never')
    t.equal(stores[0].queries.length, 4)
  })

  t.test('of which a store has said no is forgotten', async (t) => {
    const { ask, stores, users } = stage([says(found())])
    await ask()
    stores[0].answer = says({ kind: 'refused', detail: 'suspended' })
    await ask('carol', false)
    t.equal(users.refusalDetail('carol'), 'suspended')
    stores[0].answer = fails
    t.match(await ask(), { outcome: 'failed', md5Key: null })
    stores[0].answer = says(UNKNOWN)
    await ask()
    t.equal(users.refusalDetail('carol'), '')
  })
})

t.test('a store that fails', async (t) => {
  t.test('is down after some failures in a row, and up again with the first answer', async (t) => {
    const { ask, clock, events, lines, stores, users } = stage([fails])
    for (let count = 1; count < STORE_FAILURE_COUNT_MAX; count++) await ask(`user ${count}`)
    t.same(events(), [])
    t.same(users.problems(), [])
    await ask()
    t.same(events(), ['user-store-down'])
    t.match(lines[0], { store: '--store-1', problem: 'connection refused', level: 40 })
    t.same(users.problems(), [{ name: '--store-1', problem: 'connection refused' }])
    t.match(await ask(), { outcome: 'failed' })
    t.equal(stores[0].queries.length, STORE_FAILURE_COUNT_MAX + 1, 'who fails at once keeps nobody waiting')
    clock.ms += 4_000
    stores[0].answer = says(found())
    t.match(await ask(), { outcome: 'found' })
    t.same(events(), ['user-store-down', 'user-store-up'])
    t.match(lines[1], { seconds: 4 })
    t.same(users.problems(), [])
  })

  t.test('by silence rests: nobody waits for it, and one tries every second', async (t) => {
    const { ask, clock, stores } = stage([isSilent])
    for (let count = 1; count < STORE_FAILURE_COUNT_MAX; count++) t.match(await ask(), { outcome: 'failed' })
    t.match(await ask(), { outcome: 'down' })
    t.match(await ask(), { outcome: 'down' })
    t.equal(stores[0].queries.length, STORE_FAILURE_COUNT_MAX)
    clock.ms += 1_000
    await Promise.all([ask('one'), ask('two'), ask('three')])
    t.equal(stores[0].queries.length, STORE_FAILURE_COUNT_MAX + 1)
    clock.ms += 1_000
    stores[0].answer = says(found())
    t.match(await ask(), { outcome: 'found' })
    t.match(await ask('one'), { outcome: 'found' })
  })

  t.test(
    'by its own word is down while nobody asks, and up when it says so, whatever look-ups have seen',
    async (t) => {
      const { ask, events, stores, users } = stage([isSilent], {}, 'Redis refuses connections')
      t.match(users.problems(), [{ name: '--store-1', problem: 'Redis refuses connections' }])
      stores[0].onProblem?.(null)
      t.same(users.problems(), [])
      for (let count = 0; count < STORE_FAILURE_COUNT_MAX; count++) await ask(`user${count}`)
      t.match(users.problems(), [{ problem: 'no answer within 2 s' }])
      stores[0].onProblem?.('Redis gives no answer')
      stores[0].onProblem?.(null)
      t.same(users.problems(), [])
      t.same(events(), ['user-store-down', 'user-store-up'])
      stores[0].answer = says(found())
      t.match(await ask(), { outcome: 'found' }, 'it need not rest')
    },
  )

  t.test('now and then is not down', async (t) => {
    const { ask, events, stores } = stage([fails])
    for (let count = 0; count < 3 * STORE_FAILURE_COUNT_MAX; count++) {
      stores[0].answer = count % STORE_FAILURE_COUNT_MAX === 0 ? says(UNKNOWN) : fails
      await ask()
    }
    t.same(events(), [])
  })

  t.test('leaves who is known with what was said last, however old', async (t) => {
    const { ask, clock, stores } = stage([says(found())])
    await ask()
    stores[0].answer = fails
    clock.ms += 3_600_000
    t.match(await ask(), { outcome: 'failed', md5Key: KEY, ageSeconds: 3600, freshSeconds: 0 })
  })

  t.test('by silence, and does not heed its signal, is not waited for', async (t) => {
    let signal: AbortSignal | undefined
    const { ask } = stage(
      [
        (_query, given) => {
          signal = given
          return new Promise(() => {})
        },
      ],
      { lookupTimeout: 0.05 },
    )
    t.match(await ask(), { outcome: 'failed' })
    t.equal(signal?.aborted, true)
  })
})

t.test('bounds', async (t) => {
  t.test('of look-ups at once, and of those that wait for their turn', async (t) => {
    const releases: (() => void)[] = []
    const { ask, stores } = stage([() => new Promise((resolve) => releases.push(() => resolve(UNKNOWN)))], {
      lookupTimeout: 60,
    })
    const asked = Array.from({ length: LOOKUP_WAITING_COUNT_MAX }, (_, index) => ask(`user ${index}`))
    t.match(await ask('one too many'), { outcome: 'failed' })
    t.equal(stores[0].queries.length, LOOKUP_CONCURRENT_COUNT_MAX)
    t.equal(releases.length, LOOKUP_CONCURRENT_COUNT_MAX)
    let answered = 0
    for (const each of asked) void each.then(() => answered++)
    while (answered < asked.length) {
      t.ok(releases.length <= LOOKUP_CONCURRENT_COUNT_MAX)
      for (const release of releases.splice(0)) release()
      await new Promise(setImmediate)
    }
    t.equal(stores[0].queries.length, LOOKUP_WAITING_COUNT_MAX)
  })

  t.test('of users that are remembered: who was asked for least recently makes room', async (t) => {
    const { ask, stores, users } = stage([says(found())])
    for (let index = 0; index < OUTSIDE_USER_COUNT_MAX; index++) await ask(`user ${index}`)
    await ask('user 0')
    await ask('one more')
    t.equal(users.facts().knownUsers, OUTSIDE_USER_COUNT_MAX)
    const { length } = stores[0].queries
    await ask('user 0')
    t.equal(stores[0].queries.length, length)
    await ask('user 1')
    t.equal(stores[0].queries.length, length + 1)
  })
})

t.test('close', async (t) => {
  t.test('closes every store', async (t) => {
    const { stores, users } = stage([says(UNKNOWN), says(UNKNOWN)])
    await users.close()
    t.same(
      stores.map(({ isClosed }) => isClosed),
      [true, true],
    )
  })

  t.test('ends look-ups, and tells nobody that the store is down: it was left', async (t) => {
    const ends: (() => void)[] = []
    const waits: Lookup = () =>
      new Promise((_resolve, reject) => ends.push(() => reject(new Error('not asked any more'))))
    const { ask, events, users } = stage([waits])
    const asked = Array.from({ length: STORE_FAILURE_COUNT_MAX }, (_, index) => ask(`user ${index}`))
    await new Promise(setImmediate)
    await users.close()
    for (const end of ends) end()
    t.match(await Promise.all(asked), [{ outcome: 'failed' }, { outcome: 'failed' }, { outcome: 'failed' }])
    t.same(events(), [])
    t.same(users.problems(), [])
    t.equal(users.refusalDetail('user 0'), '--store-1: not asked any more')
  })
})
