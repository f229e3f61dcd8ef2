import t from 'tap'
import { parse, refusal } from './refusals.js'

t.test('the environment', async (t) => {
  t.test('separates the values of a repeatable option by commas', async (t) => {
    const relayIp = (value: string) => parse({ environment: { TURND_RELAY_IP: value } }).settings.relayIp
    t.same(relayIp('192.0.2.1'), ['192.0.2.1'])
    t.same(relayIp('192.0.2.1,192.0.2.2'), ['192.0.2.1', '192.0.2.2'])
    t.same(relayIp('192.0.2.1,  192.0.2.2'), ['192.0.2.1', '192.0.2.2'])
    t.equal(
      refusal({ environment: { TURND_RELAY_IP: '192.0.2.1,' } }).message,
      'TURND_RELAY_IP="" is not a relay address: the address is missing',
    )
  })

  t.test('takes \\, for a comma inside a value, and does not split other options', async (t) => {
    const environment = { TURND_USER: 'a:x\\,y,b:z\\n', TURND_REALM: 'a,b' }
    const { settings } = parse({ environment })
    t.same(settings.user, [
      { name: 'a', password: 'x,y' },
      { name: 'b', password: 'z\\n' },
    ])
    t.equal(settings.realm, 'a,b')
  })

  t.test('counts secret values instead of showing them', async (t) => {
    t.equal(
      refusal({ environment: { TURND_USER: 'a:x,hunter2' } }).message,
      'TURND_USER: value 2 is not NAME:PASSWORD: there is no colon in it',
    )
  })

  t.test('takes an empty variable as one that is not there', async (t) => {
    const { settings, given, warnings } = parse({
      environment: { TURND_MIN_PORT: '', TURND_USER: '', TURND_MOBILITY: '' },
    })
    t.equal(settings.minPort, 24000)
    t.equal(given.size, 0)
    t.same(warnings, [])
  })

  t.test('says nothing of the switches of tests', async (t) => {
    const environment = { TURND_TEST_LONG: '1', TURND_TEST_CRASH_WORKER: '0', TURND_SELF_TEST_FAIL: 'gro' }
    t.same(parse({ environment }).warnings, [])
    t.equal(parse({ environment: { TURND_TESTS: '1', TURND_LONG_TEST_: '1' } }).warnings.length, 2)
  })

  t.test('knows several words for true and false', async (t) => {
    for (const [word, expected] of [
      ['true', true],
      ['1', true],
      ['yes', true],
      ['on', true],
      ['false', false],
      ['0', false],
      ['no', false],
      ['off', false],
    ] as const) {
      t.equal(parse({ environment: { TURND_MOBILITY: word } }).settings.mobility, expected, word)
    }
    t.equal(
      refusal({ environment: { TURND_MOBILITY: 'TRUE' } }).message,
      'TURND_MOBILITY=TRUE is neither true nor false',
    )
  })

  t.test('warns of a TURND_ variable that matches no option, without its value', async (t) => {
    const rows: [string, string][] = [
      ['TURND_MIN_PROT', ': did you mean TURND_MIN_PORT?'],
      ['TURND_minPort', ': did you mean TURND_MIN_PORT?'],
      ['TURND_STATIC_AUTH_SECRET', ': did you mean TURND_AUTH_SECRET?'],
      ['TURND_XYZZY', ''],
      ['TURND_', ''],
    ]
    for (const [name, hint] of rows) {
      t.same(parse({ environment: { [name]: 'hunter2' } }).warnings, [
        `the environment variable ${name} matches no option and is ignored${hint}`,
      ])
    }
  })

  t.test('is silent about what others set: other prefixes, and the variables of a Kubernetes service', async (t) => {
    const environment = {
      PATH: '/bin',
      TURN_REALM: 'a',
      TURND: '1',
      TURND_PORT: 'udp://10.0.0.1:3478',
      TURND_PORT_3478_UDP_ADDR: '10.0.0.1',
      TURND_SERVICE_HOST: '10.0.0.1',
    }
    t.same(parse({ environment }).warnings, [])
    t.equal(parse({ environment: { TURND_PORTS: '1' } }).warnings.length, 1)
  })

  t.test('names the state directory by STATE_DIRECTORY, as systemd does, unless the option is given', async (t) => {
    t.equal(parse({ environment: { STATE_DIRECTORY: '/var/lib/turnd' } }).settings.stateDir, '/var/lib/turnd')
    t.equal(parse({ environment: { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' } }).settings.stateDir, '/var/lib/a')
    t.equal(parse({ environment: { STATE_DIRECTORY: '' } }).settings.stateDir, './turnd-state')
    t.equal(parse({ argv: ['--state-dir', '/x'], environment: { STATE_DIRECTORY: '/y' } }).settings.stateDir, '/x')
    t.equal(
      parse({ argv: ['--state-dir', './turnd-state'], environment: { STATE_DIRECTORY: '/y' } }).settings.stateDir,
      './turnd-state',
    )
  })
})
