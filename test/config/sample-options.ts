// A value for every option, in each form that a source can give it. The type makes a new option need one.
import type { SettingKey } from '../../src/config/settings.js'

interface Sample {
  /** Values as text, one or (repeatable options) several; [] for a switch. None is the default. */
  readonly texts: readonly string[]
  /** The same as native JSON. */
  readonly native: unknown
  /** What the setting becomes; for rules and addresses, the part of it that the option's own tests do not cover. */
  readonly expected: unknown
  /** A value that is refused; null for a switch and for paths. Secrets hold the word hunter2. */
  readonly bad: string | null
}

export const SAMPLES: Readonly<Record<SettingKey, Sample>> = {
  listen: {
    texts: ['udp:127.0.0.1:3479', '[::1]:3480'],
    native: ['udp:127.0.0.1:3479', '[::1]:3480'],
    expected: [
      { scheme: 'udp', host: '127.0.0.1', port: 3479, text: 'udp:127.0.0.1:3479' },
      { scheme: 'any', host: '::1', port: 3480, text: '[::1]:3480' },
    ],
    bad: 'nonsense',
  },
  publicName: {
    texts: ['turn.example.org', 'turn.example.net'],
    native: ['turn.example.org', 'turn.example.net'],
    expected: ['turn.example.org', 'turn.example.net'],
    bad: '192.0.2.1',
  },
  proxyProtocolFrom: {
    texts: ['192.0.2.1', '2001:db8::/32'],
    native: ['192.0.2.1', '2001:db8::/32'],
    expected: [{ prefixLength: 32 }, { prefixLength: 32 }],
    bad: '10.0.0.0/33',
  },
  httpUpstream: {
    texts: ['https://webbridge.example.org:8443'],
    native: 'https://webbridge.example.org:8443',
    expected: 'https://webbridge.example.org:8443',
    bad: 'webbridge.example.org',
  },
  httpUpstreamCa: { texts: ['/etc/ca.pem'], native: '/etc/ca.pem', expected: '/etc/ca.pem', bad: null },
  httpName: {
    texts: ['cmsweb.example.org', 'CMS.example.net'],
    native: ['cmsweb.example.org', 'CMS.example.net'],
    expected: ['cmsweb.example.org', 'cms.example.net'],
    bad: 'https://cmsweb.example.org',
  },
  relayIp: {
    texts: ['192.0.2.1', '2001:db8::1'],
    native: ['192.0.2.1', '2001:db8::1'],
    expected: ['192.0.2.1', '2001:db8::1'],
    bad: '0.0.0.0',
  },
  externalIp: {
    texts: ['203.0.113.5/10.0.0.5', '2001:db8::5'],
    native: ['203.0.113.5/10.0.0.5', '2001:db8::5'],
    expected: [
      { publicHost: '203.0.113.5', privateHost: '10.0.0.5', text: '203.0.113.5/10.0.0.5' },
      { publicHost: '2001:db8::5', privateHost: null, text: '2001:db8::5' },
    ],
    bad: 'example.org',
  },
  minPort: { texts: ['20000'], native: 20000, expected: 20000, bad: '0' },
  maxPort: { texts: ['40000'], native: 40000, expected: 40000, bad: '65536' },
  channelRange: { texts: ['rfc5766'], native: 'rfc5766', expected: 'rfc5766', bad: 'rfc1' },
  noTcpRelay: { texts: [], native: true, expected: true, bad: null },
  realm: { texts: ['example.org'], native: 'example.org', expected: 'example.org', bad: '' },
  user: {
    texts: ['alice:s3:cret', 'bob:pw'],
    native: [{ name: 'alice', password: 's3:cret' }, 'bob:pw'],
    expected: [
      { name: 'alice', password: 's3:cret' },
      { name: 'bob', password: 'pw' },
    ],
    bad: 'hunter2',
  },
  usersFile: { texts: ['/etc/users'], native: '/etc/users', expected: '/etc/users', bad: null },
  authSecret: { texts: ['north', 'south'], native: ['north', 'south'], expected: ['north', 'south'], bad: 'hunter2\n' },
  authSecretFile: { texts: ['/etc/secret'], native: '/etc/secret', expected: '/etc/secret', bad: null },
  authSecretHash: { texts: ['sha256'], native: 'sha256', expected: 'sha256', bad: 'md5' },
  authSecretSeparator: { texts: ['|'], native: '|', expected: '|', bad: '1' },
  authSecretLifetime: { texts: ['3600'], native: 3600, expected: 3600, bad: '59' },
  authSecretLifetimeMax: { texts: ['172800'], native: 172800, expected: 172800, bad: '-1' },
  redis: {
    texts: ['rediss://turn@redis.example.org/2'],
    native: 'rediss://turn@redis.example.org/2',
    expected: { shown: 'rediss://turn@redis.example.org:6379/2', host: 'redis.example.org', isTls: true, database: 2 },
    bad: 'redis://turn:hunter2@redis.example.org/two',
  },
  redisPasswordFile: {
    texts: ['/etc/redis-password'],
    native: '/etc/redis-password',
    expected: '/etc/redis-password',
    bad: null,
  },
  redisCa: { texts: ['/etc/redis-ca.pem'], native: '/etc/redis-ca.pem', expected: '/etc/redis-ca.pem', bad: null },
  authWebhook: {
    texts: ['https://users.example.org/turn'],
    native: 'https://users.example.org/turn',
    expected: 'https://users.example.org/turn',
    bad: 'users.example.org/turn',
  },
  authWebhookTokenFile: { texts: ['/etc/token'], native: '/etc/token', expected: '/etc/token', bad: null },
  authWebhookCa: { texts: ['/etc/ca.pem'], native: '/etc/ca.pem', expected: '/etc/ca.pem', bad: null },
  oauthServerName: { texts: ['turn.octavio.com'], native: 'turn.octavio.com', expected: 'turn.octavio.com', bad: '' },
  oauthKeys: { texts: ['/etc/oauth'], native: '/etc/oauth', expected: '/etc/oauth', bad: null },
  maxAllocations: { texts: ['6000'], native: 6000, expected: 6000, bad: '-1' },
  userQuota: { texts: ['10'], native: 10, expected: 10, bad: '-1' },
  permissionsMax: { texts: ['64'], native: 64, expected: 64, bad: '1.5' },
  channelsMax: { texts: ['32'], native: 32, expected: 32, bad: '1e3' },
  maxBps: { texts: ['1000000'], native: 1000000, expected: 1000000, bad: '1M' },
  userMaxBps: { texts: ['2000000'], native: 2000000, expected: 2000000, bad: 'NaN' },
  unauthenticatedRate: { texts: ['50'], native: 50, expected: 50, bad: '0x10' },
  allowPeer: {
    texts: ['10.0.0.0/8', '[fd00::/8]:443'],
    native: ['10.0.0.0/8', '[fd00::/8]:443'],
    expected: [
      { text: '10.0.0.0/8', allow: true, portMin: 0 },
      { text: '[fd00::/8]:443', allow: true, portMin: 443 },
    ],
    bad: '10.0.0.0/33',
  },
  denyPeer: {
    texts: ['192.0.2.1', '198.51.100.0/24:80'],
    native: ['192.0.2.1', '198.51.100.0/24:80'],
    expected: [
      { text: '192.0.2.1', allow: false, portMin: 0 },
      { text: '198.51.100.0/24:80', allow: false, portMin: 80 },
    ],
    bad: '10.0.0.1:0',
  },
  nat64Prefix: {
    texts: ['2001:db8:64::/96', '2001:db8:65::/48'],
    native: ['2001:db8:64::/96', '2001:db8:65::/48'],
    expected: [{ prefixLength: 96 }, { prefixLength: 48 }],
    bad: '2001:db8::/33',
  },
  cert: { texts: ['/etc/cert.pem'], native: '/etc/cert.pem', expected: '/etc/cert.pem', bad: null },
  key: { texts: ['/etc/key.pem'], native: '/etc/key.pem', expected: '/etc/key.pem', bad: null },
  profile: { texts: ['expressway-x8.9'], native: 'expressway-x8.9', expected: 'expressway-x8.9', bad: 'cisco' },
  natDiscovery: { texts: [], native: true, expected: true, bad: null },
  natDiscoveryPort: { texts: ['3480'], native: 3480, expected: 3480, bad: '0' },
  mobility: { texts: [], native: true, expected: true, bad: null },
  rfc3489: { texts: [], native: true, expected: true, bad: null },
  config: { texts: ['sample.json'], native: 'sample.json', expected: 'sample.json', bad: null },
  coturnConfig: { texts: ['sample.conf'], native: 'sample.conf', expected: 'sample.conf', bad: null },
  expresswayConfig: { texts: ['sample.txt'], native: 'sample.txt', expected: 'sample.txt', bad: null },
  engine: { texts: ['dgram'], native: 'dgram', expected: 'dgram', bad: 'fast' },
  workers: { texts: ['126'], native: 126, expected: 126, bad: '254' },
  streamWorkers: { texts: ['127'], native: 127, expected: 127, bad: '254' },
  metricsToken: {
    texts: ['0123456789abcdef0123', 'abcdef01234567890123'],
    native: ['0123456789abcdef0123', 'abcdef01234567890123'],
    expected: ['0123456789abcdef0123', 'abcdef01234567890123'],
    bad: 'hunter2\n',
  },
  metricsTokenFile: {
    texts: ['/etc/metrics-token'],
    native: '/etc/metrics-token',
    expected: '/etc/metrics-token',
    bad: null,
  },
  credentialsToken: {
    texts: ['0123456789abcdef0123', 'abcdef01234567890123'],
    native: ['0123456789abcdef0123', 'abcdef01234567890123'],
    expected: ['0123456789abcdef0123', 'abcdef01234567890123'],
    bad: 'hunter2\n',
  },
  credentialsTokenFile: {
    texts: ['/etc/credentials-token'],
    native: '/etc/credentials-token',
    expected: '/etc/credentials-token',
    bad: null,
  },
  adminListen: {
    texts: ['127.0.0.1:9000'],
    native: '127.0.0.1:9000',
    expected: { host: '127.0.0.1', port: 9000, text: '127.0.0.1:9000' },
    bad: '127.0.0.1:99999',
  },
  lookupTimeout: { texts: ['5'], native: 5, expected: 5, bad: '0' },
  lookupTtl: { texts: ['30'], native: 30, expected: 30, bad: '1h' },
  lookupOutage: { texts: ['0'], native: 0, expected: 0, bad: '-1' },
  drainTimeout: { texts: ['5'], native: 5, expected: 5, bad: '5s' },
  alternate: {
    texts: ['turn2.example.org', 'tls:[2001:db8::2]:443*3'],
    native: ['turn2.example.org', 'tls:[2001:db8::2]:443*3'],
    expected: [
      { scheme: 'any', host: 'turn2.example.org', isName: true, port: 0, weight: 1, text: 'turn2.example.org' },
      { scheme: 'tls', host: '2001:db8::2', isName: false, port: 443, weight: 3, text: 'tls:[2001:db8::2]:443*3' },
    ],
    bad: 'turn2.example.org:0',
  },
  alternateAbove: { texts: ['80'], native: 80, expected: 80, bad: '101' },
  stateDir: { texts: ['/var/lib/turnd'], native: '/var/lib/turnd', expected: '/var/lib/turnd', bad: null },
  logLevel: { texts: ['debug'], native: 'debug', expected: 'debug', bad: 'loud' },
}

const TLS = { listen: 'tls:*:443', cert: '/etc/cert.pem', key: '/etc/key.pem' }

type Companions = Readonly<Partial<Record<'listen' | 'cert' | 'key' | 'httpUpstream' | 'authWebhook', string>>> & {
  readonly natDiscovery?: true
}

/** Options that stand only together with others, and values of those. */
export const COMPANIONS: Readonly<Partial<Record<SettingKey, Companions>>> = {
  cert: { key: '/etc/key.pem' },
  key: { cert: '/etc/cert.pem' },
  natDiscoveryPort: { natDiscovery: true },
  httpUpstream: TLS,
  authWebhookTokenFile: { authWebhook: 'https://users.example.org/turn' },
  authWebhookCa: { authWebhook: 'https://users.example.org/turn' },
  httpUpstreamCa: { ...TLS, httpUpstream: 'https://webbridge.example.org' },
  httpName: { ...TLS, httpUpstream: 'https://webbridge.example.org' },
}
