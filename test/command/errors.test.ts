// What stops the start: one sentence on standard error that names the option and the value, exit code 2, nothing left behind.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { GENERATED_USER_FILE, NONCE_SECRET_FILE } from '../../src/auth/state-dir.js'
import { DGRAM, NATIVE } from '../support/engines.js'
import { holderText } from '../support/holder-text.js'
import { UdpPeer } from '../support/udp-peer.js'
import { runTurnd } from './run-turnd.js'

const MIN_PORT = 32_000
const LISTEN = ['--listen', 'udp:127.0.0.1:0']
const RELAY = ['--relay-ip', '127.0.0.1', '--min-port', String(MIN_PORT), '--max-port', String(MIN_PORT + 49)]
const USER = ['--user', 'alice:hunter2']
/** RFC 5737: no machine has it. */
const FOREIGN = '192.0.2.77'

t.setTimeout(240_000)

async function refuse(t: Test, args: readonly string[], message: string, cwd = t.testdir({})): Promise<void> {
  const { code, stderr, stdout } = await runTurnd(args, { cwd })
  t.equal(stderr, `turnd: ${message}\n`, 'one sentence on one line')
  t.equal(code, 2)
  t.notMatch(stdout, /ready|hunter2/)
}

const isLong = process.env.TURND_TEST_LONG === '1'

/** What parsing says is tested in test/config: where time is short, some of each kind are enough to show that it gets here. */
const inTime = <Item>(items: readonly Item[], isShown: (item: Item) => boolean) =>
  isLong ? items : items.filter(isShown)

type Case = readonly [args: readonly string[], message: string]

const optionCases: readonly Case[] = [
  [
    ['--min-port', '30000', '--max-port', '29000'],
    '--min-port 30000 is above --max-port 29000: give a range such as --min-port 24000 --max-port 29999',
  ],
  [
    ['--listen', 'nonsense'],
    '--listen nonsense is not [udp:|tcp:|tls:|dtls:]ADDRESS:PORT: nonsense is a host name, give an IP address',
  ],
  [
    ['--allow-peer', '10.0.0.0/33'],
    '--allow-peer 10.0.0.0/33 is not ADDRESS[/PREFIX][:PORTS]: an IPv4 prefix is at most 32 bits',
  ],
  [['--max-port', '65536'], '--max-port 65536 is not a port: give a whole number from 1 to 65535'],
  [['--engine', 'fast'], '--engine fast is not an engine: give auto, native or dgram'],
  [['--bogus'], '--bogus is not an option: turnd --help lists them'],
  [['--relm', 'x'], '--relm is not an option: did you mean --realm?'],
  [['--listening-port', '3478'], '--listening-port is an option of coturn: here it is --listen'],
  [['--realm'], '--realm needs a value: --realm REALM'],
  [['--realm', '--mobility'], '--realm needs a value: --realm REALM, or --realm=REALM if it begins with a dash'],
  [['--user', 'hunter2'], '--user: the value is not NAME:PASSWORD: there is no colon in it'],
  [['--cert', 'a.pem'], '--cert a.pem needs --key as well'],
  [
    ['bogus'],
    'bogus is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
  ],
  [
    ['--relay-ip', FOREIGN],
    `--relay-ip ${FOREIGN} is not an address of this machine; behind static NAT give the private address here and ` +
      '--external-ip PUBLIC/PRIVATE',
  ],
  [
    ['--external-ip', '203.0.113.5/10.99.0.1', '--relay-ip', '127.0.0.1'],
    '--external-ip 203.0.113.5/10.99.0.1 maps 10.99.0.1, which is not a --relay-ip: those are 127.0.0.1',
  ],
]

