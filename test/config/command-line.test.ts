import fc from 'fast-check'
import t from 'tap'
import { parseCommandLine } from '../../src/config/command-line.js'
import { TurndError } from '../../src/config/errors.js'
import { OPTIONS } from '../../src/config/options.js'
import { codeAndMessage, parse, refusal } from './refusals.js'

const noFile = () => {
  throw new Error('no file should be read')
}

t.test('the command line', async (t) => {
  t.test('asks for help or the version, whatever else is on it', async (t) => {
    for (const argv of [
      ['--help'],
      ['-h'],
      ['--nonsense', '--help'],
      ['--min-port', '0', '-h'],
      ['stray', '--help'],
      ['--help', '--version'],
    ]) {
      t.same(parseCommandLine(argv, {}, noFile), { help: true }, argv.join(' '))
    }
    t.same(parseCommandLine(['--version'], {}, noFile), { version: true })
    t.same(parseCommandLine(['--nonsense', '--version'], {}, noFile), { version: true })
  })

  t.test('takes a value after a space or an equals sign', async (t) => {
    t.equal(parse({ argv: ['--realm', 'a'] }).settings.realm, 'a')
    t.equal(parse({ argv: ['--realm=a=b'] }).settings.realm, 'a=b')
    t.equal(parse({ argv: ['--realm=--a'] }).settings.realm, '--a')
  })

  t.test('keeps the order of repeated options', async (t) => {
    const { settings } = parse({ argv: ['--relay-ip', '192.0.2.2', '--realm', 'a', '--relay-ip', '192.0.2.1'] })
    t.same(settings.relayIp, ['192.0.2.2', '192.0.2.1'])
  })

  t.test('refuses what is no option with one sentence', async (t) => {
    const rows: [string[], string][] = [
      [['--min-prt', '1'], '--min-prt is not an option: did you mean --min-port?'],
      [['--minport=1'], '--minport is not an option: did you mean --min-port?'],
      [['--minPort=1'], '--minPort is not an option: did you mean --min-port?'],
      [['--listne', '*'], '--listne is not an option: did you mean --listen?'],
      [['--log'], '--log is not an option: did you mean --log-level?'],
      [['--hlep'], '--hlep is not an option: did you mean --help?'],
      [['--versoin'], '--versoin is not an option: did you mean --version?'],
      [['--no-mobility'], '--no-mobility is not an option: did you mean --mobility?'],
      [['--usr=bob:hunter2'], '--usr is not an option: did you mean --user?'],
      [['--xyzzy'], '--xyzzy is not an option: turnd --help lists them'],
      [['--__proto__'], '--__proto__ is not an option: turnd --help lists them'],
      [['--constructor'], '--constructor is not an option: turnd --help lists them'],
      [['--listening-ip', '192.0.2.1'], '--listening-ip is an option of coturn: here it is --listen'],
      [['--static-auth-secret=hunter2'], '--static-auth-secret is an option of coturn: here it is --auth-secret'],
      [['--total-quota', '5'], '--total-quota is an option of coturn: here it is --max-allocations'],
      [['-p', '3478'], '-p is not an option: all but -h begin with two dashes, turnd --help lists them'],
      [['-realm', 'a'], '-r is not an option: all but -h begin with two dashes, turnd --help lists them'],
      [
        ['stray'],
        'stray is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
      ],
      [
        ['users'],
        'users is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
      ],
      [
        ['--realm', 'a', 'b'],
        'b is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
      ],
      [
        ['--realm', 'a', '--', '--mobility'],
        '--mobility is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
      ],
      [
        ['--mobility', 'true'],
        'true is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
      ],
      [
        ['two words'],
        '"two words" is neither an option (--…) nor a subcommand (user, convert, cert, why, probe, doctor, credentials, dns, resolve, login)',
      ],
      [['--realm', 'a', 'user', 'add'], 'user is a subcommand, which comes first: turnd user --help'],
    ]
    for (const [argv, message] of rows)
      t.same(codeAndMessage(refusal({ argv })), { code: 'TURND_ERR_OPTION', message }, argv.join(' '))
  })

  t.test('tells a forgotten value from one that begins with a dash', async (t) => {
    const rows: [string[], string][] = [
      [['--realm'], '--realm needs a value: --realm REALM'],
      [['--realm', '--mobility'], '--realm needs a value: --realm REALM, or --realm=REALM if it begins with a dash'],
      [
        ['--auth-secret', '-hunter2'],
        '--auth-secret needs a value: --auth-secret SECRET, or --auth-secret=SECRET if it begins with a dash',
      ],
      [['--min-port', '-3'], '--min-port -3 is not a port: give a whole number from 1 to 65535'],
      [['--min-port='], '--min-port "" is not a port: give a whole number from 1 to 65535'],
    ]
    for (const [argv, message] of rows) t.equal(refusal({ argv }).message, message)
    t.same(parse({ argv: ['--auth-secret=-hunter2'] }).settings.authSecret, ['-hunter2'])
  })

  t.test('refuses two values for an option that has one', async (t) => {
    t.equal(
      refusal({ argv: ['--min-port', '24000', '--min-port', '25000'] }).message,
      '--min-port is given more than once, as 24000 and 25000: give it once',
    )
    t.equal(parse({ argv: ['--min-port', '25000', '--min-port', '25000'] }).settings.minPort, 25000)
    t.equal(parse({ argv: ['--mobility', '--mobility'] }).settings.mobility, true)
  })

  t.test('refuses numbers that are not plain and whole', async (t) => {
    for (const value of [
      'abc',
      '1.5',
      '1e3',
      '0x10',
      '+5',
      ' 5',
      '5 ',
      '٣',
      'NaN',
      'Infinity',
      '65536',
      '0',
      '9'.repeat(30),
    ]) {
      t.match(
        refusal({ argv: [`--max-port=${value}`] }).message,
        /^--max-port .* is not a port: give a whole number from 1 to 65535$/,
      )
    }
    t.equal(parse({ argv: ['--max-port=65535'] }).settings.maxPort, 65535)
    t.equal(parse({ argv: ['--max-port=65535', '--min-port=1'] }).settings.minPort, 1)
  })

  t.test('never shows a password or a secret', async (t) => {
    const secrets = [
      ['--user', 'hunter2'],
      ['--user', ':hunter2'],
      ['--user', `${'n'.repeat(509)}:hunter2`],
      ['--user', 'bob:hunter2\n'],
      ['--user', 'bob:x', '--user', 'hunter2'],
      ['--user', 'bob:hunter2', '--user', 'bob:hunter2'],
      ['--user', 'bob:my', 'hunter2'],
      ['--auth-secret', 'my', 'hunter2'],
      ['--auth-secret', 'my', 'own', 'hunter2'],
      ['--auth-secret', 'hunter2\u0000'],
      ['--auth-secret', '-hunter2'],
      ['--user-name=hunter2'],
      ['--usr', 'bob:hunter2'],
    ]
    for (const argv of secrets) {
      const error = refusal({ argv })
      t.notMatch(error.message, /hunter2/)
      t.notMatch(String(error.cause ?? ''), /hunter2/)
    }
    t.equal(
      refusal({ argv: ['--auth-secret', 'my', 'hunter2'] }).message,
      '--auth-secret: its value is followed by another one: quote a value that has spaces',
    )
  })

  t.test('makes values with control characters or great length fit for one line', async (t) => {
    const message = refusal({ argv: ['--min-port', `1\n\u001b[31m\u202e${'x'.repeat(5000)}`] }).message
    t.notMatch(message, /[\u0000-\u001f\u202e]/)
    t.ok(message.length < 300)
    t.match(message, /^--min-port "1\\n\\u001b\[31m\\u202exxx/)
  })

  t.test('gives settings, help, the version or a TurndError of one line for any arguments', async (t) => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(...OPTIONS.flatMap(({ name }) => [`--${name}`, `--${name}=1`])),
      fc.constantFrom('1', '*', 'a:b', '10.0.0.1', '--', '-', '--=', '-h'),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
        try {
          parseCommandLine(argv, {}, () => '{}')
          return true
        } catch (error) {
          return error instanceof TurndError && !/[\n\r]/.test(error.message)
        }
      }),
      { numRuns: 2000 },
    )
    t.pass()
  })
})

