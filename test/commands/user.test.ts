import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import t, { type Test } from 'tap'
import { AdminPasswords } from '../../src/auth/admin-password.js'
import { md5Key } from '../../src/auth/credentials.js'
import { parseUsersFile } from '../../src/auth/users-file.js'
import type { PasswordInput } from '../../src/commands/password-input.js'
import { runUserCommand } from '../../src/commands/user.js'
import '../support/cheap-scrypt.js'
import { peerOrSkip } from '../support/peers.js'

const MODULE = new URL('../../src/commands/user.js', import.meta.url).href
const PROCESS_COUNT = 10
const USERS_PER_PROCESS = 5

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(argv: string[], stdin: string | Uint8Array | PasswordInput = '', env = {}): Promise<Outcome> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const isText = typeof stdin === 'string' || stdin instanceof Uint8Array
  const input = isText ? Readable.from([Buffer.from(stdin)]) : stdin
  const code = await runUserCommand(argv, { stdout, stderr, stdin: input, env })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

/** A terminal that types one answer for each question. */
function typist(answers: string[]): { stdin: PasswordInput; rawModes: boolean[] } {
  const rawModes: boolean[] = []
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => rawModes.push(isRaw),
  })
  for (const answer of answers) stdin.write(answer)
  return { stdin, rawModes }
}

const entriesOf = (path: string) =>
  parseUsersFile(readFileSync(path)).flatMap(({ entry }) => (entry?.role === 'turn' ? entry : []))
const keyOf = (path: string) => Buffer.from(entriesOf(path)[0].md5Key).toString('hex')
const hexKey = (password: string, realm = 'turnd') => Buffer.from(md5Key('alice', realm, password)).toString('hex')

