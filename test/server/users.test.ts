// Which stores the settings mean, and when a user is generated.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dummyPassword } from '../../src/auth/admin-password.js'
import type { CredentialStore } from '../../src/auth/credentials.js'
import { GENERATED_USER_FILE, GENERATED_USER_NAME } from '../../src/auth/state-dir.js'
import { lineOf, makeAdminLine, makeUsersFileLine } from '../../src/auth/users-file-line.js'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { coreSettings } from '../../src/server/core-settings.js'
import { isNobodyConfigured, loadUsers, type Users } from '../../src/server/users.js'
import { storesOf } from '../../src/server/users-snapshot.js'
import { settingsOf } from './settings.js'

function load(t: Test, options: TurnServerOptions): Users {
  const users = loadUsers(settingsOf(options), options.stateDir !== undefined, () => {})
  t.teardown(() => users.usersFile?.close())
  return users
}

/** Whether some store knows the name. */
const knows = (users: Users, name: string) =>
  [...users.stores, inWorker(users).restSecrets].some((store) => typeof store.find(name) !== 'string')

/** The stores of a thread that gets a snapshot. */
const inWorker = (users: Users) =>
  storesOf(
    structuredClone(users.snapshot()),
    coreSettings({ settings: settingsOf({}), limitsLoopback: false, alternates: [] }),
  )

const usersLine = (name: string) => `${makeUsersFileLine(name, 'turnd', 'secret').text}\n`

t.test('users', async (t) => {
  t.test('of every source are known together', async (t) => {
    const files = t.testdir({ users: usersLine('bob'), secrets: 'north\n' })
    const users = load(t, {
      ...{ user: 'alice:secret', usersFile: join(files, 'users') },
      ...{ authSecret: 'south', authSecretFile: join(files, 'secrets') },
    })
    for (const name of ['alice', 'bob', '4000000000:carol']) t.ok(knows(users, name), name)
    t.notOk(knows(users, 'carol'))
    t.equal(users.stores.length, 2, 'secrets are no store of theirs: they change while it runs')
    t.same(users.secretList.all(), ['south', 'north'], 'those of the options first')
  })

  t.test('are generated only when nobody is configured', async (t) => {
    const stateDir = t.testdir({ secrets: 'north\n', users: '' })
    const configured: TurnServerOptions[] = [
      { user: 'alice:secret' },
      { authSecret: 'north' },
      { authSecretFile: join(stateDir, 'secrets') },
      // An empty file is one that users will be added to.
      { usersFile: join(stateDir, 'users') },
    ]
    for (const options of configured) {
      t.equal(load(t, { stateDir, ...options }).generatedUser, null, JSON.stringify(options))
      t.notOk(existsSync(join(stateDir, GENERATED_USER_FILE)))
    }
    const users = load(t, { stateDir })
    t.match(users.generatedUser, { username: GENERATED_USER_NAME, created: true })
    t.ok(knows(users, GENERATED_USER_NAME))
    t.match(load(t, { stateDir }).generatedUser, { created: false })
  })

  t.test('of the state directory are found when no users file is named', async (t) => {
    const stateDir = t.testdir({ 'users.jsonl': usersLine('bob') })
    const users = load(t, { stateDir })
    t.ok(knows(users, 'bob'))
    t.equal(users.generatedUser, null)
    t.notOk(knows(load(t, { stateDir, user: 'a:b', usersFile: join(t.testdir({ users: '' }), 'users') }), 'bob'))
  })

  t.test('of the state directory that are no TURN users of the realm leave the generated one in effect', async (t) => {
    const admin = makeAdminLine('root', dummyPassword(null)).text
    for (const text of ['', `${admin}\n`, `${makeUsersFileLine('bob', 'elsewhere', 'secret').text}\n`]) {
      const stateDir = mkdtempSync(join(tmpdir(), 'turnd-users-'))
      t.teardown(() => rmSync(stateDir, { recursive: true }))
      writeFileSync(join(stateDir, 'users.jsonl'), text)
      const users = load(t, { stateDir })
      t.match(users.generatedUser, { username: GENERATED_USER_NAME }, text)
      t.ok(knows(users, GENERATED_USER_NAME))
      t.notOk(isNobodyConfigured(users))
    }
  })

  t.test('that are all disabled are users all the same: nobody is generated beside them', async (t) => {
    const { entry } = makeUsersFileLine('bob', 'turnd', 'secret')
    const stateDir = t.testdir({ 'users.jsonl': `${lineOf({ ...entry, disabled: true }).text}\n` })
    t.equal(load(t, { stateDir }).generatedUser, null)
  })

  t.test('that are added to a state directory without a users file are taken up', async (t) => {
    for (const options of [{}, { user: 'alice:secret' }]) {
      const stateDir = t.testdir({})
      const users = load(t, { stateDir, ...options })
      writeFileSync(join(stateDir, 'users.jsonl'), usersLine('bob'))
      t.equal(users.usersFile?.reload(), true)
      t.ok(knows(users, 'bob'))
      t.ok(knows(users, users.generatedUser === null ? 'alice' : GENERATED_USER_NAME), 'with who was there before')
    }
  })

  t.test('must be configured where nothing is kept', async (t) => {
    t.throws(() => load(t, {}), { code: 'TURND_ERR_NO_USERS' })
  })
})

