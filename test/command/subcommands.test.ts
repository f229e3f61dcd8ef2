// What answers and ends: --help, --version, and the subcommands, with their exit codes.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import { OPTIONS } from '../../src/config/options.js'
import { projectRoot } from '../support/project-root.js'
import { runTurnd, TURND } from './run-turnd.js'

t.test('--help names every option and ends with 0', async (t) => {
  const { code, stderr, stdout } = await runTurnd(['--help', '--listen', 'nonsense'], { cwd: t.testdir({}) })
  t.equal(code, 0)
  t.equal(stderr, '')
  for (const { name } of OPTIONS) t.match(stdout, new RegExp(`^ +--${name}\\b`, 'm'))
  t.equal((await runTurnd(['-h'], { cwd: t.testdir({}) })).stdout, stdout, '-h is the same')
})

t.test('--version prints that of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  t.same(await runTurnd(['--version'], { cwd: t.testdir({}) }), { code: 0, stdout: `turnd ${version}\n`, stderr: '' })
})

const isLong = process.env.TURND_TEST_LONG === '1'

t.test('standard output', async (t) => {
  const shell = (t: Test, line: string) => {
    const cwd = t.testdir({})
    writeFileSync(join(cwd, 'users.jsonl'), `${makeUsersFileLine('alice', 'turnd', 'secret').text}\n`)
    // `env -u`: tap instruments the Node processes that its tests start.
    const args = ['-c', line, 'bash', 'env', '-u', 'NODE_OPTIONS', process.execPath, TURND]
    return spawnSync('bash', args, { cwd, encoding: 'utf8', timeout: 30_000 })
  }

  // One of the command's own, one of each subcommand that takes another way to its output.
  const inLongForm = ['--version', 'why --help', 'login --help', 'cert --name turn.example.org']
  for (const [words, name] of [
    ['--help', 'turnd'],
    ['--version', 'turnd'],
    ['why --help', 'turnd why'],
    ['login --help', 'turnd login'],
    ['user list --users-file users.jsonl', 'turnd user'],
    ['cert --name turn.example.org', 'turnd cert'],
  ] as const) {
    if (!isLong && inLongForm.includes(words)) continue
    t.test(`${words}: a full disk is one sentence, and exit code 2`, async (t) => {
      const { status, stderr } = shell(t, `"$@" ${words} >/dev/full`)
      t.equal(stderr, `${name}: standard output cannot be written: no space left on the disk\n`)
      t.equal(status, 2)
    })

    t.test(`${words}: a reader that has gone is nothing to tell`, async (t) => {
      const { status, stderr } = shell(t, `mkfifo pipe && exec 3<>pipe 4>pipe 3<&- && "$@" ${words} >&4`)
      t.same({ status, stderr }, { status: 0, stderr: '' })
    })
  }

  t.test('user add --generate: on a full disk nobody is added, nor where the reader has gone', async (t) => {
    const words = 'user add bob --generate --users-file users.jsonl'
    const check = '; code=$?; grep -c bob users.jsonl; exit $code'
    const lost = shell(t, `"$@" ${words} >/dev/full${check}`)
    t.same({ status: lost.status, stdout: lost.stdout }, { status: 2, stdout: '0\n' })
    t.match(lost.stderr, 'turnd user: nobody has got the password (no space left on the disk), so bob is as before\n')
    const gone = shell(t, `mkfifo pipe && exec 3<>pipe 4>pipe 3<&- && "$@" ${words} >&4${check}`)
    t.same({ status: gone.status, stdout: gone.stdout }, { status: 2, stdout: '0\n' })
  })

  t.test('and standard error on a full disk changes no exit code', async (t) => {
    const { status, stdout } = shell(t, '"$@" why --state-dir nowhere 2>/dev/full')
    t.same({ status, stdout }, { status: 1, stdout: '' })
  })
})

t.test('turnd user', async (t) => {
  t.test('--help explains it and ends with 0', async (t) => {
    const { code, stderr, stdout } = await runTurnd(['user', '--help'], { cwd: t.testdir({}) })
    t.match(stdout, /^Usage: turnd user add NAME/)
    t.same({ code, stderr }, { code: 0, stderr: '' })
  })

  t.test('without a command, or with an unknown one, ends with 2 and a sentence', async (t) => {
    const cwd = t.testdir({})
    const hint = 'use add, list, disable, enable, remove or import (see turnd user --help)'
    t.same(await runTurnd(['user'], { cwd }), {
      code: 2,
      stdout: '',
      stderr: `turnd user: a command is missing: ${hint}\n`,
    })
    t.same(await runTurnd(['user', 'bogus'], { cwd }), {
      code: 2,
      stdout: '',
      stderr: `turnd user: unknown command "bogus": ${hint}\n`,
    })
  })

  t.test('adds, lists and removes; 1 when the user is there already, or is not', async (t) => {
    const cwd = t.testdir({})
    const file = ['--users-file', 'users.jsonl']
    const add = () => runTurnd(['user', 'add', 'alice', ...file], { cwd, input: 'hunter2\n' })
    t.match(await add(), { code: 0, stdout: 'added alice (realm turnd) to users.jsonl\n', stderr: '' })
    t.match(await add(), { code: 1, stdout: '', stderr: /alice.* is already in/ })
    t.match(await runTurnd(['user', 'list', ...file], { cwd }), {
      ...{ code: 0, stdout: 'alice\tturnd\tmd5,sha256\tturn\tenabled\n' },
    })
    t.match(await runTurnd(['user', 'remove', 'alice', ...file], { cwd }), { code: 0, stderr: '' })
    t.match(await runTurnd(['user', 'remove', 'alice', ...file], { cwd }), { code: 1, stdout: '' })
    t.notMatch(readFileSync(join(cwd, 'users.jsonl'), 'utf8'), /hunter2/)
  })
})

t.test('turnd cert', async (t) => {
  t.test('--help explains it and ends with 0', async (t) => {
    const { code, stderr, stdout } = await runTurnd(['cert', '--help'], { cwd: t.testdir({}) })
    t.match(stdout, /^Usage: turnd cert --name NAME/)
    t.same({ code, stderr }, { code: 0, stderr: '' })
  })

  t.test('writes three files into the working directory; 1 when one is there, 2 after a sentence', async (t) => {
    const cwd = t.testdir({})
    const make = () => runTurnd(['cert', '--name', 'turn.example.org'], { cwd })
    t.match(await make(), {
      code: 0,
      stdout: /--cert turn\.example\.org\.pem --key turn\.example\.org\.key/,
      stderr: '',
    })
    t.same(readdirSync(cwd).sort(), ['turn.example.org.csr', 'turn.example.org.key', 'turn.example.org.pem'])
    t.match(await make(), { code: 1, stdout: '', stderr: /turn\.example\.org\.key is there already/ })
    t.match(await runTurnd(['cert'], { cwd }), { code: 2, stdout: '', stderr: /^turnd cert: --name is missing/ })
  })
})

t.test('turnd why', async (t) => {
  t.test('--help explains it and ends with 0', async (t) => {
    const { code, stderr, stdout } = await runTurnd(['why', '--help'], { cwd: t.testdir({}) })
    t.match(stdout, /^Usage: turnd why \[options\]/)
    t.same({ code, stderr }, { code: 0, stderr: '' })
  })

  t.test('is not told from options that come first', async (t) => {
    t.match(await runTurnd(['--realm', 'x', 'why'], { cwd: t.testdir({}) }), {
      ...{ code: 2, stderr: /why is a subcommand, which comes first: turnd why --help/ },
    })
  })
})
