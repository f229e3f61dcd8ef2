// The command line of `turnd doctor`: its arguments beside those of the server, exit codes, and what it never prints.
import { createSocket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Writable } from 'node:stream'
import t from 'tap'
import { serverProcesses } from '../../src/admin/control-directory.js'
import { runDoctorCommand } from '../../src/commands/doctor.js'
import { DOCTOR_HELP, parseDoctorArguments } from '../../src/commands/doctor-arguments.js'
import { PROBE_HELP } from '../../src/commands/probe-arguments.js'
import type { Finding } from '../../src/doctor/check.js'
import { waysOf } from '../../src/doctor/outside/examine.js'
import { parsedOf, serversOfMachine } from '../../src/doctor/running-servers.js'
import { ServerControl } from '../../src/server/control.js'
import { settingsOf } from '../server/settings.js'
import { temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'

const SECRETS = ['hush-password', 'hush-secret', 'hush-token-that-is-long-enough-to-be-good']
const WITH_SECRETS = ['--user', `alice:${SECRETS[0]}`, '--auth-secret', SECRETS[1], '--metrics-token', SECRETS[2]]

/** Of one run in this process. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, keys = new EventEmitter()) {
  const texts = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += chunk
        done()
      },
    })
  const code = await runDoctorCommand(args, {
    ...{ stdout: stream('stdout'), stderr: stream('stderr'), env },
    ...{ once: keys.once.bind(keys), off: keys.off.bind(keys) },
  })
  return { code, ...texts }
}

t.test('arguments', async (t) => {
  t.test('of the server and of the doctor stand in any order', async (t) => {
    const line = [
      'turn:a.test',
      '--min-port',
      '5000',
      '--as',
      'alice:se:cret',
      'turns:b.test:443',
      '--rfc3489',
      '--realm=turn:x',
      '--timeout',
      '0.5',
    ]
    const parsed = parseDoctorArguments(line, {})!
    t.match(parsed, { username: 'alice', password: 'se:cret', patienceMs: 500 })
    t.same(parsed.serverArgv, ['--min-port', '5000', '--rfc3489', '--realm=turn:x'])
    t.match(parsed.uris, [
      { scheme: 'turn', host: 'a.test' },
      { scheme: 'turns', host: 'b.test', port: 443 },
    ])
  })
  t.test('a TURN REST name keeps its time, a bare host is a turn: URI, variables stand in', async (t) => {
    const parse = (env: NodeJS.ProcessEnv, ...args: string[]) => parseDoctorArguments(['turn.test:3479', ...args], env)!
    t.match(parse({ TURN_AS: '1800000000:alice:pw' }), {
      ...{ username: '1800000000:alice', password: 'pw', secret: null },
      uris: [{ host: 'turn.test', port: 3479 }],
    })
    t.match(parse({ TURN_AS_SECRET: 's' }), { username: null, secret: 's' })
    t.match(parse({ TURN_AS_SECRET: 's' }, '--as', 'bob:pw'), { username: 'bob', secret: null }, 'options win')
    t.throws(() => parse({ TURN_AS: 'a:b', TURN_AS_SECRET: 's' }), { message: /in TURN_AS and TURN_AS_SECRET exclude/ })
  })
  t.test('who to be has the names of turnd probe and of the server as well, beside a URI', async (t) => {
    const parse = (line: string) => parseDoctorArguments(line.split(' '), {})!
    t.match(parse('turn:h --user alice:secret'), { username: 'alice', password: 'secret', serverArgv: [] })
    t.match(parse('turn:h --auth-secret s --realm x'), { secret: 's', serverArgv: [] })
    t.match(parse('turn:h --user alice --auth-secret-file f'), { secretFile: 'f', username: 'alice', serverArgv: [] })
    t.match(parse('turn:h --user 1800000000:alice --password-file f'), {
      ...{ username: '1800000000:alice', password: null, passwordFile: 'f' },
    })
    t.match(parse('turn:h --as alice --as-password-file f'), { username: 'alice', passwordFile: 'f' })
    const server = ['--user', 'alice:secret']
    t.match(
      parse('--user alice:secret'),
      { username: null, serverArgv: server },
      'without a URI they are of the server',
    )
    t.match(parse('turn:h --user alice:secret --min-port 5000'), { serverArgv: [...server, '--min-port', '5000'] })
  })
  t.test('for comparison UDP and TCP of a port are tried beside each other', async (t) => {
    const ways = (...uris: string[]) =>
      waysOf('h', parseDoctorArguments(uris, {})!.uris).map(
        ({ isAsked, port, transport }) => `${transport} ${port}${isAsked ? '!' : ''}`,
      )
    t.same(ways('turn:h'), ['udp 3478!', 'tcp 3478'])
    t.same(ways('turn:h?transport=tcp', 'turns:h:443'), ['tcp 3478!', 'tls 443!', 'udp 3478'])
    t.same(ways('::1'), ['udp 3478!', 'tcp 3478'])
    t.same(ways('turn:h', 'turn:h?transport=tcp'), ['udp 3478!', 'tcp 3478!'])
  })
  for (const [args, message] of [
    [['--nonsense'], /unknown option --nonsense/],
    [['--as', 'alice'], /^(?!.*alice).*--as is not NAME:PASSWORD/],
    [['--as', 'alice:x', '--as-secret', 's'], /a password in --as and --as-secret exclude each other: give one/],
    [['--as-secret', 's', '--as-secret-file', 'f'], /--as-secret and --as-secret-file exclude each other/],
    [['turn:h', '--user', 'alice:x', '--auth-secret', 's'], /a password in --user and --auth-secret exclude/],
    [['turn:h', '--user', 'alice:x', '--as', 'bob:x'], /--as and --user are the same/],
    [['--as-password-file', 'f'], /--as-password-file needs --as NAME/],
    [['turn:h', '--as', 'alice', '--as-password-file', '/nowhere'], /--as-password-file \/nowhere: no such file/],
    [['--timeout', '99'], /no time to wait/],
    [['stun:turn.test'], /about STUN alone/],
    [['turn:turn.test:0'], /has a port/],
    [['--min-port'], /--min-port needs a value/],
    [['--as-secret-file', '/nowhere'], /--as-secret-file \/nowhere/],
    [['--ca', process.argv[1]], /--ca \S+ is not PEM: give the certificates of the authorities/],
    [['--ca', 'a', '--ca', 'b'], /--ca is given more than once/],
    [['--ca', '/nowhere'], /--ca \/nowhere/],
    [['--outside', '--config', '/nowhere'], /--config \/nowhere cannot be read/],
  ] as const) {
    t.test(`${args.join(' ')} is one sentence and exit code 2`, async (t) => {
      const { code, stderr, stdout } = await run(args)
      t.same({ code, stdout }, { code: 2, stdout: '' })
      t.match(stderr, /^turnd doctor: [^\n]+\n$/)
      t.match(stderr, message)
    })
  }
})

t.test('a run', async (t) => {
  const stateDir = temporaryDirectory()
  const local = ['--listen', '127.0.0.1:0', '--relay-ip', '127.0.0.1', '--state-dir', stateDir]
  t.test('--help', async (t) =>
    t.match(await run(['--help', '--nonsense']), { code: 0, stdout: /^Usage: turnd doctor/ }),
  )
  t.test('--help fits a terminal', async (t) => {
    for (const help of [DOCTOR_HELP, PROBE_HELP]) {
      t.same(
        help.split('\n').filter(({ length }) => length > 80),
        [],
      )
      for (const option of ['--user', '--as', '--as-secret-file', '--password-file']) t.match(help, option)
    }
  })
  t.test('of options that a server starts with has no fault, and prints no secret', async (t) => {
    const { code, stdout } = await run([...local, ...WITH_SECRETS, '--json'])
    t.equal(code, 0)
    const { diagnosis, findings, isFaulty } = JSON.parse(stdout)
    t.equal(isFaulty, false)
    t.match(diagnosis, /^No fault that this machine can see/)
    t.match(findings[0], {
      id: 'configuration',
      subject: 'this machine',
      verdict: 'ok',
      text: /./,
      remedy: '',
      cause: '',
    })
    for (const secret of SECRETS) t.notMatch(stdout, secret)
  })
  t.test('of options that stop the start says why, and checks nothing else of them', async (t) => {
    const { code, stdout } = await run([...local, '--min-port', '30000', '--max-port', '29999'])
    t.equal(code, 1)
    t.match(stdout, /^FAULT {2}configuration, this machine\n/)
    t.match(stdout, /\nNot checked: listeners, relay-addresses/)
  })
  t.test('of files that are not there, or that everybody may read, says what to do', async (t) => {
    const { stdout: absent } = await run([...local, '--config', '/nowhere'])
    t.match(absent, /there is no such file\.\n {4}→ Name a file that is there/)
    t.match((await run([...local, '--auth-secret-file', '/nowhere'])).stdout, /→ Name a file that is there/)
    const config = join(stateDir, 'turnd.json')
    writeFileSync(config, '{"user": "alice:secret"}')
    const remedyOf = async (mode: number) => {
      chmodSync(config, mode)
      const { findings } = JSON.parse((await run([...local, '--config', config, '--json'])).stdout)
      return findings.find(({ id }: Finding) => id === 'users').remedy
    }
    t.match(await remedyOf(0o644), `Run chmod 600 ${config}`)
    t.equal(await remedyOf(0o640), '', 'a group of its own may read it')
    writeFileSync(config, '{"realm": "x"}')
    t.equal(await remedyOf(0o644), '', 'there is no secret in it')
  })
  t.test('beside a URI, variables that say who to be make no server of this machine', async (t) => {
    const args = ['turn:127.0.0.1:9', '--json', '--timeout', '0.3']
    const subjects = async (env: NodeJS.ProcessEnv, ...more: string[]) => {
      const { findings } = JSON.parse((await run([...args, ...more], env)).stdout) as { findings: Finding[] }
      return new Set(findings.map(({ subject }) => subject))
    }
    t.notOk((await subjects({ TURND_USER: 'alice:secret', TURND_STATE_DIR: stateDir })).has('this machine'))
    t.notOk((await subjects({}, '--user', 'alice:secret', '--realm', 'x')).has('this machine'))
    t.ok((await subjects({ TURND_USER: 'alice:secret' }, '--min-port', '30000')).has('this machine'))
    t.match(await run(args, { TURND_USER: 'alice' }), { code: 2, stderr: /^turnd doctor: TURND_USER/ })
  })
  for (const signal of ['SIGINT', 'SIGTERM']) {
    t.test(`ends at ${signal}, though a server is silent`, { timeout: 120_000 }, async (t) => {
      const source = new EventEmitter()
      const silent = createSocket('udp4').bind(0, '127.0.0.1')
      t.teardown(() => silent.close())
      await once(silent, 'listening')
      silent.once('message', () => source.emit(signal))
      const uri = `turn:127.0.0.1:${silent.address().port}`
      const { code, stderr, stdout } = await run([uri, '--as', 'a:b', '--timeout', '5'], {}, source)
      t.same([code, stderr, stdout], [1, 'turnd doctor: interrupted\n', ''])
      t.equal(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM'), 0)
    })
  }
  t.test('with a URI where nobody listens names that, and not its symptoms', async (t) => {
    const { code, stdout } = await run(['turn:127.0.0.1:9', '--as', 'alice:secret', '--json', '--timeout', '0.3'])
    t.equal(code, 1)
    const { diagnosis, findings } = JSON.parse(stdout)
    t.same(findings.filter((finding: { verdict: string }) => finding.verdict === 'fault').length, 1)
    t.match(diagnosis, /^No TURN server answers at 127\.0\.0\.1: start turnd there/)
  })
})

/** As a server has it while it runs. */
async function openControl(t: Closing, options: Parameters<typeof settingsOf>[0], listening: string) {
  const control = new ServerControl({
    ...{ settings: settingsOf(options), loginLink: () => null },
    why: () => ({ listening: [listening] }) as never,
  })
  t.teardown(() => control.close())
  await control.open()
}

t.test('a server that runs', async (t) => {
  const stateDir = temporaryDirectory()
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const listening = `127.0.0.1:${socket.address().port}`
  const secrets = { user: `alice:${SECRETS[0]}`, authSecret: SECRETS[1], metricsToken: SECRETS[2] }
  await openControl(t, { ...secrets, stateDir, minPort: 4000, metricsTokenFile: 'tokens' }, `udp:${listening}`)
  t.test('tells its options, but no secret', async (t) => {
    const { answering, silent } = await serversOfMachine(stateDir)
    t.ok(serverProcesses().includes(process.pid) && !silent.includes(process.pid), 'it is no silent one')
    t.match(answering[0], { pid: process.pid, listening: [`udp:${listening}`] })
    t.equal(answering[0].settings.metricsTokenFile, resolve('tokens'), 'paths are whole')
    t.match(parsedOf(answering[0]).settings, { minPort: 4000, stateDir, user: [{ name: 'alice', password: '' }] })
    for (const secret of SECRETS) t.notMatch(JSON.stringify(answering[0]), secret)
  })
  t.test('is looked at by who names its state directory and nothing else', async (t) => {
    const ofDirectory = `a server runs here (process ${process.pid}): these are its options`
    const found = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
      const { findings } = JSON.parse((await run([...args, '--json'], env)).stdout) as { findings: Finding[] }
      return findings.find(({ id }) => id === 'configuration')?.text
    }
    t.equal(await found(['--state-dir', stateDir]), ofDirectory)
    t.equal(await found([], { TURND_STATE_DIR: stateDir }), ofDirectory)
    t.match(await found(['--state-dir', temporaryDirectory()]), 'a server starts with these options', 'of another one')
    t.match(await found(['--state-dir', stateDir, '--min-port', '5000']), 'a server starts with these options')
  })
  t.test(
    'is known by its listener to who gives options, but not the state directory that its service gave it',
    async (t) => {
      const options = [
        '--listen',
        listening,
        '--relay-ip',
        '127.0.0.1',
        '--user',
        'alice:secret',
        '--admin-listen',
        'none',
      ]
      const { code, stdout } = await run([...options, '--json'], {
        STATE_DIRECTORY: join(temporaryDirectory(), 'other'),
      })
      t.equal(code, 0, stdout)
      const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] }
      t.match(
        findings.find(({ id }) => id === 'listeners'),
        { verdict: 'ok', text: `served by the turnd that runs here (process ${process.pid})` },
      )
      t.match(findings.find(({ id }) => id === 'state-directory')?.text, stateDir)
    },
  )
})