t.test('nobody can log in', async (t) => {
  const files = t.testdir({ empty: '# nobody yet\n', foreign: usersLine('bob'), secrets: 'north\n' })
  const isNobody = (options: TurnServerOptions) => isNobodyConfigured(load(t, options))
  t.ok(isNobody({ usersFile: join(files, 'empty') }), 'with an empty users file alone')
  t.ok(isNobody({ realm: 'other.example', usersFile: join(files, 'foreign') }), 'with users of another realm alone')
  t.notOk(isNobody({ usersFile: join(files, 'foreign') }))
  t.notOk(isNobody({ usersFile: join(files, 'empty'), user: 'alice:secret' }))
  t.notOk(isNobody({ usersFile: join(files, 'empty'), authSecret: 'north' }))
  t.notOk(isNobody({ user: 'alice:secret' }))
})

t.test('a users file that is no file is refused, not read forever', async (t) => {
  t.throws(() => load(t, { usersFile: '/dev/zero' }), { code: 'TURND_ERR_USERS_FILE', message: /is not a file/ })
})

t.test('the users in a worker', async (t) => {
  t.test('are those of every source, asked in the same order', async (t) => {
    const files = t.testdir({ users: usersLine('bob') + usersLine('alice'), secrets: 'north\n' })
    const users = load(t, {
      ...{ user: 'alice:secret', usersFile: join(files, 'users') },
      ...{ authSecret: 'south', authSecretFile: join(files, 'secrets') },
    })
    const { stores } = inWorker(users)
    t.equal(stores.length, users.stores.length)
    const found = (list: readonly CredentialStore[], name: string) =>
      list.map((store) => {
        const lookup = store.find(name)
        return typeof lookup === 'string' ? lookup : Buffer.from(lookup.md5Key ?? []).toString('hex')
      })
    for (const name of ['alice', 'bob', '4000000000:carol', '1:carol', 'dave']) {
      t.same(found(stores, name), found(users.stores, name), name)
    }
    t.equal(inWorker(users).restSecrets.keyCountMax, 4, 'two secrets, with two hashes each')
  })

  t.test('are the generated one when nobody is configured', async (t) => {
    const { stores, usersFile } = inWorker(load(t, { stateDir: t.testdir() }))
    t.match(stores, [{}])
    t.match(stores[0].find(GENERATED_USER_NAME), { username: GENERATED_USER_NAME })
    t.equal(usersFile, stores[0], 'it makes room for those of the users file')
  })

  t.test('change with the users file', async (t) => {
    const path = join(t.testdir({ users: usersLine('bob') }), 'users')
    const users = load(t, { usersFile: path })
    const { stores, usersFile } = inWorker(users)
    let reloadCount = 0
    if (users.usersFile !== null) {
      users.usersFile.onReloaded = (changes) => {
        reloadCount++
        usersFile?.apply(structuredClone(changes))
        return Promise.resolve()
      }
    }
    writeFileSync(path, 'broken')
    t.equal(users.usersFile?.reload(), false)
    t.equal(reloadCount, 0, 'a broken file changes nothing')
    t.match(stores[0].find('bob'), { username: 'bob' })
    writeFileSync(path, usersLine('carol'))
    t.equal(users.usersFile?.reload(), true)
    t.equal(reloadCount, 1)
    t.equal(stores[0].find('bob'), 'unknown-user')
    t.match(stores[0].find('carol'), { username: 'carol' })
  })
})
