// Which stores the settings mean, and when a user is generated.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { GENERATED_USER_FILE, GENERATED_USER_NAME } from '../../src/auth/state-dir.js'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { isNobodyConfigured, loadUsers, type Users } from '../../src/server/users.js'
import { settingsOf } from './settings.js'

function load(t: Test, options: TurnServerOptions): Users {
  const users = loadUsers(settingsOf(options), options.stateDir !== undefined, () => {})
  t.teardown(() => users.usersFile?.close())
  return users
}

/** Whether some store knows the name. */
const knows = (users: Users, name: string) => users.stores.some((store) => typeof store.find(name) !== 'string')

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
    t.equal(users.stores.length, 3, 'both kinds of secrets are one store')
    t.equal(users.stores.find(({ keyCountMax }) => keyCountMax !== undefined)?.keyCountMax, 2)
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