t.test('turnd user add', async (t) => {
  t.test('takes the password from the first line of standard input', async (t) => {
    for (const argv of [[], ['--password-stdin']]) {
      for (const text of ['secret\n', 'secret', 'secret\r\n', 'secret\nmore\n']) {
        const path = join(t.testdir({}), 'users')
        t.same(await run(['add', 'alice', '--users-file', path, ...argv], text), {
          code: 0,
          stdout: `added alice (realm turnd) to ${path}\n`,
          stderr: '',
        })
        t.equal(keyOf(path), hexKey('secret'))
      }
    }
  })

  t.test('puts keys into the file, never the password; mode 0600', async (t) => {
    const path = join(t.testdir({}), 'users')
    await run(['add', 'alice', '--users-file', path], 'hunter2\n')
    t.notMatch(readFileSync(path, 'utf8'), /hunter2/)
    t.equal(statSync(path).mode & 0o777, 0o600)
  })

  t.test('--generate prints the password once, alone on standard output', async (t) => {
    const path = join(t.testdir({}), 'users')
    const { code, stdout, stderr } = await run(['add', 'alice', '--generate', '--users-file', path])
    t.equal(code, 0)
    t.match(stdout, /^[\w-]{24}\n$/)
    t.equal(stderr, `added alice (realm turnd) to ${path}\n`)
    t.equal(keyOf(path), hexKey(stdout.trim()))
  })

  t.test('asks twice on a terminal, without echo', async (t) => {
    const path = join(t.testdir({}), 'users')
    const { stdin, rawModes } = typist(['sec\x7fcret\r', 'secret\r'])
    const { code, stdout, stderr } = await run(['add', 'alice', '--users-file', path], stdin)
    t.equal(code, 0)
    t.equal(keyOf(path), hexKey('secret'), 'backspace works')
    t.equal(stderr, 'password of alice: \nthe same again: \n')
    t.notMatch(stdout, /secret/)
    t.equal(rawModes[0], true)
    t.equal(rawModes.at(-1), false, 'the terminal is as it was')
  })

  const refusedAnswers: [what: string, answers: string[], message: string][] = [
    ['two different passwords', ['one\r', 'two\r'], 'the two passwords are not the same'],
    ['Ctrl-C', ['sec\x03'], 'no password was given'],
    ['Ctrl-D', ['\x04'], 'no password was given'],
    ['Ctrl-C at the second question', ['secret\r', '\x03'], 'no password was given'],
    ['two empty passwords', ['\r', '\r'], 'the password is empty'],
  ]
  for (const [what, answers, message] of refusedAnswers) {
    t.test(`refuses ${what} on a terminal`, async (t) => {
      const path = join(t.testdir({}), 'users')
      const { stdin, rawModes } = typist(answers)
      const { code, stderr } = await run(['add', 'alice', '--users-file', path], stdin)
      t.equal(code, 2)
      t.ok(stderr.endsWith(`turnd user: ${message}\n`), stderr)
      t.equal(rawModes.at(-1), false)
      t.notOk(existsSync(path))
    })
  }

  const refusedInputs: [what: string, input: string | Uint8Array, message: string][] = [
    ['an empty password', '\n', 'the password is empty'],
    ['no input', '', 'the password is empty'],
    ['a control character', 'a\tb\n', 'the password contains U+0009, which is not allowed here'],
    ['bytes that are no UTF-8', Buffer.of(0xff, 0x0a), 'the password is not UTF-8 text'],
    ['4,097 bytes', 'x'.repeat(4097), 'the password is longer than 4096 bytes'],
  ]
  for (const [what, input, message] of refusedInputs) {
    t.test(`refuses ${what} with one sentence and exit code 2`, async (t) => {
      const path = join(t.testdir({}), 'users')
      t.same(await run(['add', 'alice', '--users-file', path], input), {
        code: 2,
        stdout: '',
        stderr: `turnd user: ${message}\n`,
      })
      t.notOk(existsSync(path))
    })
  }

  t.test('accepts 4,096 bytes', async (t) => {
    const path = join(t.testdir({}), 'users')
    t.equal((await run(['add', 'alice', '--users-file', path], 'x'.repeat(4096))).code, 0)
  })

  t.test('does not touch a user who exists, before asking for anything', async (t) => {
    const path = join(t.testdir({}), 'users')
    await run(['add', 'alice', '--users-file', path], 'one\n')
    const { stdin } = typist([])
    t.same(await run(['add', 'alice', '--users-file', path], stdin), {
      code: 1,
      stdout: '',
      stderr: `turnd user: alice (realm turnd) is already in ${path}; --replace sets a new password\n`,
    })
    t.equal(keyOf(path), hexKey('one'))
  })

  t.test('does not touch a user whom somebody else adds while it asks', async (t) => {
    const path = join(t.testdir({}), 'users')
    const stdin = new PassThrough()
    const adding = run(['add', 'alice', '--users-file', path], stdin)
    await run(['add', 'alice', '--users-file', path], 'first\n')
    stdin.end('second\n')
    const { code, stderr } = await adding
    t.equal(code, 1)
    t.match(stderr, 'is already in')
    t.equal(keyOf(path), hexKey('first'))
  })

  t.test('--replace gives a new password', async (t) => {
    const path = join(t.testdir({}), 'users')
    await run(['add', 'alice', '--users-file', path], 'one\n')
    const { code, stdout } = await run(['add', 'alice', '--replace', '--users-file', path], 'two\n')
    t.equal(code, 0)
    t.equal(stdout, `replaced alice (realm turnd) in ${path}\n`)
    t.equal(keyOf(path), hexKey('two'))
    t.equal(entriesOf(path).length, 1)
  })
})

t.test('where the file and the realm come from', async (t) => {
  t.test('--users-file, TURND_USERS_FILE, then users.jsonl in the state directory', async (t) => {
    const directory = t.testdir({})
    const path = (name: string) => join(directory, name)
    const env: Record<string, string> = { STATE_DIRECTORY: `${path('s1')}:${path('s2')}` }
    const add = (...argv: string[]) => run(['add', 'alice', ...argv], 'x\n', env)
    t.equal((await add()).code, 0)
    t.ok(existsSync(path('s1/users.jsonl')))
    t.equal(statSync(path('s1')).mode & 0o777, 0o700)
    env.TURND_STATE_DIR = path('s3')
    t.equal((await add()).code, 0)
    t.ok(existsSync(path('s3/users.jsonl')))
    t.equal((await add('--state-dir', path('s4'))).code, 0)
    t.ok(existsSync(path('s4/users.jsonl')))
    env.TURND_USERS_FILE = path('u1')
    t.equal((await add()).code, 0)
    t.ok(existsSync(path('u1')))
    t.equal((await add('--users-file', path('u2'))).code, 0)
    t.ok(existsSync(path('u2')))
    t.same(readdirSync(directory).sort(), ['s1', 's3', 's4', 'u1', 'u2'])
  })

  t.test('./turnd-state without any of these', async (t) => {
    const directory = t.testdir({})
    const before = process.cwd()
    process.chdir(directory)
    t.teardown(() => process.chdir(before))
    t.equal((await run(['add', 'alice'], 'x\n')).code, 0)
    t.ok(existsSync(join(directory, 'turnd-state', 'users.jsonl')))
  })

  t.test('--realm, TURND_REALM, then turnd', async (t) => {
    const path = join(t.testdir({}), 'users')
    const add = (env: Record<string, string>, ...argv: string[]) =>
      run(['add', 'alice', '--users-file', path, ...argv], 'x\n', env)
    await add({})
    await add({ TURND_REALM: 'env' })
    await add({ TURND_REALM: 'env' }, '--realm', 'option')
    t.same(
      entriesOf(path).map((entry) => entry.realm),
      ['turnd', 'env', 'option'],
    )
  })
})

