// `turnd login`, the real command: one line for each server of the state directory that has a status page, and a sentence for what has none.
import t, { type Test } from 'tap'
import { ServerControl } from '../../src/server/control.js'
import { settingsOf } from '../server/settings.js'
import { temporaryDirectory } from '../support/certificate.js'
import { DGRAM } from '../support/engines.js'
import { startServer } from '../support/server-process.js'
import { localArguments } from './local-server.js'
import { runTurnd } from './run-turnd.js'

const MIN_PORT = 33_500

t.setTimeout(240_000)

const login = (...args: string[]) => runTurnd(['login', ...args], { cwd: '/' })

/** The control socket of a server of this process, whose status page is made up. */
async function openControl(t: Test, stateDir: string, loginLink: () => string | null): Promise<void> {
  const why = () => {
    throw new Error('nobody asks that')
  }
  const control = new ServerControl({ settings: settingsOf({ user: 'alice:secret', stateDir }), why, loginLink })
  t.teardown(() => control.close())
  await control.open()
}

t.test('turnd login', async (t) => {
  t.test('prints a link of each server, a new one each time', async (t) => {
    const directory = temporaryDirectory()
    let count = 0
    await openControl(t, directory, () => `http://127.0.0.1:8445/login#token-${++count}`)
    t.same(await login('--state-dir', directory), {
      code: 0,
      stdout: 'http://127.0.0.1:8445/login#token-1\n',
      stderr: '',
    })
    await openControl(t, directory, () => 'http://127.0.0.1:8446/login#other')
    const { code, stderr, stdout } = await login('--state-dir', directory)
    t.same({ code, stderr }, { code: 0, stderr: '' })
    t.same(stdout.split('\n').sort(), ['', 'http://127.0.0.1:8445/login#token-2', 'http://127.0.0.1:8446/login#other'])
  })

  t.test('says which server has no status page, and prints the links of the others', async (t) => {
    const directory = temporaryDirectory()
    await openControl(t, directory, () => 'http://127.0.0.1:8445/login#token')
    const args = [...localArguments(MIN_PORT), '--user', 'alice:secret', '--admin-listen', 'none', ...DGRAM.args]
    const server = await startServer(t, args, { stateDirectory: directory })
    t.same(await login('--state-dir', directory), {
      code: 1,
      stdout: 'http://127.0.0.1:8445/login#token\n',
      stderr: `turnd login: the server with process number ${server.pid} has no status page: start it with --admin-listen\n`,
    })
  })

  t.test('says what a server could not do', async (t) => {
    const directory = temporaryDirectory()
    await openControl(t, directory, () => {
      throw new Error('there are too many links')
    })
    t.match(await login('--state-dir', directory), {
      ...{ code: 1, stdout: '', stderr: /^turnd login: .*\/control-\d+\.sock: there are too many links\n$/ },
    })
  })

  t.test('says that there is no server, or what is wrong with an argument', async (t) => {
    const directory = temporaryDirectory()
    t.match(await login('--state-dir', directory), { code: 1, stdout: '', stderr: /^turnd login: no server runs with/ })
    t.match(await login('now'), { code: 2, stderr: 'turnd login: unexpected argument "now": see turnd login --help\n' })
    t.match(await login('--state-dir', 'a', '--state-dir', 'b'), { code: 2, stderr: /given more than once/ })
    t.match(await login('--reason', 'x'), { code: 2, stderr: 'turnd login: unknown option --reason\n' })
    const { code, stderr, stdout } = await login('--help')
    t.same({ code, stderr }, { code: 0, stderr: '' })
    t.match(stdout, /^Usage: turnd login \[options\]/)
    t.ok(stdout.split('\n').every((line) => line.length <= 100))
  })
})
