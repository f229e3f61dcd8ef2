// Every option as the running server takes it: all at once, those that come later one by one, and the order of the sources.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OPTIONS, type Option } from '../../src/config/options.js'
import type { SettingKey } from '../../src/config/settings.js'
import { SAMPLES } from '../config/sample-options.js'
import { testCertificate } from '../support/certificate.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { allocateCode, startLocalServer } from './local-server.js'

const MIN_PORT = 32_100
const LAST_PORT = MIN_PORT + 49

t.setTimeout(240_000)

const messages = (server: ServerProcess) => server.linesOf('warning').map(({ msg }) => String(msg))

type Companions = Readonly<Partial<Record<SettingKey, string | true>>>

/** An option with the value, or values, of the samples; `place` stands for values that must exist on this machine. */
function argumentsOf({ name, key }: Option, place: Companions = {}): string[] {
  const text = place[key]
  const texts = text === undefined || text === true ? SAMPLES[key].texts : [text]
  return texts.length === 0 ? [`--${name}`] : texts.flatMap((text) => [`--${name}`, text])
}

t.test('all options together: the server gets ready', async (t) => {
  const cwd = t.testdir({
    users: '',
    secrets: 'north\n',
    metrics: 'a-token-of-metrics-0123456789\n',
    credentials: 'a-token-of-credentials-0123456789\n',
    webhook: 'a-token-of-webhooks-0123456789\n',
    redis: 'north\n',
    oauth: `a-key A256GCM ${Buffer.alloc(32, 'north').toString('base64')}\n`,
    config: '{"realm": "from the file"}',
    'turnserver.conf': 'realm=imported\n',
  })
  const { certPath, keyPath } = testCertificate()
  const place = {
    listen: 'udp:127.0.0.1:0',
    relayIp: '127.0.0.1',
    externalIp: '203.0.113.5/127.0.0.1',
    minPort: String(MIN_PORT),
    maxPort: String(LAST_PORT),
    usersFile: join(cwd, 'users'),
    authSecretFile: join(cwd, 'secrets'),
    oauthKeys: join(cwd, 'oauth'),
    config: join(cwd, 'config'),
    coturnConfig: join(cwd, 'turnserver.conf'),
    cert: certPath,
    key: keyPath,
    httpUpstreamCa: certPath,
    metricsTokenFile: join(cwd, 'metrics'),
    credentialsTokenFile: join(cwd, 'credentials'),
    authWebhookTokenFile: join(cwd, 'webhook'),
    authWebhookCa: certPath,
    redisPasswordFile: join(cwd, 'redis'),
    redisCa: certPath,
    drainTimeout: '0',
  }
  // The harness gives --state-dir; the file of one other server is imported; discovery needs two addresses (test/interop/nat-discovery).
  const without: readonly SettingKey[] = ['stateDir', 'expresswayConfig', 'natDiscovery', 'natDiscoveryPort']
  const given = OPTIONS.filter(({ key }) => !without.includes(key))
  const server = await startServer(
    t,
    given.flatMap((option) => argumentsOf(option, place)),
  )
  t.match(server.ready, { realm: 'example.org', relays: ['203.0.113.5/127.0.0.1'], relayPorts: '32100-32149' })
  t.notMatch(server.output, /s3:cret|north|south/)
})

t.test('the ready line', async (t) => {
  const listen = ['--listen', 'udp:127.0.0.1:0', '--listen', '127.0.0.2:0']
  const args = ['--realm', 'example.org', '--user', 'a:hunter2', '--engine', 'dgram', ...listen]
  const server = await startLocalServer(t, MIN_PORT, args, [])
  const { ready } = server
  t.strictSame(Object.keys(ready), [
    ...[
      'level',
      'time',
      'event',
      'realm',
      'engine',
      'workers',
      'listening',
      'uris',
      'relays',
      'relayPorts',
      'admin',
      'msg',
    ],
  ])
  t.match(ready, { realm: 'example.org', engine: 'dgram', relays: ['127.0.0.1'], relayPorts: '32100-32149' })
  t.match(ready.listening, [/^udp:127\.0\.0\.1:\d+$/, /^udp:127\.0\.0\.2:\d+$/, /^tcp:127\.0\.0\.2:\d+$/])
  t.strictSame(
    ready.uris,
    ready.listening.map((listener) => `turn:${listener.slice('udp:'.length)}?transport=${listener.slice(0, 3)}`),
  )
  t.equal(server.linesOf('ready').length, 1)
})