t.test('turnd user list', async (t) => {
  const directory = t.testdir({})
  const path = join(directory, 'users')
  t.before(async () => {
    await run(['add', 'alice', '--users-file', path], 'x\n')
    await run(['add', 'bob', '--users-file', path, '--realm', 'other'], 'x\n')
    writeFileSync(path, `${readFileSync(path, 'utf8')}carol:turnd:${'00'.repeat(16)}\n`)
  })

  t.test('shows name, realm and kinds of keys, and no key', async (t) => {
    t.same(await run(['list', '--users-file', path]), {
      code: 0,
      stdout:
        'alice\tturnd\tmd5,sha256\tturn\tenabled\nbob\tother\tmd5,sha256\tturn\tenabled\ncarol\tturnd\tmd5\tturn\tenabled\n',
      stderr: '',
    })
  })

  t.test('shows one realm if it is given', async (t) => {
    t.equal(
      (await run(['list', '--users-file', path, '--realm', 'other'])).stdout,
      'bob\tother\tmd5,sha256\tturn\tenabled\n',
    )
    t.equal((await run(['list', '--users-file', path], '', { TURND_REALM: 'none' })).stdout, '')
  })

  t.test('says that there is nobody', async (t) => {
    const missing = join(directory, 'missing')
    const stderr = `turnd user: no users in ${missing}\n`
    t.same(await run(['list', '--users-file', missing]), { code: 0, stdout: '', stderr })
  })
})

t.test('turnd user remove', async (t) => {
  t.test('removes a user of one realm', async (t) => {
    const path = join(t.testdir({}), 'users')
    await run(['add', 'alice', '--users-file', path], 'x\n')
    await run(['add', 'alice', '--users-file', path, '--realm', 'other'], 'x\n')
    t.same(await run(['remove', 'alice', '--users-file', path]), {
      code: 0,
      stdout: `removed alice (realm turnd) from ${path}\n`,
      stderr: '',
    })
    t.same(
      entriesOf(path).map((entry) => entry.realm),
      ['other'],
    )
  })

  t.test('exits with 1 if there is no such user, and names the realm that has one', async (t) => {
    const path = join(t.testdir({}), 'users')
    const nobody = `turnd user: there is no user alice of realm turnd in ${path}`
    t.same(await run(['remove', 'alice', '--users-file', path]), { code: 1, stdout: '', stderr: `${nobody}\n` })
    await run(['add', 'alice', '--users-file', path, '--realm', 'other'], 'x\n')
    const hint = `${nobody}; try --realm other\n`
    t.same(await run(['remove', 'alice', '--users-file', path]), { code: 1, stdout: '', stderr: hint })
  })
})