t.test('precedence', async (t) => {
  t.test('replaces the whole list of a repeatable option', async (t) => {
    const files = { 'f.json': '{"user": ["a:1", "b:2"], "relay-ip": "192.0.2.3"}' }
    const environment = { TURND_USER: 'c:3,d:4', TURND_CONFIG: 'f.json' }
    const names = (argv: string[], from: Record<string, string>) =>
      parse({ argv, environment: from, files }).settings.user.map(({ name }) => name)
    t.same(names(['--user', 'e:5'], environment), ['e'])
    t.same(names([], environment), ['c', 'd'])
    t.same(names([], { TURND_CONFIG: 'f.json' }), ['a', 'b'])
    t.same(parse({ environment, files }).settings.relayIp, ['192.0.2.3'], 'what stronger sources do not give stays')
  })

  t.test('takes --config before TURND_CONFIG', async (t) => {
    const files = { 'a.json': '{"realm": "a"}', 'b.json': '{"realm": "b"}' }
    t.equal(parse({ argv: ['--config', 'a.json'], environment: { TURND_CONFIG: 'b.json' }, files }).settings.realm, 'a')
    t.equal(parse({ environment: { TURND_CONFIG: 'b.json' }, files }).settings.realm, 'b')
  })

  t.test('says of every given option that it was given, and of no other', async (t) => {
    const files = { 'f.json': '{"realm": "turnd"}' }
    const { given } = parse({
      argv: ['--config', 'f.json', '--min-port', '24000'],
      environment: { TURND_LOG_LEVEL: 'info' },
      files,
    })
    t.same([...given.keys()].sort(), ['config', 'logLevel', 'minPort', 'realm'])
  })
})

