import { mkdtempSync, renameSync, rmSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dummyPassword } from '../../src/auth/admin-password.js'
import type { CredentialChanges } from '../../src/auth/credential-table.js'
import { makeCredential, md5Key, userhash } from '../../src/auth/credentials.js'
import { makeAdminLine, makeUsersFileLine } from '../../src/auth/users-file.js'
import { addUser, removeUser } from '../../src/auth/users-file-edit.js'
import { UsersFileStore } from '../../src/auth/users-file-store.js'
import { USERS_FILE_BYTES_MAX } from '../../src/limits/files.js'

const MD5 = '00'.repeat(16)
const line = (user: string, realm = 'r', password = 'x') => `${makeUsersFileLine(user, realm, password).text}\n`

function open(t: Test, text: string) {
  // Not t.testdir: a test that opens two stores needs two directories.
  const directory = mkdtempSync(join(tmpdir(), 'turnd-users-'))
  const path = join(directory, 'users')
  writeFileSync(path, text)
  const problems: string[] = []
  const store = new UsersFileStore(path, 'r', (problem) => problems.push(problem))
  t.teardown(() => {
    store.close()
    rmSync(directory, { recursive: true })
  })
  return { path, problems, store }
}

/** Waits until `isDone` is true: the store looks once a second. */
async function until(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error('not within 20 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

t.test('loading', async (t) => {
  t.test('finds users by name and by userhash', async (t) => {
    const { store, problems } = open(t, `# users\n${line('alice')}bob:r:${MD5}\n`)
    const alice = store.find('alice')
    t.same(alice, {
      username: 'alice',
      md5Key: md5Key('alice', 'r', 'x'),
      sha256Key: makeUsersFileLine('alice', 'r', 'x').entry.sha256Key,
    })
    t.equal(store.findByUserhash(userhash('alice', 'r')), alice)
    t.equal(store.findByUserhash(userhash('bob', 'r')), store.find('bob'))
    t.equal(store.find('carol'), 'unknown-user')
    t.equal(store.findByUserhash(userhash('carol', 'r')), null)
    t.equal(store.userCount, 2)
    t.same(problems, [])
  })

  t.test('SHA-256 is verified only if every user of the realm has that key', async (t) => {
    t.equal(open(t, line('alice')).store.verifiesSha256, true)
    t.equal(open(t, `${line('alice')}bob:r:${MD5}\n`).store.verifiesSha256, false)
    t.equal(open(t, `${line('alice')}bob:s:${MD5}\n`).store.verifiesSha256, true)
    t.equal(open(t, '').store.verifiesSha256, true)
  })

  t.test('users of other realms are reported and not used', async (t) => {
    const { store, problems, path } = open(
      t,
      line('alice') + ['a', 'b', 'c', 'd', 'e'].map((user) => line(user, 's')).join(''),
    )
    t.equal(store.userCount, 1)
    t.equal(store.find('a'), 'unknown-user')
    t.equal(store.findByUserhash(userhash('a', 's')), null)
    t.same(problems, [
      `--users-file ${path}: keys hold for one realm, so these users cannot log in to realm r: ` +
        'a of realm s, b of realm s, c of realm s and 2 more',
    ])
  })

  t.test('a missing file stops the start, named', async (t) => {
    const path = join(t.testdir({}), 'missing')
    t.throws(() => new UsersFileStore(path, 'r', () => t.fail('reported')), {
      message: `--users-file ${path}: no such file or directory`,
    })
  })

  t.test('a file that is too large for one of users stops the start, unread', async (t) => {
    const path = join(t.testdir({ users: '' }), 'users')
    // Without blocks on the disk: nothing but its length is real.
    truncateSync(path, USERS_FILE_BYTES_MAX + 1)
    t.throws(() => new UsersFileStore(path, 'r', () => {}), {
      message: new RegExp(`users: it is larger than ${USERS_FILE_BYTES_MAX} bytes$`),
    })
  })

  t.test('a bad line stops the start, named', async (t) => {
    const path = join(t.testdir({ users: `${line('alice')}nonsense\n` }), 'users')
    t.throws(() => new UsersFileStore(path, 'r', () => t.fail('reported')), {
      message: new RegExp(`^--users-file ${path}, line 2: `),
    })
  })
})

t.test('roles and disabled users', async (t) => {
  const admin = (user: string) => makeAdminLine(user, dummyPassword(null))
  const disabled = (text: string) => `${text.trim().replace('{', '{"disabled":true,')}\n`

  t.test('an admin user is no TURN user, and the other way round', async (t) => {
    const { store } = open(t, `${line('alice')}${admin('root').text}\n`)
    t.equal(store.find('root'), 'unknown-user')
    t.equal(store.findByUserhash(userhash('root', 'r')), null)
    t.equal(store.userCount, 1)
    t.match(store.findAdmin('root'), { user: 'root', disabled: false })
    t.equal(store.findAdmin('alice'), null)
    t.same(
      [...store.admins()].map(({ user }) => user),
      ['root'],
    )
  })

  t.test('who is disabled is found, and says so; changes are told', async (t) => {
    const { path, store } = open(t, line('alice') + line('bob'))
    const told: CredentialChanges[] = []
    store.onReloaded = async (changes) => void told.push(changes)
    writeFileSync(path, disabled(line('alice')) + line('bob'))
    t.equal(store.reload(), true)
    t.match(store.find('alice'), { username: 'alice', isDisabled: true })
    t.notMatch(store.find('bob'), { isDisabled: true })
    writeFileSync(path, line('alice') + line('bob'))
    store.reload()
    await store.whenTold()
    t.notMatch(store.find('alice'), { isDisabled: true })
    t.same(
      told.map(({ added }) => added.usernames),
      [['alice'], ['alice']],
    )
  })
})

t.test('a file that may be missing', async (t) => {
  const openMissing = (t: Test) => {
    const path = join(t.testdir({}), 'users')
    const problems: string[] = []
    const store = new UsersFileStore(path, 'r', (problem) => problems.push(problem), true)
    t.teardown(() => store.close())
    return { path, problems, store }
  }

  t.test('is empty until it is there, and then is watched as any', async (t) => {
    const { path, problems, store } = openMissing(t)
    t.equal(store.userCount, 0)
    t.equal(store.reload(), true)
    writeFileSync(path, line('alice'))
    await until(() => store.userCount === 1)
    t.same(problems, [])
    unlinkSync(path)
    t.equal(store.reload(), false)
    t.equal(store.userCount, 1, 'now its absence takes nobody away')
    t.equal(problems.length, 1)
  })

  t.test('is checked as any if it is there', async (t) => {
    const path = join(t.testdir({ users: 'nonsense\n' }), 'users')
    t.throws(() => new UsersFileStore(path, 'r', () => {}, true), { message: /line 1/ })
  })

  t.test('may have no directory, or one that is none', async (t) => {
    const directory = t.testdir({ file: '' })
    for (const name of ['none/users', 'file/users']) {
      const store = new UsersFileStore(join(directory, name), 'r', () => t.fail('reported'), true)
      t.equal(store.reload(), true)
      store.close()
    }
  })

  t.test('serves a guest until it has that user, and not again when it has lost it', async (t) => {
    const { path, problems, store } = openMissing(t)
    const guest = makeCredential('turnuser', 'r', 'x')
    store.setGuest(guest)
    t.equal(store.find('turnuser'), guest)
    t.equal(store.userCount, 1)
    t.same(store.turnUsers(), [])
    writeFileSync(path, line('alice'))
    store.reload()
    t.equal(store.find('turnuser'), guest, 'others are beside it')
    t.equal(store.guest, guest)
    store.reload()
    t.equal(problems.length, 1, 'which is said once')
    t.match(
      problems[0],
      /turnuser, which was generated .* until the next start or reload: turnd user add turnuser --realm r/,
    )
    writeFileSync(path, line('alice') + line('turnuser', 'r', 'new'))
    store.reload()
    t.match(store.find('turnuser'), { md5Key: makeCredential('turnuser', 'r', 'new').md5Key })
    t.equal(store.guest, null)
    writeFileSync(path, line('alice'))
    store.reload()
    t.equal(store.find('turnuser'), 'unknown-user')
  })
})

t.test('reload', async (t) => {
  t.test('takes the new users, and drops the removed ones', async (t) => {
    const { store, path } = open(t, line('alice'))
    writeFileSync(path, `${line('bob')}carol:r:${MD5}\n`)
    t.equal(store.reload(), true)
    t.equal(store.find('alice'), 'unknown-user')
    t.equal(store.findByUserhash(userhash('alice', 'r')), null)
    t.not(store.find('bob'), 'unknown-user')
    t.equal(store.verifiesSha256, false)
    t.equal(store.userCount, 2)
  })

  t.test('that was prepared does not undo what was read since', async (t) => {
    const { store, path, problems } = open(t, line('alice'))
    const read = store.readAgain()
    writeFileSync(path, line('alice') + line('bob'))
    t.equal(store.reload(), true)
    read.take()
    t.not(store.find('bob'), 'unknown-user')
    const broken = store.readAgain()
    writeFileSync(path, line('carol'))
    store.reload()
    writeFileSync(path, 'nonsense\n')
    broken.take()
    t.not(store.find('carol'), 'unknown-user')
    t.equal(problems.length, 1)
  })

  t.test('keeps all users when a line is bad, and says which', async (t) => {
    const { store, path, problems } = open(t, line('alice'))
    writeFileSync(path, `${line('bob')}nonsense\n`)
    t.equal(store.reload(), false)
    t.not(store.find('alice'), 'unknown-user')
    t.equal(store.find('bob'), 'unknown-user')
    t.equal(problems.length, 1)
    t.match(problems[0], new RegExp(`^--users-file ${path}, line 2: .*; the users loaded before stay$`))
  })

  t.test('keeps all users when the file is gone', async (t) => {
    const { store, path, problems } = open(t, line('alice'))
    unlinkSync(path)
    t.equal(store.reload(), false)
    t.not(store.find('alice'), 'unknown-user')
    t.same(problems, [`--users-file ${path}: no such file or directory; the users loaded before stay`])
  })
})

t.test('a change of the file is seen without a signal', async (t) => {
  t.test('made by turnd user', async (t) => {
    const { store, path } = open(t, line('alice'))
    await addUser(path, makeUsersFileLine('bob', 'r', 'x'))
    await until(() => store.userCount === 2)
    await removeUser(path, { role: 'turn', user: 'alice', realm: 'r' })
    await until(() => store.find('alice') === 'unknown-user')
  })

  t.test('made in place, of the same size', async (t) => {
    const { store, path } = open(t, line('alice'))
    writeFileSync(path, line('carol'))
    await until(() => store.find('carol') !== 'unknown-user')
  })

  t.test('made by a rename of a file with the same size and time', async (t) => {
    const { store, path } = open(t, line('alice'))
    const time = new Date(1_700_000_000_000)
    utimesSync(path, time, time)
    store.reload()
    writeFileSync(`${path}.new`, line('carol'))
    utimesSync(`${path}.new`, time, time)
    renameSync(`${path}.new`, path)
    await until(() => store.find('carol') !== 'unknown-user')
  })

  t.test('broken, it is reported once, and heals by itself', async (t) => {
    const { store, path, problems } = open(t, line('alice'))
    writeFileSync(path, 'nonsense\n')
    await until(() => problems.length > 0)
    // A store that sees two changes, one after the other, has let a whole interval pass: this one has looked again too.
    const witness = open(t, line('alice'))
    for (const user of ['bob', 'carol', 'dave']) {
      writeFileSync(witness.path, line(user))
      await until(() => witness.store.find(user) !== 'unknown-user')
    }
    t.equal(problems.length, 1)
    t.not(store.find('alice'), 'unknown-user')
    writeFileSync(path, line('bob'))
    await until(() => store.find('bob') !== 'unknown-user')
  })

  t.test('gone, it is reported once, and found again', async (t) => {
    const { store, path, problems } = open(t, line('alice'))
    unlinkSync(path)
    await until(() => problems.length > 0)
    writeFileSync(path, line('bob'))
    await until(() => store.find('bob') !== 'unknown-user')
    t.equal(problems.length, 1)
  })

  t.test('not after close', async (t) => {
    const { store, path } = open(t, line('alice'))
    const { store: witness, path: witnessPath } = open(t, line('alice'))
    store.close()
    writeFileSync(path, line('bob'))
    writeFileSync(witnessPath, line('bob'))
    await until(() => witness.find('bob') !== 'unknown-user')
    t.equal(store.find('bob'), 'unknown-user')
  })
})
