// Users for a test from a browser: every worker knows them when they are handed out, and nobody afterwards.
import { mock } from 'node:test'
import t from 'tap'
import { TemporaryUsers } from '../../src/auth/temporary-users.js'
import { TEST_USER_COUNT_MAX, TEST_USER_SECONDS } from '../../src/limits/turn.js'
import { TestUsers } from '../../src/server/test-users.js'
import { until } from '../command/until.js'
import { ENGINES_IN_TIME, NATIVE } from '../support/engines.js'
import { openStage, type RelayingStage, STAGE_SCHEMES } from './relaying-stage.js'

const OPTIONS = { minPort: 29_000, maxPort: 29_099 }
/** The kernel puts clients on one of two workers: all on the same is one run in 2^10. */
const CLIENT_COUNT = 11

const codeFor = async ({ connect }: RelayingStage, user: { username: string; password: string }, scheme = 'udp') => {
  const client = await connect(scheme as Parameters<RelayingStage['connect']>[0], user)
  return (await client.allocate()).code
}

for (const engine of ENGINES_IN_TIME) {
  t.test(`a test user on the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const stage = await openStage(t, engine, OPTIONS)
    const users = new TestUsers(stage.users.temporaryUsers, stage.relaying)
    t.teardown(() => users.close())

    t.test('is known to every worker at once', async (t) => {
      const user = await users.make()
      t.match(user, { username: /^test-[0-9a-f]{8}$/, password: /^[\w-]{24}$/ })
      const secondsLeft = (Date.parse(user.expiresTime) - Date.now()) / 1000
      t.ok(secondsLeft > TEST_USER_SECONDS - 5 && secondsLeft <= TEST_USER_SECONDS)
      const codes = Array.from({ length: CLIENT_COUNT }, () => codeFor(stage, user))
      t.same(new Set(await Promise.all(codes)), new Set([0]))
      for (const scheme of STAGE_SCHEMES) t.equal(await codeFor(stage, user, scheme), 0, scheme)
      t.equal(await codeFor(stage, { ...user, password: 'wrong' }), 401)
    })

    t.test('makes room for the newest of many', async (t) => {
      const first = await users.make()
      const second = await users.make()
      for (let count = 0; count < TEST_USER_COUNT_MAX - 1; count++) await users.make()
      for (const scheme of STAGE_SCHEMES) {
        t.equal(await codeFor(stage, first, scheme), 401, scheme)
        t.equal(await codeFor(stage, second, scheme), 0, scheme)
      }
    })
  })
}

t.test('a test user is known to the successor of a dead worker', { skip: NATIVE.skip }, async (t) => {
  process.env.TURND_TEST_CRASH_WORKER = '0'
  t.teardown(() => delete process.env.TURND_TEST_CRASH_WORKER)
  const stage = await openStage(t, { ...NATIVE, options: { engine: 'native', workers: 1 } }, OPTIONS)
  const users = new TestUsers(stage.users.temporaryUsers, stage.relaying)
  t.teardown(() => users.close())
  const user = await users.make()
  process.kill(process.pid, 'SIGUSR2')
  await until(() => stage.deaths.length === 1, 'it has died')
  t.equal(await codeFor(stage, user), 0)
})

t.test('a test user is forgotten when its time is over, and when not every worker has heard of it', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const store = new TemporaryUsers('turnd')
  let isSilent = false
  const ask = async () => {
    if (isSilent) throw new Error('silent')
    return [true]
  }
  const users = new TestUsers(store, { ask: ask as never })
  const { username } = await users.make()
  mock.timers.tick(TEST_USER_SECONDS * 1000 - 1)
  t.match(store.find(username), { username })
  mock.timers.tick(1)
  t.equal(store.find(username), 'unknown-user')
  isSilent = true
  await t.rejects(users.make(), { message: 'silent' })
  t.same(store.pack().usernames, [])
})