t.test('turnd user add --admin', async (t) => {
  const adminOf = (path: string) =>
    parseUsersFile(readFileSync(path)).flatMap(({ entry }) => (entry?.role === 'admin' ? entry : []))[0]

  t.test('adds a hash of the password, which belongs to no realm', async (t) => {
    const path = join(t.testdir({}), 'users')
    t.same(await run(['add', 'root', '--admin', '--users-file', path], 'correct horse\n'), {
      code: 0,
      stdout: `added root (admin user) to ${path}\n`,
      stderr: '',
    })
    t.notMatch(readFileSync(path, 'utf8'), /correct horse|md5|sha256/)
    t.equal(statSync(path).mode & 0o777, 0o600)
    t.equal(await new AdminPasswords().verify('correct horse', adminOf(path).scrypt), true)
    t.match(await run(['add', 'root', '--admin', '--users-file', path], ''), {
      code: 1,
      stderr: `turnd user: root (admin user) is already in ${path}; --replace sets a new password\n`,
    })
    t.match(await run(['add', 'root', '--users-file', path], 'x\n'), { code: 0 }, 'a TURN user may have the name')
  })

  t.test('generates one, and replaces it', async (t) => {
    const path = join(t.testdir({}), 'users')
    const { stderr, stdout } = await run(['add', 'root', '--admin', '--generate', '--users-file', path])
    t.equal(stderr, `added root (admin user) to ${path}\n`)
    t.equal(await new AdminPasswords().verify(stdout.trim(), adminOf(path).scrypt), true)
    t.match(await run(['add', 'root', '--admin', '--replace', '--users-file', path], 'correct horse'), { code: 0 })
    t.equal(await new AdminPasswords().verify('correct horse', adminOf(path).scrypt), true)
  })

  t.test('refuses a short password with a sentence, and on a terminal too', async (t) => {
    const path = join(t.testdir({}), 'users')
    const message =
      'turnd user: the password of an admin user has at least 12 characters: give a longer one, or have one generated\n'
    const refused = { code: 2, stdout: '', stderr: message }
    t.same(await run(['add', 'root', '--admin', '--users-file', path], '12345678901\n'), refused)
    const { stdin } = typist(['short\r', 'short\r'])
    const { code, stderr } = await run(['add', 'root', '--admin', '--users-file', path], stdin)
    t.equal(code, 2)
    t.ok(stderr.endsWith(message))
    t.notOk(existsSync(path))
  })
})

t.test('turnd user disable and enable', async (t) => {
  const setUp = async (t: Test) => {
    const path = join(t.testdir({}), 'users')
    await run(['add', 'alice', '--users-file', path], 'x\n')
    await run(['add', 'root', '--admin', '--users-file', path], 'correct horse\n')
    return { path, user: (...argv: string[]) => run([...argv, '--users-file', path]) }
  }

  t.test('change nothing else, and list shows it', async (t) => {
    const { path, user } = await setUp(t)
    const before = readFileSync(path, 'utf8')
    t.match(await user('disable', 'alice'), { code: 0, stdout: `disabled alice (realm turnd) in ${path}\n` })
    t.match(await user('disable', 'alice'), { code: 0, stdout: `alice (realm turnd) is disabled already in ${path}\n` })
    t.match(await user('disable', 'root', '--admin'), { code: 0, stdout: `disabled root (admin user) in ${path}\n` })
    t.equal((await user('list')).stdout, 'alice\tturnd\tmd5,sha256\tturn\tdisabled\nroot\t-\tscrypt\tadmin\tdisabled\n')
    t.match(await user('enable', 'alice'), { code: 0, stdout: `enabled alice (realm turnd) in ${path}\n` })
    t.match(await user('enable', 'root', '--admin'), { code: 0 })
    t.equal(readFileSync(path, 'utf8'), before)
  })

  t.test('a new password enables nobody', async (t) => {
    const { path, user } = await setUp(t)
    await user('disable', 'alice')
    t.match(await run(['add', 'alice', '--replace', '--users-file', path], 'new\n'), { code: 0 })
    t.match((await user('list')).stdout, 'alice\tturnd\tmd5,sha256\tturn\tdisabled\n')
  })

  t.test('exit with 1 if there is no such user, with a hint where one is', async (t) => {
    const { path, user } = await setUp(t)
    const cases: [argv: string[], message: string][] = [
      [['disable', 'bob'], `no user bob of realm turnd in ${path}`],
      [['enable', 'alice', '--realm', 'other'], `no user alice of realm other in ${path}; try --realm turnd`],
      [['remove', 'root'], `no user root of realm turnd in ${path}; try --admin`],
      [['disable', 'alice', '--admin'], `no admin user alice in ${path}; without --admin there is one of realm turnd`],
    ]
    for (const [argv, message] of cases) {
      t.same(await user(...argv), { code: 1, stdout: '', stderr: `turnd user: there is ${message}\n` })
    }
    t.match(await user('remove', 'root', '--admin'), { code: 0, stdout: `removed root (admin user) from ${path}\n` })
  })
})

