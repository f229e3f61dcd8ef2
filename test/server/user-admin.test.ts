// Users of a running server, changed as the page and the API do: what a client notices on both engines, what is kept, and what is refused.
import crypto from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AdminProblem } from '../../src/admin/administered.js'
import { GENERATED_USER_FILE, GENERATED_USER_NAME } from '../../src/auth/state-dir.js'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import { addUser as addLine, listUsers } from '../../src/auth/users-file-edit.js'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { SCRYPT_RUNNING_COUNT_MAX, SCRYPT_WAITING_COUNT_MAX } from '../../src/limits/passwords.js'
import type { Refusal } from '../../src/log/refusals.js'
import { chooseEngine } from '../../src/net/choose-engine.js'
import { openRelaying } from '../../src/server/open-relaying.js'
import { resolveRelayHosts } from '../../src/server/relay-hosts.js'
import { UserAdmin } from '../../src/server/user-admin.js'
import { loadUsers } from '../../src/server/users.js'
import { until } from '../command/until.js'
import { temporaryDirectory } from '../support/certificate.js'
import '../support/cheap-scrypt.js'
import { connectUdp } from '../support/client-transport.js'
import { ENGINES_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import { TurnClient } from '../support/turn-client.js'
import { settingsOf } from './settings.js'

/** Clients of one test: the kernel spreads them over the workers. */
const CLIENT_COUNT = 6
const ADMIN = { name: 'root', role: 'admin', password: 'correct horse' } as const

t.setTimeout(240_000)

/** Users without a server; with the real users file. */
function administer(t: Test, options: TurnServerOptions, counts = new Map<string, number>()) {
  const allocationCounts = () => Promise.resolve(counts)
  const settings = settingsOf(options)
  const problems: string[] = []
  const users = loadUsers(settings, options.stateDir !== undefined, (problem) => problems.push(problem))
  t.teardown(() => users.usersFile?.close())
  const admin = new UserAdmin({ settings: () => settings, users: () => users, allocationCounts })
  return { admin, problems, settings, users }
}

async function start(t: Test, engine: EngineUnderTest, options: TurnServerOptions = {}) {
  const stateDir = temporaryDirectory()
  const started = administer(t, {
    ...{ stateDir, listen: 'udp:127.0.0.1:0', relayIp: '127.0.0.1', allowPeer: '127.0.0.0/8' },
    ...engine.options,
    ...options,
  })
  const { settings, users } = started
  const refusals: Refusal[] = []
  const { relaying } = await openRelaying(await chooseEngine(settings.engine, process.env), {
    ...{ settings, limitsLoopback: false, alternates: [], users, nonceSecret: new Uint8Array(32), certificate: null },
    relayHosts: await resolveRelayHosts(settings, () => {}),
    httpUpstreamCa: null,
    news: {
      report: (report) => void (report.kind === 'refusal' && refusals.push(report.refusal)),
      ...{ workerDied() {}, workerRestarted() {}, warn() {} },
    },
  })
  t.teardown(() => relaying.stop())
  const { host, port } = relaying.listeners[0].address
  const connect = async (username: string, password: string) =>
    TurnClient.on(t, await connectUdp(host, port), { username, password })
  /** Of that many new clients at once, on whatever workers. */
  const codesOf = async (username: string, password: string, count = CLIENT_COUNT) => {
    const codes = Array.from({ length: count }, async () => (await (await connect(username, password)).allocate()).code)
    return [...new Set(await Promise.all(codes))]
  }
  return { ...started, codesOf, connect, refusals, stateDir }
}

const entriesIn = (directory: string) => listUsers(join(directory, 'users.jsonl'))
const problem = (statusCode: number, message: string | RegExp) => ({ name: 'AdminProblem', statusCode, message })

for (const engine of ENGINES_IN_TIME) {
  t.test(`a running server with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    t.test('serves a user from the moment that adding resolves until disabling does', async (t) => {
      const { admin, codesOf, connect, refusals } = await start(t, engine, { user: 'alice:secret' })
      t.same(await codesOf('bob', 'hunter2'), [401])
      const { password, user } = await admin.addUser({ name: 'bob', role: 'turn', password: 'hunter2' })
      t.same(await codesOf('bob', 'hunter2'), [0])
      t.equal(password, undefined, 'what is given is not told')
      t.match(user, { name: 'bob', role: 'turn', realm: 'turnd', source: 'users-file', disabled: false })
      const client = await connect('bob', 'hunter2')
      t.equal((await client.allocate()).code, 0)

      t.match(await admin.changeUser('bob', 'turn', { disabled: true }), { user: { disabled: true } })
      t.same(await codesOf('bob', 'hunter2'), [401])
      t.equal((await client.refresh()).code, 401, 'a present allocation ends when it has to be refreshed')
      await until(() => refusals.some(({ reason }) => reason === 'disabled-user'), 'the operator learns why')
      t.match(
        refusals.find(({ reason }) => reason === 'disabled-user'),
        { user: 'bob', code: 401 },
      )

      t.match(await admin.changeUser('bob', 'turn', { disabled: false }), { user: { disabled: false } })
      t.same(await codesOf('bob', 'hunter2'), [0])

      const changed = await admin.changeUser('bob', 'turn', { generatePassword: true })
      t.same(await codesOf('bob', 'hunter2'), [401])
      t.same(await codesOf('bob', changed.password ?? ''), [0])

      await admin.removeUser('bob', 'turn')
      t.same(await codesOf('bob', changed.password ?? ''), [401])
      t.same(await codesOf('alice', 'secret'), [0], 'others are served all the time')
    })

    t.test('keeps its generated user when others are added, also for the next start', async (t) => {
      const { admin, codesOf, stateDir } = await start(t, engine)
      const { password } = JSON.parse(readFileSync(join(stateDir, GENERATED_USER_FILE), 'utf8'))
      t.match(await admin.users(), [{ name: GENERATED_USER_NAME, source: 'generated' }])
      t.same(await codesOf(GENERATED_USER_NAME, password), [0])
      await admin.addUser(ADMIN)
      t.match(
        await admin.users(),
        [{ source: 'generated' }, { name: 'root' }],
        'an admin user changes nothing about that',
      )

      await admin.addUser({ name: 'bob', role: 'turn', password: 'hunter2' })
      t.match(await admin.users(), [
        { name: 'bob', source: 'users-file' },
        { name: GENERATED_USER_NAME, source: 'users-file' },
        { name: 'root' },
      ])
      t.same(await codesOf(GENERATED_USER_NAME, password), [0])
      const next = administer(t, { stateDir })
      t.equal(next.users.generatedUser, null)
      t.match(next.users.usersFile?.find(GENERATED_USER_NAME), { username: GENERATED_USER_NAME })

      await admin.changeUser(GENERATED_USER_NAME, 'turn', { disabled: true })
      t.same(await codesOf(GENERATED_USER_NAME, password), [401])
      await admin.removeUser(GENERATED_USER_NAME, 'turn')
      t.same(await codesOf(GENERATED_USER_NAME, password), [401], 'and is as any other user from then on')
    })
  })
}

t.test('users', async (t) => {
  t.test('are those of every source, with their allocations and without anything secret', async (t) => {
    const counts = new Map([
      ['alice', 2],
      ['bob', 1],
      ['root', 5],
    ])
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret' }, counts)
    await admin.addUser({ name: 'bob', role: 'turn' })
    await admin.addUser(ADMIN)
    const turn = { role: 'turn', realm: 'turnd', disabled: false }
    t.same(await admin.users(), [
      { name: 'alice', ...turn, source: 'option', allocations: 2 },
      { name: 'bob', ...turn, source: 'users-file', allocations: 1 },
      { name: 'root', role: 'admin', realm: '', source: 'users-file', disabled: false, allocations: 0 },
    ])
  })

  t.test('that are given by an option are refused, with where to change them', async (t) => {
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret' })
    const remedy = 'change it there, then reload, or restart if it is on the command line'
    const refused = problem(409, `alice is given by the option --user: ${remedy}`)
    await t.rejects(admin.addUser({ name: 'alice', role: 'turn' }), refused)
    await t.rejects(admin.changeUser('alice', 'turn', { disabled: true }), refused)
    await t.rejects(admin.removeUser('alice', 'turn'), refused)
    t.match(await admin.addUser({ name: 'alice', role: 'admin' }), { user: { role: 'admin' } }, 'another role is free')
  })

  t.test('that are generated are refused, with where their password is', async (t) => {
    const stateDir = temporaryDirectory()
    const { admin } = administer(t, { stateDir })
    const refused = problem(409, new RegExp(`^turnuser was generated .*${join(stateDir, GENERATED_USER_FILE)}`))
    await t.rejects(admin.addUser({ name: GENERATED_USER_NAME, role: 'turn' }), refused)
    await t.rejects(admin.changeUser(GENERATED_USER_NAME, 'turn', { disabled: true }), refused)
    await t.rejects(admin.removeUser(GENERATED_USER_NAME, 'turn'), refused)
  })

  t.test('are refused where nothing is kept, and listed all the same', async (t) => {
    const { admin } = administer(t, { user: 'alice:secret' })
    t.match(await admin.users(), [{ name: 'alice', source: 'option' }])
    await t.rejects(admin.addUser({ name: 'bob', role: 'turn' }), problem(409, /give it usersFile or stateDir$/))
    await t.rejects(admin.removeUser('bob', 'turn'), problem(409, /neither a users file nor a state directory/))
    t.equal(await admin.verifyAdmin('root', ADMIN.password), false)
    t.equal(admin.adminStamp('root'), null)
  })

  t.test('are added, with their password, and listed, also when nobody can count allocations', async (t) => {
    const settings = settingsOf({ stateDir: temporaryDirectory(), user: 'alice:secret' })
    const users = loadUsers(settings, true, () => {})
    t.teardown(() => users.usersFile?.close())
    const silent = () => Promise.reject(new AdminProblem(503, 'TURND_ERR_BUSY', 'worker 0 does not answer'))
    const admin = new UserAdmin({ settings: () => settings, users: () => users, allocationCounts: silent })
    t.match(await admin.addUser({ name: 'bob', role: 'turn' }), { user: { name: 'bob' }, password: /./ })
    t.match(await admin.users(), [
      { name: 'alice', allocations: 0 },
      { name: 'bob', allocations: 0 },
    ])
  })

  t.test('go into the file that is named', async (t) => {
    const path = join(t.testdir({ users: '# mine\n' }), 'users')
    const { admin } = administer(t, { usersFile: path })
    await admin.addUser({ name: 'bob', role: 'turn' })
    t.match(readFileSync(path, 'utf8'), /^# mine\n\{"user":"bob"/)
  })

  const made = { name: 'bob', role: 'turn' } as const
  const refusals: [
    what: string,
    attempt: (admin: UserAdmin) => Promise<unknown>,
    statusCode: number,
    message: RegExp,
  ][] = [
    ['a name that is there', (admin) => admin.addUser(made), 409, /^the TURN user bob exists already: /],
    ['an empty name', (admin) => admin.addUser({ ...made, name: '' }), 400, /^the user name is empty/],
    ['a control character', (admin) => admin.addUser({ ...made, name: 'a\n' }), 400, /user name contains U\+000A/],
    ['a name that is too long', (admin) => admin.addUser({ ...made, name: 'é'.repeat(255) }), 400, /508 bytes/],
    ['a password that is none', (admin) => admin.addUser({ ...made, name: 'c', password: '\t' }), 400, /U\+0009/],
    [
      'a short password of an admin user',
      (admin) => admin.addUser({ name: 'c', role: 'admin', password: '12345678901' }),
      400,
      /at least 12 characters/,
    ],
    ['nothing to change', (admin) => admin.changeUser('bob', 'turn', {}), 400, /^give disabled, /],
    [
      'two passwords',
      (admin) => admin.changeUser('bob', 'turn', { password: 'x', generatePassword: true }),
      400,
      /not both/,
    ],
    [
      'a change of nobody',
      (admin) => admin.changeUser('c', 'turn', { disabled: true }),
      404,
      /^there is no TURN user c/,
    ],
    ['another role', (admin) => admin.removeUser('bob', 'admin'), 404, /^there is no admin user bob/],
  ]
  for (const [what, attempt, statusCode, message] of refusals) {
    t.test(`${what} is refused with ${statusCode} and a sentence, and changes nothing`, async (t) => {
      const stateDir = temporaryDirectory()
      const { admin } = administer(t, { stateDir })
      await admin.addUser(made)
      const before = readFileSync(join(stateDir, 'users.jsonl'), 'utf8')
      await t.rejects(attempt(admin), problem(statusCode, message))
      t.equal(readFileSync(join(stateDir, 'users.jsonl'), 'utf8'), before)
    })
  }

  t.test('a file that cannot be written is a sentence, and nothing is lost', async (t) => {
    const stateDir = temporaryDirectory()
    const { admin, users } = administer(t, { stateDir })
    await admin.addUser(made)
    // Its lock cannot be made; and what is broken is not edited.
    mkdirSync(join(stateDir, 'users.jsonl.lock'))
    await t.rejects(admin.addUser({ ...made, name: 'carol' }), problem(500, /^nothing was changed: /))
    const second = administer(t, { stateDir: join(t.testdir({ file: '' }), 'file', 'state'), user: 'alice:secret' })
    await t.rejects(
      second.admin.addUser(made),
      problem(500, /^nothing was changed: .*a part of the path is not a directory$/),
    )
    t.match(users.usersFile?.find('bob'), { username: 'bob' })
  })

  t.test('a broken file is not edited', async (t) => {
    const stateDir = temporaryDirectory()
    const { admin, users } = administer(t, { stateDir })
    await admin.addUser(made)
    writeFileSync(join(stateDir, 'users.jsonl'), 'nonsense\n')
    await t.rejects(admin.addUser({ ...made, name: 'carol' }), problem(500, /line 1: /))
    t.equal(readFileSync(join(stateDir, 'users.jsonl'), 'utf8'), 'nonsense\n')
    t.match(users.usersFile?.find('bob'), { username: 'bob' })
  })

  t.test('edits by the command and by the API at once lose nothing', async (t) => {
    const stateDir = temporaryDirectory()
    const { admin } = administer(t, { stateDir, user: 'alice:secret' })
    const names = Array.from({ length: 15 }, (_, index) => `user${index}`)
    const path = join(stateDir, 'users.jsonl')
    await Promise.all([
      ...names.map((name) => admin.addUser({ name: `api-${name}`, role: 'turn' })),
      ...names.map((name) => addLine(path, makeUsersFileLine(`command-${name}`, 'turnd', 'x'))),
    ])
    t.same(
      entriesIn(stateDir)
        .map(({ user }) => user)
        .sort(),
      ['api', 'command'].flatMap((by) => names.map((name) => `${by}-${name}`)).sort(),
    )
    await Promise.all(names.map((name) => admin.removeUser(`command-${name}`, 'turn')))
    t.equal(entriesIn(stateDir).length, names.length)
    t.same(readdirSync(stateDir), ['users.jsonl'])
  })
})

t.test('admin users', async (t) => {
  t.test('log in with their password until they are disabled or removed', async (t) => {
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret-secret' })
    t.equal(admin.adminStamp('root'), null)
    await admin.addUser(ADMIN)
    t.not(admin.adminStamp('root'), null)
    t.equal(await admin.verifyAdmin('root', ADMIN.password), true)
    t.equal(await admin.verifyAdmin('root', 'correct house'), false)
    t.equal(await admin.verifyAdmin('alice', 'secret-secret'), false, 'a TURN user is none')
    t.equal(await admin.verifyAdmin('a\nb', ADMIN.password), false)

    await admin.changeUser('root', 'admin', { disabled: true })
    t.equal(admin.adminStamp('root'), null)
    t.equal(await admin.verifyAdmin('root', ADMIN.password), false)
    const { password = '' } = await admin.changeUser('root', 'admin', { disabled: false, generatePassword: true })
    t.equal(await admin.verifyAdmin('root', ADMIN.password), false)
    t.equal(await admin.verifyAdmin('root', password), true)

    await admin.removeUser('root', 'admin')
    t.equal(await admin.verifyAdmin('root', password), false)
  })

  t.test('have generated passwords that are told once', async (t) => {
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret' })
    const { password = '' } = await admin.addUser({ name: 'root', role: 'admin' })
    t.match(password, /^[\w-]{24}$/)
    t.equal(await admin.verifyAdmin('root', password), true)
    t.notMatch(JSON.stringify(await admin.users()), /scrypt|password/)
  })

  t.test('who are disabled while their password is checked do not get in', async (t) => {
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret' })
    await admin.addUser(ADMIN)
    const verifying = admin.verifyAdmin('root', ADMIN.password)
    await admin.changeUser('root', 'admin', { disabled: true })
    t.equal(await verifying, false)
  })

  t.test('cost the same work whoever is named', async (t) => {
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret' })
    await admin.addUser(ADMIN)
    await admin.addUser({ ...ADMIN, name: 'disabled' })
    await admin.changeUser('disabled', 'admin', { disabled: true })
    const { scrypt } = crypto
    const work: unknown[] = []
    const counted = (password: string, salt: Buffer, length: number, costs: object, done: never) => {
      work.push([salt.length, length, costs])
      scrypt(password, salt, length, costs, done)
    }
    Object.assign(crypto, { scrypt: counted })
    syncBuiltinESMExports()
    t.teardown(() => {
      Object.assign(crypto, { scrypt })
      syncBuiltinESMExports()
    })
    for (const name of ['root', 'disabled', 'nobody', 'alice', 'a\nb']) await admin.verifyAdmin(name, 'correct house')
    t.equal(work.length, 5)
    for (const one of work) t.same(one, work[0])
  })

  t.test('are looked at one after the other, and few wait: who comes beyond that is told to try again', async (t) => {
    const { admin } = administer(t, { stateDir: temporaryDirectory(), user: 'alice:secret' })
    const attempts = Array.from({ length: 20 }, () => admin.verifyAdmin('nobody', 'a long password'))
    const outcomes = await Promise.allSettled(attempts)
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(refused.length, 20 - SCRYPT_RUNNING_COUNT_MAX - SCRYPT_WAITING_COUNT_MAX)
    for (const one of refused) {
      if (one.status !== 'rejected') continue
      t.ok(one.reason instanceof AdminProblem)
      t.equal(one.reason.statusCode, 429)
    }
  })
})