t.test('options that cannot be', async (t) => {
  const shown = ['--listen', '--bogus', '--user', 'bogus', '--relay-ip', '--external-ip']
  for (const [args, message] of inTime(optionCases, ([args]) => shown.includes(args[0]))) {
    t.test(args.join(' '), (t) => refuse(t, [...(args[0] === '--user' ? [] : USER), ...LISTEN, ...args], message))
  }
  t.test('--external-ip for no relay address, by default the default route', async (t) => {
    const { code, stderr } = await runTurnd(['--external-ip', `203.0.113.5/${FOREIGN}`, ...USER, ...LISTEN], {
      cwd: t.testdir({}),
    })
    t.match(stderr, /^turnd: --external-ip 203\.0\.113\.5\/192\.0\.2\.77 stands for no relay address \(those are .+\n$/)
    t.equal(code, 2)
  })
})

t.test('files that cannot be used', async (t) => {
  const user = '{"user":"alice","realm":"turnd","md5":"00112233445566778899aabbccddeeff"}'
  const cases: readonly [content: string | null, option: string, message: string][] = [
    [null, '--users-file', '--users-file FILE: no such file or directory'],
    [
      `# users\n${user}\nbob:turnd\n`,
      '--users-file',
      '--users-file FILE, line 3: is neither a JSON object nor user:realm:md5 with exactly two colons',
    ],
    [
      `${user}\n${user}\n`,
      '--users-file',
      '--users-file FILE, line 2: the user alice of realm turnd is already on line 1',
    ],
    [null, '--auth-secret-file', '--auth-secret-file FILE: no such file or directory'],
    ['', '--auth-secret-file', '--auth-secret-file FILE holds no secret: write one on a line'],
    ['\n# hunter2\n', '--auth-secret-file', '--auth-secret-file FILE holds no secret: write one on a line'],
    [null, '--config', '--config FILE cannot be read: there is no such file'],
    ['{\n  "user": "a:hunter2",,\n}', '--config', '--config FILE is not JSON: see line 2, column 23'],
    [
      '["--realm"]',
      '--config',
      '--config FILE is not a JSON object: give options as {"realm": "example.org", "min-port": 24000}',
    ],
    ['{"relm": "x"}', '--config', 'FILE: "relm" is not an option: did you mean "realm"?'],
    ['{"engine": "fast"}', '--config', 'FILE: "engine": "fast" is not an engine: give auto, native or dgram'],
  ]
  const shown = [cases[1], cases[4], cases[7], cases[10]]
  for (const [content, option, message] of inTime(cases, (one) => shown.includes(one))) {
    t.test(`${option} ${content === null ? '(missing)' : JSON.stringify(content)}`, async (t) => {
      const cwd = t.testdir({})
      if (content !== null) writeFileSync(join(cwd, 'file'), content)
      await refuse(t, [option, 'file', ...LISTEN, ...RELAY], message.replace('FILE', 'file'), cwd)
    })
  }
  t.test('a directory', async (t) => {
    const cwd = t.testdir({ file: {} })
    for (const option of inTime(['--users-file', '--auth-secret-file', '--config'], (name) => name === '--config')) {
      const { code, stderr } = await runTurnd([option, 'file', ...LISTEN], { cwd })
      t.match(stderr, new RegExp(`^turnd: ${option} file.*directory\n$`))
      t.equal(code, 2)
    }
  })
})

t.test('a state directory with broken content', async (t) => {
  const cases: readonly [name: string, args: readonly string[], message: string][] = [
    [NONCE_SECRET_FILE, USER, 'does not hold 64 hex digits; remove it to get a new nonce secret'],
    [GENERATED_USER_FILE, [], 'does not hold {"user","realm","password"}; remove it to get a new generated user'],
  ]
  for (const [name, args, message] of cases) {
    t.test(name, async (t) => {
      const cwd = t.testdir({})
      mkdirSync(join(cwd, 'state'))
      writeFileSync(join(cwd, 'state', name), 'hunter2')
      chmodSync(join(cwd, 'state', name), 0o600)
      const expected = `--state-dir state: ${join('state', name)} ${message}`
      await refuse(t, ['--state-dir', 'state', ...args, ...LISTEN, ...RELAY], expected, cwd)
    })
  }
})

t.test('a port in use', async (t) => {
  const taken = await UdpPeer.open(t)
  const inUse = `udp:${taken.address}`
  const holder = holderText('UDP', '127.0.0.1', taken.address.port)
  const sentence = `${holder} listens on UDP ${taken.address}; stop it, or choose another port`
  t.test('the only listener', (t) =>
    refuse(t, ['--listen', inUse, ...USER, ...RELAY], `--listen ${inUse}: ${sentence}`),
  )
  t.test('the second of two: the first is not left open', async (t) => {
    const first = await UdpPeer.open(t)
    await first.close()
    const listeners = ['--listen', `udp:${first.address}`, '--listen', inUse]
    await refuse(t, [...listeners, ...USER, ...RELAY], `--listen ${inUse}: ${sentence}`)
    t.equal((await UdpPeer.open(t, '127.0.0.1', first.address.port)).address.port, first.address.port)
  })
  t.test('one address of a wildcard', async (t) => {
    const { port } = taken.address
    const wildcard = `udp:*:${port}`
    // The native engine's wildcard is one socket: the kernel does not tell at which address another one is in its way.
    for (const [engine, address] of [
      [DGRAM, `${taken.address}`],
      [NATIVE, `0.0.0.0:${port}`],
    ] as const) {
      if (engine.skip) continue
      const message = `--listen ${wildcard} (${address}): ${sentence.replace(`${taken.address}`, address)}`
      await refuse(t, [...engine.args, '--listen', wildcard, ...USER, ...RELAY], message)
    }
  })
  t.test('an address of another machine', (t) => {
    const reason = `${FOREIGN} is not an address of this machine; behind static NAT listen on the private address`
    const listen = `udp:${FOREIGN}:3478`
    return refuse(t, [...LISTEN, '--listen', listen, ...USER, ...RELAY], `--listen ${listen}: ${reason}`)
  })
})