t.test('a generated password that nobody gets', async (t) => {
  const add = async (argv: string[], path: string, error: Error) => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(error) })
    stdout.on('error', () => {})
    const stderr = new PassThrough()
    const io = { stdout, stderr, stdin: Readable.from([]), env: {} }
    const code = await runUserCommand(['add', 'alice', '--generate', '--users-file', path, ...argv], io)
    return { code, stderr: String(stderr.read() ?? '') }
  }
  const full = Object.assign(new Error('write'), { code: 'ENOSPC' })

  t.test('adds nobody, replaces nobody, and ends with 2', async (t) => {
    const path = join(t.testdir({}), 'users')
    const stderr = 'turnd user: nobody has got the password (no space left on the disk), so alice is as before\n'
    t.same(await add([], path, full), { code: 2, stderr })
    t.same(await add(['--admin'], path, full), { code: 2, stderr })
    t.notOk(existsSync(path))
    await run(['add', 'alice', '--users-file', path], 'one\n')
    t.same(await add(['--replace'], path, full), { code: 2, stderr })
    t.equal(keyOf(path), hexKey('one'))
  })

  t.test('nor where the reader of a pipe has gone', async (t) => {
    const path = join(t.testdir({}), 'users')
    t.match(await add([], path, Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })), { code: 2 })
    t.notOk(existsSync(path))
  })
})

t.test('bad arguments: exit code 2 and one sentence', async (t) => {
  const path = '/nonexistent/users'
  const cases: [argv: string[], message: string][] = [
    [[], 'a command is missing: use add, list, disable, enable, remove or import (see turnd user --help)'],
    [['ad'], 'unknown command "ad": use add, list, disable, enable, remove or import (see turnd user --help)'],
    [['add'], 'add needs the NAME of a user'],
    [['remove'], 'remove needs the NAME of a user'],
    [['add', 'alice', 'bob'], 'unexpected argument "bob"'],
    [['list', 'alice'], 'unexpected argument "alice"'],
    [['add', 'alice', '--pasword-stdin'], 'unknown option --pasword-stdin'],
    [['add', 'alice', '-x'], 'unknown option -x'],
    // What a terminal would obey is escaped.
    [
      ['a\u009b2J\u202e'],
      'unknown command "a\\u009b2J\\u202e": use add, list, disable, enable, remove or import (see turnd user --help)',
    ],
    [['list', '--\u009b2J'], 'unknown option "--\\u009b2J"'],
    [['add', 'alice', '--users-file'], '--users-file needs a value'],
    [
      ['add', 'alice', '--users-file='],
      '--users-file needs a value, and has an empty one: leave the option out instead',
    ],
    [
      ['add', 'alice', '--realm', '--generate'],
      '--realm needs a value: --realm VALUE, or --realm=VALUE if it begins with a dash',
    ],
    [['add', 'alice', '--generate=yes'], '--generate takes no value, but has "yes"'],
    [['add', 'alice', '--generate', '--password-stdin'], '--generate and --password-stdin exclude each other'],
    [['list', '--generate'], '--generate has no meaning with list'],
    [['remove', 'alice', '--replace'], '--replace has no meaning with remove'],
    [['disable', 'alice', '--generate'], '--generate has no meaning with disable'],
    [['disable'], 'disable needs the NAME of a user'],
    [['list', '--admin'], '--admin has no meaning with list'],
    [
      ['add', 'alice', '--admin', '--realm', 'r'],
      '--admin and --realm exclude each other: admin users belong to no realm',
    ],
    [['add', ''], 'NAME "" is empty'],
    [['add', 'a\nb'], 'NAME "a\\nb" contains U+000A, which is not allowed here'],
    [['add', 'alice', '--realm', 'r\u0007'], '--realm "r\\u0007" contains U+0007, which is not allowed here'],
    [['add', 'alice', '--users-file', path], `--users-file ${path}: no such file or directory`],
  ]
  for (const [argv, message] of cases) {
    t.test(JSON.stringify(argv), async (t) => {
      t.same(await run(argv, 'x\n'), { code: 2, stdout: '', stderr: `turnd user: ${message}\n` })
    })
  }

  t.test('TURND_REALM that cannot be a realm', async (t) => {
    const { code, stderr } = await run(['list'], '', { TURND_REALM: '' })
    t.equal(code, 2)
    t.match(stderr, /realm/i)
  })

  t.test('a users file with a bad line is named with it, and stays', async (t) => {
    const directory = t.testdir({ users: '# one\nnonsense\n' })
    const file = join(directory, 'users')
    for (const argv of [['add', 'alice'], ['list'], ['remove', 'alice'], ['add', 'alice', '--replace']]) {
      const { code, stderr } = await run([...argv, '--users-file', file], 'x\n')
      t.equal(code, 2)
      t.ok(stderr.startsWith(`turnd user: --users-file ${file}, line 2: `), stderr)
      t.equal(stderr.split('\n').length, 2)
    }
    t.equal(readFileSync(file, 'utf8'), '# one\nnonsense\n')
  })

  t.test('a state directory that cannot be made', async (t) => {
    const file = join(t.testdir({ file: '' }), 'file')
    const directory = join(file, 'state')
    const { code, stderr } = await run(['add', 'alice', '--state-dir', directory], 'x\n')
    t.equal(code, 2)
    t.match(stderr, 'a part of the path is not a directory')
    t.ok(stderr.includes(directory))
  })
})