t.test('what comes later', async (t) => {
  t.test('warns for the values that need it, and not for those that do not', async (t) => {
    const rows: [string[], string[]][] = [
      [['--listen', 'udp:*:3478'], []],
      [['--listen', '*:3478'], []],
      [['--listen', 'tcp:*:3478'], []],
      [['--listen', 'tls:*', '--listen', 'dtls:*', '--cert', 'c.pem', '--key', 'k.pem'], []],
      [['--engine', 'auto'], []],
      [['--engine', 'dgram'], []],
      [['--engine', 'native'], []],
      [['--workers', '126', '--stream-workers', '127'], []],
      [['--profile', 'rfc'], []],
      [['--profile', 'expressway-x12.6'], []],
      [['--max-allocations', '1'], []],
      [['--max-allocations', '0'], ['--max-allocations 0 means no relays at all: every Allocate is refused']],
      [['--admin-listen', 'none'], []],
      [['--max-bps', '0'], []],
      [['--max-bps', '1'], []],
      [['--max-bps', '2000', '--user-max-bps', '2000'], []],
      [
        ['--max-bps', '2001', '--user-max-bps', '2000'],
        ['--max-bps 2001 is above --user-max-bps 2000, which is reached first'],
      ],
      [['--unauthenticated-rate', '0'], []],
      [['--mobility'], []],
      [['--public-name', 'a.org', '--public-name', 'b.org'], []],
    ]
    for (const [argv, warnings] of rows) t.same(parse({ argv }).warnings, warnings, argv.join(' '))
  })

  t.test('keeps every listener in the settings', async (t) => {
    const { settings } = parse({ argv: ['--listen', 'udp:*', '--listen', 'tcp:*'] })
    t.same(
      settings.listen.map(({ scheme }) => scheme),
      ['udp', 'tcp'],
    )
  })
})
