import t from 'tap'
import { settingsFromObject } from '../../src/config/library-options.js'
import { OPTION_GROUPS, OPTIONS, type Option } from '../../src/config/options.js'
import type { SettingKey } from '../../src/config/settings.js'
import { type Given, libraryRefusal, parse, refusal } from './refusals.js'
import { COMPANIONS, SAMPLES } from './sample-options.js'

/** Every name of the command line in the design, and those that were added. */
const NAMES =
  `listen public-name proxy-protocol-from http-upstream http-upstream-ca http-name relay-ip external-ip min-port max-port channel-range no-tcp-relay realm user users-file auth-secret
  auth-secret-file auth-secret-hash auth-secret-separator auth-secret-lifetime auth-secret-lifetime-max
  redis redis-password-file redis-ca auth-webhook auth-webhook-token-file auth-webhook-ca
  lookup-timeout lookup-ttl lookup-outage
  oauth-keys oauth-server-name max-allocations user-quota permissions-max channels-max max-bps user-max-bps
  unauthenticated-rate allow-peer deny-peer nat64-prefix cert key profile nat-discovery nat-discovery-port mobility rfc3489 config
  coturn-config expressway-config engine workers stream-workers admin-listen metrics-token metrics-token-file credentials-token credentials-token-file drain-timeout alternate alternate-above state-dir log-level`.split(
    /\s+/,
  )

const FILES = {
  'sample.json': '{}',
  'sample.conf': 'realm=example.org',
  'sample.txt': '*c xConfiguration Traversal Server TURN Port: 3478',
}
/** Options that name a file of options: their own sources and those of the library are not those of others. */
const FILE_KEYS: readonly SettingKey[] = ['config', 'coturnConfig', 'expresswayConfig']

function argvOf(option: Option, texts = SAMPLES[option.key].texts): string[] {
  return texts.length === 0 ? [`--${option.name}`] : texts.flatMap((text) => [`--${option.name}`, text])
}

function environmentOf(option: Option, texts = SAMPLES[option.key].texts): Record<string, string> {
  return { [option.environmentName]: texts.length === 0 ? 'true' : texts.join(',') }
}

function withCompanions(option: Option, of: (option: Option, texts?: readonly string[]) => Given): Given[] {
  const companions: Readonly<Partial<Record<SettingKey, string | true>>> = COMPANIONS[option.key] ?? {}
  const others = OPTIONS.flatMap((other) => {
    const text = companions[other.key]
    // A switch has no text.
    return text === undefined ? [] : [of(other, text === true ? [] : [text])]
  })
  return [of(option), ...others]
}

function merge(parts: readonly Given[]): Given {
  return {
    argv: parts.flatMap(({ argv }) => argv ?? []),
    environment: Object.assign({}, ...parts.map(({ environment }) => environment)),
    files: Object.assign({}, ...parts.map(({ files }) => files), FILES),
  }
}

