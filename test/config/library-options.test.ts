import t from 'tap'
import { settingsFromObject } from '../../src/config/library-options.js'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { codeAndMessage, libraryRefusal, parse } from './refusals.js'

t.test('the options of the library', async (t) => {
  t.test('take the natural types of JavaScript', async (t) => {
    const options: TurnServerOptions = {
      listen: 'udp:127.0.0.1:0',
      relayIp: ['127.0.0.1'],
      minPort: 40000,
      maxPort: 40009,
      user: { name: 'alice', password: 'a:b' },
      allowPeer: ['127.0.0.0/8'],
      adminListen: 'none',
      profile: 'rfc',
      mobility: false,
      workers: 1,
      usersFile: '/etc/users',
    }
    const { settings, given } = settingsFromObject(options)
    t.match(settings, {
      listen: [{ scheme: 'udp', host: '127.0.0.1', port: 0 }],
      relayIp: ['127.0.0.1'],
      minPort: 40000,
      maxPort: 40009,
      user: [{ name: 'alice', password: 'a:b' }],
      adminListen: null,
    })
    t.equal(given.size, Object.keys(options).length)
  })

  t.test('have the defaults of the command line', async (t) => {
    t.same(settingsFromObject({}).settings, parse({}).settings)
  })

  t.test('warn as the command line does, under their own names', async (t) => {
    t.same(settingsFromObject({ mobility: true, maxBps: 2001, userMaxBps: 2000 }).warnings, [
      'maxBps 2001 is above userMaxBps 2000, which is reached first',
    ])
  })

  t.test('take undefined for what is not given', async (t) => {
    const { settings, given } = settingsFromObject({ minPort: undefined, user: undefined })
    t.equal(settings.minPort, 24000)
    t.equal(given.size, 0)
  })

  t.test('look at no environment unless they get one', async (t) => {
    t.equal(settingsFromObject({}, { STATE_DIRECTORY: '/var/lib/turnd' }).settings.stateDir, '/var/lib/turnd')
    t.equal(settingsFromObject({}).settings.stateDir, './turnd-state')
  })

  t.test('are refused with one sentence that names the key and the value', async (t) => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    const rows: [Record<string, unknown>, string][] = [
      [{ minPort: Number.NaN }, 'minPort NaN is not a port: give a whole number from 1 to 65535'],
      [{ minPort: -1 }, 'minPort -1 is not a port: give a whole number from 1 to 65535'],
      [{ minPort: 10n }, 'minPort 10 is a bigint: give a whole number from 1 to 65535'],
      [{ minPort: null }, 'minPort null is no value: give a whole number from 1 to 65535'],
      [{ minPort: () => 1 }, 'minPort is a function: give a whole number from 1 to 65535'],
      [{ minPort: circular }, 'minPort is an object: give a whole number from 1 to 65535'],
      [{ minPort: '' }, 'minPort "" is not a port: give a whole number from 1 to 65535'],
      [{ mobility: 'maybe' }, 'mobility "maybe" is neither true nor false'],
      [
        { listen: 'nonsense' },
        'listen "nonsense" is not [udp:|tcp:|tls:|dtls:]ADDRESS:PORT: nonsense is a host name, give an IP address',
      ],
      [{ listen: [] }, 'listen names no address: leave it out for every local address'],
      [{ listen: ['*', 5] }, 'listen 5 is a number: give [udp:|tcp:|tls:|dtls:]ADDRESS:PORT'],
      [
        { allowPeer: '10.0.0.0/33' },
        'allowPeer "10.0.0.0/33" is not ADDRESS[/PREFIX][:PORTS]: an IPv4 prefix is at most 32 bits',
      ],
      [{ user: 'hunter2' }, 'user: the value is not NAME:PASSWORD: there is no colon in it'],
      [
        { user: ['a:b', { name: 'bob', password: 5 }] },
        'user: value 2 is not a user: give "NAME:PASSWORD" or {"name": …, "password": …}',
      ],
      [{ minPrt: 1 }, 'the option "minPrt" does not exist: did you mean "minPort"?'],
      [{ 'min-port': 1 }, 'the option "min-port" does not exist: did you mean "minPort"?'],
      [{ xyzzy: 1 }, 'the option "xyzzy" does not exist'],
      [{ config: 'f.json' }, 'the option "config" is for the command line only'],
      [{ coturnConfig: 'f.conf' }, 'the option "coturnConfig" is for the command line only'],
    ]
    for (const [options, message] of rows) {
      t.same(codeAndMessage(libraryRefusal(options)), { code: 'TURND_ERR_OPTION', message }, message)
    }
  })
})
