// The state directory and the user that is generated when none is configured, without a terminal.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { GENERATED_USER_FILE, GENERATED_USER_NAME, NONCE_SECRET_FILE } from '../../src/auth/state-dir.js'
import { connectUdp } from '../support/client-transport.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { TurnClient } from '../support/turn-client.js'
import { allocateCode, localArguments, startLocalServer } from './local-server.js'
import { runTurnd } from './run-turnd.js'

const MIN_PORT = 32_200

t.setTimeout(240_000)

const passwordIn = (directory: string): string =>
  JSON.parse(readFileSync(join(directory, GENERATED_USER_FILE), 'utf8')).password

const modeOf = (path: string) => statSync(path).mode & 0o777

const socketOf = ({ pid }: ServerProcess) => `control-${pid}.sock`

async function startIn(t: Test, stateDirectory: string, args: readonly string[] = []) {
  return startServer(t, [...localArguments(MIN_PORT), ...args], { stateDirectory })
}

t.test('the generated user, without a terminal', async (t) => {
  const directory = join(t.testdir({}), 'not', 'yet', 'there')
  const file = join(directory, GENERATED_USER_FILE)
  const first = await startIn(t, directory)
  const password = passwordIn(directory)

  t.test('the log names its file, and nothing shows its password', async (t) => {
    t.match(await first.waitForLog(({ event }) => event === 'generated-user'), { user: GENERATED_USER_NAME, file })
    t.match(password, /^[\w-]{24}$/)
    t.notMatch(first.output, password)
  })

  t.test('files have mode 0600, the directory 0700', async (t) => {
    t.strictSame(readdirSync(directory).sort(), [GENERATED_USER_FILE, NONCE_SECRET_FILE, socketOf(first)].sort())
    for (const name of readdirSync(directory)) t.equal(modeOf(join(directory, name)), 0o600, name)
    t.equal(modeOf(directory), 0o700)
  })

  t.test('it can allocate, and nobody with another password', async (t) => {
    t.equal(await allocateCode(t, first, GENERATED_USER_NAME, password), 0)
    t.equal(await allocateCode(t, first, GENERATED_USER_NAME, `${password}x`), 401)
  })

  t.test('a second start keeps the password, and a nonce of the first', async (t) => {
    const client = TurnClient.on(t, await connectUdp('127.0.0.1', first.port()), {
      username: GENERATED_USER_NAME,
      password,
    })
    await client.learnChallenge()
    const listen = ['--listen', `udp:127.0.0.1:${first.port()}`]
    t.equal(await first.stop(), 0)
    const second = await startIn(t, directory, listen)
    t.equal(passwordIn(directory), password)
    t.equal((await client.allocate()).code, 0, 'without a 438')
    t.notMatch(second.output, password)
  })
})

t.test('no user is generated when somebody is configured', async (t) => {
  const directory = t.testdir({})
  const server = await startIn(t, directory, ['--user', 'alice:hunter2'])
  t.strictSame(readdirSync(directory).sort(), [NONCE_SECRET_FILE, socketOf(server)].sort())
  t.strictSame(server.linesOf('generated-user'), [])
})

t.test(
  'users.jsonl of the state directory, as turnd user writes it, takes the place of the generated user',
  async (t) => {
    const cwd = t.testdir({})
    await runTurnd(['user', 'add', 'alice', '--state-dir', 'state'], { cwd, input: 'hunter2\n' })
    const server = await startIn(t, join(cwd, 'state'))
    t.equal(await allocateCode(t, server, 'alice', 'hunter2'), 0)
    t.strictSame(server.linesOf('generated-user'), [])
  },
)

t.test('a file that others can read is a warning', async (t) => {
  const path = join(t.testdir({ [NONCE_SECRET_FILE]: `${'0f'.repeat(32)}\n` }), NONCE_SECRET_FILE)
  const server = await startIn(t, join(path, '..'), ['--user', 'alice:hunter2'])
  t.match(server.linesOf('warning'), [{}, { msg: `${path} can be read by others: run chmod 600 ${path}` }])
  t.notMatch(server.output, '0f0f')
})

t.test('a state directory that cannot be written', async (t) => {
  // Root writes into any directory, but nobody makes one below a file.
  const stateDirectory = join(t.testdir({ file: '' }), 'file', 'state')

  t.test('is a warning, and the server works', async (t) => {
    const args = ['--user', 'alice:hunter2']
    const server = await startLocalServer(t, MIN_PORT, args, ['hunter2'], { stateDirectory })
    await server.waitForLog(({ event, msg }) => event === 'warning' && String(msg).includes(NONCE_SECRET_FILE))
    t.match(server.linesOf('warning')[1].msg, /cannot be used \(.*\): it stays in memory/)
    t.equal(await allocateCode(t, server, 'alice', 'hunter2'), 0)
  })

  t.test('and without users, somebody is told that nobody knows the password', async (t) => {
    const server = await startIn(t, stateDirectory)
    const about = (text: string) => (line: { msg?: unknown }) => String(line.msg).includes(text)
    await server.waitForLog(about(`${GENERATED_USER_FILE} cannot be used`))
    await server.waitForLog(about('nobody can log in'))
    t.strictSame(server.linesOf('generated-user'), [])
  })
})