t.test('the table', async (t) => {
  t.test('has every option of the command line and no other', async (t) => {
    t.same(OPTIONS.map(({ name }) => name).sort(), [...NAMES].sort())
  })

  t.test('gives each option a key, a variable, a group, a help text and what its value looks like', async (t) => {
    for (const option of OPTIONS) {
      t.match(option.name, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      t.equal(
        option.key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
        option.name,
      )
      t.equal(option.environmentName, `TURND_${option.name.toUpperCase().replaceAll('-', '_')}`)
      t.ok(OPTION_GROUPS.includes(option.group))
      t.match(option.help, /\.$/, `--${option.name}`)
      t.equal(option.type.placeholder === '', option.type.kind === 'flag', `--${option.name}`)
    }
  })

  t.test('has each name, variable and name of coturn once', async (t) => {
    for (const names of [
      OPTIONS.map(({ name }) => name),
      OPTIONS.map(({ environmentName }) => environmentName),
      OPTIONS.flatMap(({ coturn }) => coturn),
    ]) {
      t.equal(new Set(names).size, names.length)
    }
  })

  t.test('marks what holds passwords and secrets', async (t) => {
    t.same(
      OPTIONS.filter(({ secret }) => secret).map(({ name }) => name),
      ['user', 'auth-secret', 'redis', 'metrics-token', 'credentials-token'],
    )
  })

  t.test('has the defaults of the documents', async (t) => {
    const { settings, warnings, given } = parse({})
    t.match(settings, {
      listen: [{ scheme: 'any', host: '*', port: 3478 }],
      minPort: 24000,
      maxPort: 29999,
      channelRange: 'rfc8656',
      realm: 'turnd',
      usersFile: null,
      authWebhook: null,
      maxAllocations: 1800,
      userQuota: 0,
      permissionsMax: 128,
      channelsMax: 128,
      maxBps: 0,
      userMaxBps: 0,
      unauthenticatedRate: 200,
      profile: 'rfc',
      natDiscovery: false,
      natDiscoveryPort: null,
      mobility: false,
      rfc3489: false,
      config: null,
      engine: 'auto',
      workers: null,
      streamWorkers: null,
      httpUpstream: null,
      httpUpstreamCa: null,
      adminListen: { host: '127.0.0.1', port: 8445 },
      drainTimeout: 30,
      stateDir: './turnd-state',
      logLevel: 'info',
    })
    for (const key of [
      'relayIp',
      'externalIp',
      'user',
      'authSecret',
      'credentialsToken',
      'allowPeer',
      'denyPeer',
      'nat64Prefix',
      'publicName',
      'proxyProtocolFrom',
      'httpName',
    ]) {
      t.same(settings[key as SettingKey], [], key)
    }
    t.same(warnings, [])
    t.equal(given.size, 0)
  })
})

for (const option of OPTIONS) {
  const { key, name } = option
  const { expected, native, bad } = SAMPLES[key]

  t.test(`--${name}`, async (t) => {
    const sources: Record<string, (option: Option, texts?: readonly string[]) => Given> = {
      'the command line': (one, texts) => ({ argv: argvOf(one, texts) }),
      'the environment': (one, texts) => ({ environment: environmentOf(one, texts) }),
    }
    for (const [source, of] of Object.entries(sources)) {
      t.test(`is read from ${source}`, async (t) => {
        const { settings, given } = parse(merge(withCompanions(option, of)))
        t.match(settings[key], expected)
        t.ok(given.has(key))
      })
    }

    if (key !== 'config') {
      for (const spelling of new Set([name, key])) {
        t.test(`is read from a file as "${spelling}"`, async (t) => {
          const content = { [spelling]: native, ...COMPANIONS[key] }
          const files = { ...FILES, 'turnd.json': JSON.stringify(content) }
          const { settings, given } = parse({ argv: ['--config', 'turnd.json'], files })
          t.match(settings[key], expected)
          t.ok(given.has(key))
        })
      }
    }

    if (!FILE_KEYS.includes(key)) {
      t.test('is read from the options of the library', async (t) => {
        const { settings, given } = settingsFromObject({ [key]: native, ...COMPANIONS[key] })
        t.match(settings[key], expected)
        t.ok(given.has(key))
      })
    }

    t.test('has its default when nobody gives it', async (t) => {
      const { settings, given } = parse({})
      t.same(settings[key], option.default)
      t.notMatch(settings[key], expected, 'the sample is not the default')
      t.notOk(given.has(key))
    })

    if (option.type.kind !== 'flag' && !FILE_KEYS.includes(key) && !COMPANIONS[key]) {
      t.test('is taken from the command line before the environment before the file', async (t) => {
        // Each weaker source has a value that would be refused, or else another one than the sample.
        const other = bad ?? 'other'
        const files = { 'turnd.json': JSON.stringify({ [name]: other }) }
        const config = ['--config', 'turnd.json']
        t.match(
          parse({ argv: [...argvOf(option), ...config], environment: { [option.environmentName]: other }, files })
            .settings[key],
          expected,
        )
        t.match(parse({ argv: config, environment: environmentOf(option), files }).settings[key], expected)
        if (bad !== null) t.throws(() => parse({ argv: config, files }), 'the file is read when nothing is stronger')
        else t.equal(parse({ argv: config, files }).settings[key], other)
      })
    }

    if (option.type.kind === 'flag') {
      t.test('is a switch: a stronger source turns off what a weaker one turned on', async (t) => {
        const files = { 'turnd.json': JSON.stringify({ [name]: true }) }
        const off = parse({
          argv: ['--config', 'turnd.json'],
          environment: { [option.environmentName]: 'false' },
          files,
        })
        t.equal(off.settings[key], false)
        t.same(off.warnings, [], 'nothing is said of what is off')
        t.equal(
          refusal({ argv: [`--${name}=true`] }).message,
          `--${name} is a switch and takes no value: write --${name} alone to turn it on`,
        )
        t.equal(
          refusal({ environment: { [option.environmentName]: 'maybe' } }).message,
          `${option.environmentName}=maybe is neither true nor false`,
        )
      })
    } else {
      t.test('needs a value', async (t) => {
        const start = `--${name} needs a value: --${name} ${option.type.placeholder}`
        t.equal(refusal({ argv: [`--${name}`] }).message, start)
        t.ok(refusal({ argv: [`--${name}`, '--mobility'] }).message.startsWith(start))
      })
    }

    t.test('has its effect now: it does not warn that it has none', async (t) => {
      const { warnings } = parse(merge(withCompanions(option, (one, texts) => ({ argv: argvOf(one, texts) }))))
      t.notOk(
        warnings.some((text) => text.startsWith(`--${name}`) && text.includes('has no effect yet')),
        warnings.join('; '),
      )
    })

    if (bad !== null) {
      t.test('names itself and the value when it is refused, in the way of each source', async (t) => {
        const quoted = JSON.stringify(bad)
        const subjects = option.secret
          ? [
              `--${name}: the value`,
              `${option.environmentName}: the value`,
              `f.json: "${name}": the value`,
              `${key}: the value`,
            ]
          : [
              `--${name} ${bad === '' ? '""' : bad}`,
              `${option.environmentName}=${bad}`,
              `f.json: "${name}": ${quoted}`,
              `${key} ${quoted}`,
            ]
        const errors = [
          refusal({ argv: [`--${name}=${bad}`] }),
          bad === '' ? null : refusal({ environment: { [option.environmentName]: bad } }),
          refusal({ argv: ['--config', 'f.json'], files: { 'f.json': JSON.stringify({ [name]: bad }) } }),
          libraryRefusal({ [key]: bad }),
        ]
        for (const [index, error] of errors.entries()) {
          if (error === null) continue
          t.equal(error.code, 'TURND_ERR_OPTION')
          t.ok(error.message.startsWith(`${subjects[index]} `), error.message)
          t.notMatch(error.message, /hunter2|\n|\.$/, 'one sentence, without the secret')
        }
      })
    }
  })
}