t.test('the ready line behind static NAT has the public address in its URIs', async (t) => {
  const args = ['--external-ip', '203.0.113.5', '--user', 'a:b']
  const { ready } = await startLocalServer(t, MIN_PORT, args, [])
  t.match(ready, { relays: ['203.0.113.5/127.0.0.1'], uris: [/^turn:203\.0\.113\.5:\d+\?transport=udp$/] })
})

t.test('sources', async (t) => {
  const startWith = async (t: Test, env: readonly string[], content: object | null, args: readonly string[] = []) => {
    const files = content === null ? {} : { 'turnd.json': JSON.stringify(content) }
    const config = content === null ? [] : ['--config', join(t.testdir(files), 'turnd.json')]
    return startServer(t, ['--relay-ip', '127.0.0.1', ...config, ...args], { prefix: ['env', ...env] })
  }

  t.test('the environment configures the server; a user of it can allocate', async (t) => {
    const ports = ['TURND_MIN_PORT=32100', 'TURND_MAX_PORT=32149']
    const env = ['TURND_REALM=env.example', 'TURND_USER=ann:one,bob:tw\\,o', 'TURND_RELM=x', ...ports]
    const server = await startWith(t, env, null)
    t.match(server.ready, { realm: 'env.example', relayPorts: '32100-32149' })
    t.equal(await allocateCode(t, server, 'ann', 'one'), 0)
    t.equal(await allocateCode(t, server, 'bob', 'tw,o'), 0)
    t.strictSame(
      messages(server),
      ['the environment variable TURND_RELM matches no option and is ignored: did you mean TURND_REALM?'],
      'a variable that matches no option is a warning',
    )
  })

  t.test('--config configures the server; a user of it can allocate', async (t) => {
    const user = [{ name: 'ann', password: 'a:b' }, 'bob:two']
    const server = await startWith(t, [], { realm: 'file.example', minPort: 32_100, 'max-port': 32_149, user })
    t.match(server.ready, { realm: 'file.example', relayPorts: '32100-32149' })
    t.equal(await allocateCode(t, server, 'ann', 'a:b'), 0)
    t.equal(await allocateCode(t, server, 'bob', 'two'), 0)
  })

  t.test('command line beats environment beats file beats default', async (t) => {
    const file = { realm: 'file', 'min-port': 32_110, 'max-port': 32_149, user: 'ann:file', 'max-allocations': 1 }
    const env = ['TURND_REALM=env', 'TURND_MIN_PORT=32120', 'TURND_USER=ann:env', 'TURND_ENGINE=native']
    const server = await startWith(t, env, file, ['--realm', 'line', '--engine', 'dgram'])
    t.match(server.ready, { realm: 'line', relayPorts: '32120-32149', engine: 'dgram' })
    t.equal(await allocateCode(t, server, 'ann', 'file'), 401)
    t.equal(await allocateCode(t, server, 'ann', 'env'), 0)
    t.equal(await allocateCode(t, server, 'ann', 'env'), 508, 'the licence of the file')
  })

  t.test('TURND_CONFIG names the file', async (t) => {
    const path = join(t.testdir({ 'turnd.json': '{"realm": "named.example", "user": "a:b"}' }), 'turnd.json')
    const server = await startWith(t, [`TURND_CONFIG=${path}`], null)
    t.equal(server.ready.realm, 'named.example')
  })
})
