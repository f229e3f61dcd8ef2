// What a person sees who starts the command on a terminal: the URIs and the generated user, and a log that nobody can forge.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { GENERATED_USER_FILE, GENERATED_USER_NAME } from '../../src/auth/state-dir.js'
import { allocateAs, HOSTILE_NAMES } from './hostile-names.js'
import { allocateCode, connectClient, localArguments } from './local-server.js'
import { Terminal, terminalOrSkip } from './terminal.js'
import { until } from './until.js'

const MIN_PORT = 32_500
const ARGS = [...localArguments(MIN_PORT), '--listen', 'udp:127.0.0.1:0', '--drain-timeout', '0']

t.setTimeout(240_000)

interface Started {
  readonly terminal: Terminal
  readonly server: { port(): number }
}

/** Starts the server and waits for the end of what is shown at the start. */
async function start(t: Test, cwd: string, args: readonly string[], end: RegExp): Promise<Started> {
  const terminal = new Terminal(t, cwd, [...ARGS, ...args])
  const [, port] = await terminal.waitFor(/turn:127\.0\.0\.1:(\d+)\?transport=udp/)
  await terminal.waitFor(end)
  return { terminal, server: { port: () => Number(port) } }
}

const countOf = (text: string, part: string) => text.split(part).length - 1

t.test('a terminal', { skip: terminalOrSkip() }, async (t) => {
  t.test('shows the URIs and the generated user once; the second start names its file', async (t) => {
    const cwd = t.testdir({})
    const file = join('turnd-state', GENERATED_USER_FILE)
    const end = /its password is in turnd-state/

    const first = await start(t, cwd, [], end)
    const { password } = JSON.parse(readFileSync(join(cwd, file), 'utf8'))
    const banner = `    username    ${GENERATED_USER_NAME}\r\n    credential  ${password}\r\n`
    t.ok(first.terminal.screen.includes(banner), first.terminal.screen)
    t.equal(countOf(first.terminal.screen, password), 1, 'once')
    t.equal(await allocateCode(t, first.server, GENERATED_USER_NAME, password), 0)
    t.equal(await first.terminal.interrupt(), 0)
    t.equal(countOf(first.terminal.screen, password), 1)

    const second = await start(t, cwd, [], end)
    t.match(second.terminal.screen, `credential  in ${file}\r\n`)
    t.equal(countOf(second.terminal.screen, password), 0)
    t.equal(await allocateCode(t, second.server, GENERATED_USER_NAME, password), 0)
    t.equal(await second.terminal.stop('SIGTERM'), 0)
  })

  t.test('shows no credential when users are configured', async (t) => {
    const { terminal } = await start(t, t.testdir({}), ['--user', 'alice:hunter2'], /turnd is ready/)
    await terminal.waitFor(/\?transport=udp\r\n\r\n/)
    t.equal(await terminal.stop('SIGTERM'), 0)
    t.notMatch(terminal.screen, /credential|hunter2/)
  })

  t.test('of standard error alone: the log of standard output stays JSON', async (t) => {
    const cwd = t.testdir({})
    const terminal = new Terminal(t, cwd, ARGS, 'log')
    await terminal.waitFor(/credential {2}[\w-]{24}\r\n/)
    await terminal.interrupt()
    const log = readFileSync(join(cwd, 'log'), 'utf8')
    const events = log.trimEnd().split('\n')
    t.match(
      events.map((line) => JSON.parse(line).event),
      ['warning', 'engine', 'ready', 'generated-user', 'signal', 'draining', 'stopped'],
    )
    t.notMatch(log, JSON.parse(readFileSync(join(cwd, 'turnd-state', GENERATED_USER_FILE), 'utf8')).password)
    t.notMatch(terminal.screen, /"event"/)
  })

  t.test('may be closed: calls go on', async (t) => {
    const args = ['--user', 'alice:hunter2']
    const { server, terminal } = await start(t, t.testdir({}), args, /\?transport=udp\r\n\r\n/)
    const client = await connectClient(t, server, 'alice', 'hunter2')
    t.equal((await client.allocate()).code, 0)
    await terminal.hangUp()
    // Each of these is a line that the log cannot write.
    for (let count = 0; count < 3; count++) t.equal(await allocateCode(t, server, 'mallory', 'hunter2'), 401)
    t.equal((await client.refresh()).code, 0)
  })

  t.test('is not touched by what user names contain', async (t) => {
    const { server, terminal } = await start(t, t.testdir({}), ['--user', 'alice:hunter2'], /\?transport=udp\r\n\r\n/)
    for (const name of HOSTILE_NAMES) t.equal(await allocateAs(await connectClient(t, server, name, ''), name), 401)
    t.equal(await allocateCode(t, server, 'mallory', 'hunter2'), 401)
    // In any order: each worker reports for itself.
    const refusals = () => terminal.screen.split(/(?<=\r\n)/).filter((line) => /refused .*\r\n$/.test(line))
    await until(() => refusals().length > HOSTILE_NAMES.length, 'all refusals are shown')
    t.equal(await terminal.stop('SIGTERM'), 0)
    t.equal(refusals().length, HOSTILE_NAMES.length + 1, 'a line each')
    const { screen } = terminal
    // The colours are the only escape sequences.
    const plain = screen.replace(/\x1b\[\d+m/g, '')
    t.notMatch(plain, /[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069]/)
    t.notMatch(screen, /\x1b\[31mred/)
    t.notMatch(plain, /^\{|^forged/m)
    t.match(plain, 'é日本𝄞')
  })
})
