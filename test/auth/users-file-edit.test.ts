import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dummyPassword } from '../../src/auth/admin-password.js'
import { makeAdminLine, makeUsersFileLine } from '../../src/auth/users-file.js'
import { addUser, changeUser, listUsers, removeUser } from '../../src/auth/users-file-edit.js'

const MD5 = '00'.repeat(16)
const line = (user: string, realm = 'r', password = 'x') => makeUsersFileLine(user, realm, password)
const turn = (user: string, realm = 'r') => ({ role: 'turn', user, realm }) as const
const names = (path: string) => listUsers(path).map((entry) => `${entry.user}@${entry.realm}`)

t.test('editing the users file', async (t) => {
  t.test('creates it with mode 0600', async (t) => {
    const directory = t.testdir({})
    const path = join(directory, 'users')
    t.equal(await addUser(path, line('alice')), 'added')
    t.same(names(path), ['alice@r'])
    t.equal(statSync(path).mode & 0o777, 0o600)
    t.same(readdirSync(directory), ['users'])
  })

  t.test('leaves every other line as it is, byte for byte', async (t) => {
    const before = `# büro\r\n\n  carol:r:${MD5}  \n#bob:r:${MD5}`
    const path = join(t.testdir({ users: before }), 'users')
    await addUser(path, line('alice'))
    t.equal(readFileSync(path, 'utf8'), `${before}\n${line('alice').text}\n`)
    await addUser(path, line('bob'))
    await removeUser(path, turn('alice', 'r'))
    t.equal(readFileSync(path, 'utf8'), `${before}\n${line('bob').text}\n`)
    await removeUser(path, turn('carol', 'r'))
    t.equal(readFileSync(path, 'utf8'), `# büro\r\n\n#bob:r:${MD5}\n${line('bob').text}\n`)
  })

  t.test('adds nobody twice, unless told to replace; then in the same place', async (t) => {
    const path = join(t.testdir({}), 'users')
    await addUser(path, line('alice'))
    await addUser(path, line('bob'))
    const before = readFileSync(path, 'utf8')
    t.equal(await addUser(path, line('alice', 'r', 'new')), 'exists')
    t.equal(readFileSync(path, 'utf8'), before)
    t.equal(await addUser(path, line('alice', 'r', 'new'), true), 'replaced')
    t.equal(readFileSync(path, 'utf8'), `${line('alice', 'r', 'new').text}\n${line('bob').text}\n`)
  })

  t.test('a user of another realm is another user', async (t) => {
    const path = join(t.testdir({}), 'users')
    await addUser(path, line('alice'))
    t.equal(await addUser(path, line('alice', 's')), 'added')
    t.equal(await removeUser(path, turn('alice', 'r')), true)
    t.same(names(path), ['alice@s'])
  })

  t.test('an admin user of the same name is another user', async (t) => {
    const path = join(t.testdir({}), 'users')
    const admin = makeAdminLine('alice', dummyPassword(null))
    await addUser(path, line('alice'))
    t.equal(await addUser(path, admin), 'added')
    t.equal(await addUser(path, admin), 'exists')
    t.equal(await removeUser(path, turn('alice')), true)
    t.match(listUsers(path), [{ role: 'admin', user: 'alice' }])
    t.equal(await removeUser(path, { role: 'admin', user: 'alice', realm: '' }), true)
    t.same(listUsers(path), [])
  })

  t.test('disables and enables, and a new password does neither', async (t) => {
    const path = join(t.testdir({ users: `# all\ncarol:r:${MD5}\n` }), 'users')
    await addUser(path, line('alice'))
    const set = (user: string, disabled: boolean) => changeUser(path, turn(user), (entry) => ({ ...entry, disabled }))
    t.match(await set('alice', true), { user: 'alice', disabled: true })
    t.match(await set('carol', true), { user: 'carol', disabled: true, sha256Key: null })
    t.match(listUsers(path), [
      { user: 'carol', disabled: true },
      { user: 'alice', disabled: true },
    ])
    t.equal(await addUser(path, line('alice', 'r', 'new'), true), 'replaced')
    t.match(listUsers(path)[1], { disabled: true, md5Key: line('alice', 'r', 'new').entry.md5Key })
    await set('alice', false)
    t.equal(readFileSync(path, 'utf8').split('\n')[2], line('alice', 'r', 'new').text)
    t.equal(await set('bob', true), null)
  })

  t.test('adds others with a user, once', async (t) => {
    const path = join(t.testdir({}), 'users')
    t.equal(await addUser(path, line('alice'), false, [line('turnuser')]), 'added')
    t.equal(await addUser(path, line('bob'), false, [line('turnuser', 'r', 'new')]), 'added')
    t.same(names(path), ['turnuser@r', 'alice@r', 'bob@r'])
    t.match(listUsers(path)[0], { md5Key: line('turnuser').entry.md5Key })
  })

  t.test('removing nobody says so, and does not touch the file', async (t) => {
    const path = join(t.testdir({ users: 'x' }), 'users')
    writeFileSync(path, `alice:r:${MD5}`)
    const before = statSync(path)
    t.equal(await removeUser(path, turn('alice', 's')), false)
    t.equal(await removeUser(path, turn('bob', 'r')), false)
    t.equal(statSync(path).ino, before.ino)
    t.equal(readFileSync(path, 'utf8'), `alice:r:${MD5}`)
  })

  t.test('a file with a bad line is not edited: the error names file and line', async (t) => {
    const path = join(t.testdir({ users: '# fine\nbroken\n' }), 'users')
    const message = new RegExp(`^--users-file ${path}, line 2: `)
    await t.rejects(addUser(path, line('alice')), { message })
    await t.rejects(removeUser(path, turn('alice', 'r')), { message })
    t.throws(() => listUsers(path), { message })
    t.equal(readFileSync(path, 'utf8'), '# fine\nbroken\n')
    t.same(readdirSync(join(path, '..')), ['users'], 'no lock is left')
  })

  t.test('a missing directory is an error that names the file', async (t) => {
    const path = join(t.testdir({}), 'missing', 'users')
    await t.rejects(addUser(path, line('alice')), { message: `--users-file ${path}: no such file or directory` })
    t.same(listUsers(path), [])
  })

  t.test('a directory in its place is an error', async (t) => {
    const path = join(t.testdir({}), 'users')
    mkdirSync(path)
    await t.rejects(addUser(path, line('alice')), { message: `--users-file ${path}: it is a directory` })
  })

  t.test('a symbolic link stays one', async (t) => {
    const directory = t.testdir({ target: '' })
    symlinkSync(join(directory, 'target'), join(directory, 'users'))
    await addUser(join(directory, 'users'), line('alice'))
    t.same(names(join(directory, 'target')), ['alice@r'])
    t.equal(statSync(join(directory, 'users')).ino, statSync(join(directory, 'target')).ino)
  })

  t.test('closes a file that others could read', async (t) => {
    const path = join(t.testdir({ users: '' }), 'users')
    chmodSync(path, 0o644)
    await addUser(path, line('alice'))
    t.equal(statSync(path).mode & 0o777, 0o600)
  })

  t.test('thirty edits at once in one process lose nothing', async (t) => {
    const path = join(t.testdir({}), 'users')
    const users = Array.from({ length: 30 }, (_, index) => `user${index}`)
    await Promise.all(users.map((user) => addUser(path, line(user))))
    t.same(names(path).sort(), users.map((user) => `${user}@r`).sort())
  })
})