t.test('turnd user --help', async (t) => {
  for (const argv of [['--help'], ['-h'], ['add', '--help'], ['add', 'alice', '-h']]) {
    t.test(argv.join(' '), async (t) => {
      const { code, stdout, stderr } = await run(argv)
      t.equal(code, 0)
      t.equal(stderr, '')
      for (const word of [
        'add',
        'list',
        'disable',
        'enable',
        'remove',
        '--admin',
        '--users-file',
        '--realm',
        '--generate',
        '--password-stdin',
        '--replace',
      ]) {
        t.match(stdout, word)
      }
      t.ok(stdout.split('\n').every((line) => line.length <= 100))
    })
  }
})

t.test('turnd user import', async (t) => {
  const key = (user: string, realm: string, password: string) =>
    Buffer.from(md5Key(user, realm, password)).toString('hex')
  const line = (user: string, realm = 'turnd', password = 'old') => `${user}:${realm}:${key(user, realm, password)}\n`

  t.test(
    'takes the users of a database of coturn, by their keys',
    { skip: peerOrSkip('turnadmin', 'sqlite3') },
    async (t) => {
      const directory = t.testdir({})
      const [database, path] = [join(directory, 'turndb'), join(directory, 'users')]
      const people = { alice: 'correct horse', bob: 'TheMatrIX' }
      for (const [user, password] of Object.entries(people)) {
        const argv = ['-a', '-b', database, '-u', user, '-r', 'example.org', '-p', password]
        execFileSync('turnadmin', argv, { cwd: directory, stdio: 'ignore' })
      }
      const query = 'select name, realm, hmackey from turnusers_lt'
      const rows = execFileSync('sqlite3', ['-separator', ':', database, query])
      t.match(await run(['import', '-', '--users-file', path], rows), {
        code: 0,
        stdout: new RegExp(`^added 2 users to ${path}\n2 users of them with an MD5 key alone: `),
        stderr: '',
      })
      const keys = entriesOf(path).map(({ md5Key, realm, user }) => [user, realm, Buffer.from(md5Key).toString('hex')])
      const expected = Object.entries(people).map(([user, password]) => [
        user,
        'example.org',
        key(user, 'example.org', password),
      ])
      t.same(keys.sort(), expected.sort())
    },
  )

  t.test('leaves who is there already, and says so; --replace takes the new keys', async (t) => {
    const directory = t.testdir({
      users: `# people\n${line('alice')}${line('bob')}`,
      others: `${line('alice', 'turnd', 'new')}\n# more\n${line('carol')}`,
    })
    const [path, others] = [join(directory, 'users'), join(directory, 'others')]
    await run(['disable', 'alice', '--users-file', path])
    const argv = ['import', others, '--users-file', path]
    t.match(await run(argv), {
      code: 1,
      stdout: /^added 1 user to /,
      stderr: `turnd user: already in ${path}, and as before: alice (realm turnd); --replace takes the keys of ${others}\n`,
    })
    t.equal(keyOf(path), key('alice', 'turnd', 'old'))
    t.match(await run([...argv, '--replace']), { code: 0, stdout: /^added 0 users to .*, replaced 2\n/, stderr: '' })
    t.equal(keyOf(path), key('alice', 'turnd', 'new'))
    const names = entriesOf(path).map(({ disabled, user }) => [user, disabled])
    t.same(names, [
      ['alice', true],
      ['bob', false],
      ['carol', false],
    ])
    t.match(readFileSync(path, 'utf8'), /^# people\n/)
  })

  t.test('takes all or none, and one realm if that is wanted', async (t) => {
    const directory = t.testdir({
      broken: `${line('alice')}bob:turnd:12\n`,
      two: line('alice') + line('bob', 'elsewhere'),
      empty: '\n',
    })
    const path = join(directory, 'users')
    const imported = (file: string, ...more: string[]) =>
      run(['import', join(directory, file), '--users-file', path, ...more])
    t.match(await imported('broken'), { code: 2, stderr: /broken, line 2: "md5" is not 32 hex digits; nobody was/ })
    t.match(await imported('empty'), { code: 2, stderr: /empty has no users/ })
    t.match(await imported('nowhere'), { code: 2, stderr: /nowhere: / })
    t.match(await imported('two', '--realm', 'other'), { code: 2, stderr: /no user of realm other, but of turnd/ })
    t.equal(existsSync(path), false)
    t.match(await imported('two', '--realm', 'elsewhere'), { code: 0, stdout: /^added 1 user/ })
    t.same(
      entriesOf(path).map(({ user }) => user),
      ['bob'],
    )
    const copied = join(directory, 'copied')
    await run(['add', 'root', '--admin', '--users-file', copied], 'correct horse\n')
    t.match(await run(['import', copied, '--users-file', path]), { stdout: /^added 0 users and 1 admin user to / })
    t.match(await run(['import']), { code: 2, stderr: /import needs a FILE/ })
    t.match(await imported('two', '--generate'), { code: 2, stderr: /--generate has no meaning with import/ })
    t.match(await imported('two', '--admin'), { code: 2, stderr: /--admin has no meaning with import/ })
  })
})

t.test(`${PROCESS_COUNT} processes at once lose nothing`, async (t) => {
  const directory = t.testdir({ users: '# kept\n' })
  const path = join(directory, 'users')
  mkdirSync(join(directory, 'ready'))
  // All start their edits when the last one is up, so that they really meet.
  const script = `
    import { existsSync, writeFileSync } from 'node:fs'
    import { Readable, PassThrough } from 'node:stream'
    import { runUserCommand } from ${JSON.stringify(MODULE)}
    const [directory, number] = process.argv.slice(1)
    writeFileSync(directory + '/ready/' + number, '')
    const all = Array.from({ length: ${PROCESS_COUNT} }, (_, index) => directory + '/ready/' + index)
    while (!all.every((file) => existsSync(file))) await new Promise((resolve) => setTimeout(resolve, 5))
    for (let index = 0; index < ${USERS_PER_PROCESS}; index++) {
      const io = { stdout: process.stdout, stderr: process.stderr, stdin: Readable.from([Buffer.from('x')]), env: {} }
      const argv = ['add', 'user' + number + '-' + index, '--users-file', directory + '/users']
      process.exitCode ||= await runUserCommand(argv, io)
    }
    const io = { stdout: process.stdout, stderr: process.stderr, stdin: new PassThrough(), env: {} }
    process.exitCode ||= await runUserCommand(['remove', 'user' + number + '-0', '--users-file', directory + '/users'], io)
  `
  const children = Array.from({ length: PROCESS_COUNT }, (_, number) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, directory, String(number)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env.PATH },
    }),
  )
  // Meanwhile the file is whole whenever somebody looks.
  let isEditing = true
  let lookCount = 0
  const looking = (async () => {
    while (isEditing) {
      parseUsersFile(readFileSync(path))
      lookCount++
      await new Promise(setImmediate)
    }
  })()
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  isEditing = false
  await looking

  t.same(codes, new Array(PROCESS_COUNT).fill(0))
  t.ok(lookCount > 10, `looked ${lookCount} times`)
  t.equal(entriesOf(path).length, PROCESS_COUNT * (USERS_PER_PROCESS - 1))
  t.match(readFileSync(path, 'utf8'), /^# kept\n/)
  t.same(readdirSync(directory).sort(), ['ready', 'users'], 'no lock and no temporary file is left')
})
