// THE table of options. --help, docs/options.md, the schema of the config file, the TURND_* variables, the library's
// options and the coturn importer all derive from it: to add an option, add it to Settings and here.
import { BEARER_TOKEN_LENGTH_MIN, DRAIN_SECONDS_MAX } from '../limits/admin.js'
import { REALM_LENGTH_MAX } from '../limits/messages.js'
import { OAUTH_SERVER_NAME_LENGTH_MAX } from '../limits/oauth.js'
import {
  LOOKUP_OUTAGE_SECONDS_DEFAULT,
  LOOKUP_OUTAGE_SECONDS_MAX,
  LOOKUP_SECONDS_DEFAULT,
  LOOKUP_SECONDS_MAX,
  LOOKUP_TTL_SECONDS_DEFAULT,
  LOOKUP_TTL_SECONDS_MAX,
} from '../limits/outside.js'
import {
  ALLOCATION_COUNT_DEFAULT,
  ALLOCATION_COUNT_MAX,
  ALTERNATE_ABOVE_PERCENT_DEFAULT,
  BITS_PER_SECOND_MAX,
  CHANNEL_COUNT_DEFAULT,
  CHANNEL_COUNT_MAX,
  PERMISSION_COUNT_DEFAULT,
  PERMISSION_COUNT_MAX,
  REST_LIFETIME_SECONDS_DEFAULT,
  REST_LIFETIME_SECONDS_MAX,
  REST_LIFETIME_SECONDS_MIN,
  UNAUTHENTICATED_ANSWERS_PER_SECOND,
  UNAUTHENTICATED_ANSWERS_PER_SECOND_MAX,
  WORKER_COUNT_MAX,
} from '../limits/turn.js'
import { ALTERNATE_FORM, alternateWarning, parseAlternate } from './alternate.js'
import { parseExternalIp, parsePublicName, parseRelayIp } from './external-ip.js'
import { HTTP_UPSTREAM_FORM, parseHttpUpstream } from './http-upstream.js'
import { LISTEN_FORM, parseAdminListen, parseListenSpec } from './listen-spec.js'
import { parseNat64Prefix } from './nat64-prefix.js'
import { PEER_RULE_FORM, parsePeerRule } from './peer-rule.js'
import { parseProxySource } from './proxy-source.js'
import { redisServer } from './redis-server.js'
import { parseSecretSeparator } from './secret-separator.js'
import type { SettingKey, Settings } from './settings.js'
import { staticUser } from './static-user.js'
import { choice, flag, integer, parsed, text, unquotedText, type ValueType } from './value-type.js'
import { parseWebhookUrl, WEBHOOK_URL_FORM, webhookUrlWarning } from './webhook-url.js'

export const OPTION_GROUPS = [
  'Listening',
  'Relaying',
  'Users and secrets',
  'Limits',
  'Peer policy',
  'TLS',
  'Protocols',
  'Operating',
] as const
export type OptionGroup = (typeof OPTION_GROUPS)[number]

interface OptionRow<Value, Item> {
  readonly group: OptionGroup
  readonly type: ValueType<Item>
  readonly default: Value
  /** What the documents say of the default; '' when there is nothing to say. */
  readonly defaultText: string
  readonly help: string
  /** coturn's names for it. A `no-` name switches it off. Units may differ: see the importer. */
  readonly coturn: readonly string[]
  /** The value never appears in an error, a warning or a log line. */
  readonly secret?: true
  /** What a warning says after the option and one value of it; null for values that need none. */
  readonly warn?: (value: Item) => string | null
}

type Row<Value> = [Value] extends [readonly (infer Item)[]]
  ? OptionRow<Value, Item> & { readonly repeatable: true }
  : OptionRow<Value, Value> & { readonly repeatable: false }

type Kebab<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : ''

type Table = { readonly [Key in SettingKey as Kebab<Key>]: Row<Settings[Key]> }

const PATH_LENGTH_MAX = 4095
const path = (placeholder: string) => ({ ...text(placeholder, 'a path', PATH_LENGTH_MAX), isPath: true as const })
const warnShortToken = (value: string) =>
  value.length >= BEARER_TOKEN_LENGTH_MIN ? null : 'is short enough to be guessed: openssl rand -hex 32 makes one'
const port = integer('PORT', 'a port', 1, 65535)

const TABLE: Table = {
  listen: {
    group: 'Listening',
    type: parsed(LISTEN_FORM, parseListenSpec),
    repeatable: true,
    default: [parseListenSpec('*:3478')],
    defaultText: '*:3478',
    help:
      'Where clients reach this server; without a scheme: UDP and TCP. *:3478 and :3478 mean every local address, ' +
      '[::1]:3478 is IPv6. The port is 3478 unless given, 5349 for tls: and dtls:.',
    coturn: ['listening-ip', 'listening-port', 'tls-listening-port', 'aux-server'],
  },
  'public-name': {
    group: 'Listening',
    type: parsed('NAME', parsePublicName),
    repeatable: true,
    default: [],
    defaultText: '',
    help: 'A DNS name by which clients know this server, for its URIs and its certificate.',
    coturn: ['server-name'],
  },
  'proxy-protocol-from': {
    group: 'Listening',
    type: parsed('CIDR', parseProxySource),
    repeatable: true,
    default: [],
    defaultText: '',
    help:
      'Proxies before the TCP and TLS listeners: a connection from there begins with a PROXY header (version 1 or 2) ' +
      'that tells the address of the client.',
    coturn: ['tcp-proxy-port'],
  },
  'http-upstream': {
    group: 'Listening',
    type: parsed(HTTP_UPSTREAM_FORM, parseHttpUpstream),
    repeatable: false,
    default: null,
    defaultText: 'answered with 404',
    help:
      'The web server that shares the port of tls: listeners: HTTP requests and WebSockets are passed on to it, ' +
      'whether they come over TLS or not.',
    coturn: [],
  },
  'http-upstream-ca': {
    group: 'Listening',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: 'the well-known authorities',
    help: "The certificates (PEM) that the upstream's certificate may be signed by, read at the start and on SIGHUP.",
    coturn: [],
  },
  'http-name': {
    group: 'Listening',
    type: parsed('NAME', parsePublicName),
    repeatable: true,
    default: [],
    defaultText: 'whatever a request asks for',
    help:
      'A DNS name by which browsers open the pages of --http-upstream: the certificate has to cover it, and a request for another ' +
      'host is refused with a sentence that names this one.',
    coturn: [],
  },
  'relay-ip': {
    group: 'Relaying',
    type: parsed('ADDRESS', parseRelayIp),
    repeatable: true,
    default: [],
    defaultText: 'per family, the address of the default route',
    help: 'The local address that relays are opened on; one per address family or more.',
    coturn: ['relay-ip'],
  },
  'external-ip': {
    group: 'Relaying',
    type: parsed('PUBLIC[/PRIVATE]', parseExternalIp),
    repeatable: true,
    default: [],
    defaultText: '',
    help: 'Behind static NAT: tell clients PUBLIC as the relayed address while relays are opened on PRIVATE.',
    coturn: ['external-ip'],
  },
  'min-port': {
    group: 'Relaying',
    type: port,
    repeatable: false,
    default: 24000,
    defaultText: '24000',
    help: 'The lowest port of relays.',
    coturn: ['min-port'],
  },
  'max-port': {
    group: 'Relaying',
    type: port,
    repeatable: false,
    default: 29999,
    defaultText: '29999',
    help: 'The highest port of relays.',
    coturn: ['max-port'],
  },
  'channel-range': {
    group: 'Relaying',
    type: choice('RANGE', 'a channel range', ['rfc8656', 'rfc5766']),
    repeatable: false,
    default: 'rfc8656',
    defaultText: 'rfc8656; rfc5766 in the expressway profiles',
    help: 'Channel numbers that clients may bind: rfc8656 (0x4000-0x4FFF), or rfc5766 (0x4000-0x7FFE) for older clients.',
    coturn: ['rfc5766-channel-numbers'],
  },
  'no-tcp-relay': {
    group: 'Relaying',
    type: flag,
    repeatable: false,
    default: false,
    defaultText: 'off',
    help: 'Refuse relays over TCP (RFC 6062): media is UDP, and clients then reach no web servers and the like through this one.',
    coturn: ['no-tcp-relay'],
  },
  realm: {
    group: 'Users and secrets',
    type: unquotedText('REALM', 'a realm', REALM_LENGTH_MAX),
    repeatable: false,
    default: 'turnd',
    defaultText: 'turnd',
    help: 'The realm that clients authenticate in.',
    coturn: ['realm'],
  },
  user: {
    group: 'Users and secrets',
    type: staticUser,
    repeatable: true,
    default: [],
    defaultText: 'without any user or secret: a generated one',
    help: 'A user. The name ends at the first colon. A file may have {"name", "key"} instead, with the MD5 key in hex digits.',
    coturn: ['user'],
    secret: true,
  },
  'users-file': {
    group: 'Users and secrets',
    type: path('PATH'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'A file of users with keys instead of passwords, edited with "turnd user", read again when it changes.',
    coturn: [],
  },
  'auth-secret': {
    group: 'Users and secrets',
    type: text('SECRET', 'a secret'),
    repeatable: true,
    default: [],
    defaultText: '',
    help: 'A secret shared with a service that hands out timestamped credentials (TURN REST API).',
    coturn: ['static-auth-secret'],
    secret: true,
  },
  'auth-secret-file': {
    group: 'Users and secrets',
    type: path('PATH'),
    repeatable: false,
    default: null,
    defaultText: '',
    help:
      'The same from a file, which no process list shows: one secret a line, the first one signs what is issued here. Read again when it ' +
      'changes, so that secrets rotate without a restart.',
    coturn: [],
  },
  'auth-secret-hash': {
    group: 'Users and secrets',
    type: choice('HASH', 'a hash', ['any', 'sha1', 'sha256']),
    repeatable: false,
    default: 'any',
    defaultText: 'any',
    help: 'How passwords are made of the secret: HMAC-SHA1, as nearly all services do, HMAC-SHA256, or any of them. With any, SHA1 signs.',
    coturn: [],
  },
  'auth-secret-separator': {
    group: 'Users and secrets',
    type: parsed('CHARACTER', parseSecretSeparator),
    repeatable: false,
    default: ':',
    defaultText: ':',
    help: 'What stands between the time and the user in timestamped names.',
    coturn: ['rest-api-separator'],
  },
  'auth-secret-lifetime': {
    group: 'Users and secrets',
    type: integer('SECONDS', 'a lifetime', REST_LIFETIME_SECONDS_MIN, REST_LIFETIME_SECONDS_MAX),
    repeatable: false,
    default: REST_LIFETIME_SECONDS_DEFAULT,
    defaultText: String(REST_LIFETIME_SECONDS_DEFAULT),
    help:
      'How long credentials live that are issued here, unless somebody asks for less or more. When it is given, it also is what the service ' +
      'issues: then the server can tell when the clocks of both differ.',
    coturn: [],
  },
  'auth-secret-lifetime-max': {
    group: 'Users and secrets',
    type: integer('SECONDS', 'a lifetime', 0, REST_LIFETIME_SECONDS_MAX),
    repeatable: false,
    default: 0,
    defaultText: '0: no limit',
    help: 'A timestamped name whose time lies further ahead is refused, and none is issued.',
    coturn: [],
  },
  redis: {
    group: 'Users and secrets',
    type: redisServer,
    repeatable: false,
    default: null,
    defaultText: '',
    help:
      'A Redis server with users and TURN REST secrets as coturn keeps them: redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DB] or ' +
      'unix:/PATH[?db=DB].',
    coturn: ['redis-userdb'],
    secret: true,
  },
  'redis-password-file': {
    group: 'Users and secrets',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'A file with its password, which no process list shows.',
    coturn: [],
  },
  'redis-ca': {
    group: 'Users and secrets',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: 'the well-known authorities',
    help: 'The certificates (PEM) that the certificate of a rediss:// server may be signed by.',
    coturn: [],
  },
  'auth-webhook': {
    group: 'Users and secrets',
    type: parsed(WEBHOOK_URL_FORM, parseWebhookUrl),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'A web service that is asked by POST for the key of a user whom nothing else here knows: docs/webhook.md is the contract.',
    coturn: [],
    warn: (value) => (value === null ? null : webhookUrlWarning(value)),
  },
  'auth-webhook-token-file': {
    group: 'Users and secrets',
    type: path('PATH'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'A file with the bearer token that the web service of --auth-webhook wants to see.',
    coturn: [],
  },
  'auth-webhook-ca': {
    group: 'Users and secrets',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: 'the well-known authorities',
    help: 'The certificates (PEM) that the certificate of that web service may be signed by.',
    coturn: [],
  },
  'oauth-keys': {
    group: 'Users and secrets',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help:
      'A file of keys shared with authorization servers, whose tokens let clients in (third-party authorization, RFC 7635): one a line, ' +
      'KID A256GCM|A128GCM BASE64 [NOT-BEFORE [LIFETIME]]. Read again when it changes.',
    coturn: [],
  },
  'oauth-server-name': {
    group: 'Users and secrets',
    type: text('NAME', 'a server name', OAUTH_SERVER_NAME_LENGTH_MAX),
    repeatable: false,
    default: null,
    defaultText: 'the realm',
    help: 'The name of this server that clients tell the authorization server, and that its tokens are made for.',
    coturn: [],
  },
  'lookup-timeout': {
    group: 'Users and secrets',
    type: integer('SECONDS', 'a number of seconds', 1, LOOKUP_SECONDS_MAX),
    repeatable: false,
    default: LOOKUP_SECONDS_DEFAULT,
    defaultText: String(LOOKUP_SECONDS_DEFAULT),
    help: 'How long a user store outside this server (--redis, --auth-webhook) may take to answer.',
    coturn: [],
  },
  'lookup-ttl': {
    group: 'Users and secrets',
    type: integer('SECONDS', 'a number of seconds', 0, LOOKUP_TTL_SECONDS_MAX),
    repeatable: false,
    default: LOOKUP_TTL_SECONDS_DEFAULT,
    defaultText: String(LOOKUP_TTL_SECONDS_DEFAULT),
    help: 'How long such a store is not asked again for a user who logs in with the right password.',
    coturn: [],
  },
  'lookup-outage': {
    group: 'Users and secrets',
    type: integer('SECONDS', 'a number of seconds', 0, LOOKUP_OUTAGE_SECONDS_MAX),
    repeatable: false,
    default: LOOKUP_OUTAGE_SECONDS_DEFAULT,
    defaultText: String(LOOKUP_OUTAGE_SECONDS_DEFAULT),
    help: 'While such a store is down, for how long users whom it knew can still log in; 0: not at all. Calls go on in any case.',
    coturn: [],
  },
  'max-allocations': {
    group: 'Limits',
    type: integer('N', 'a number of allocations', 0, ALLOCATION_COUNT_MAX),
    repeatable: false,
    default: ALLOCATION_COUNT_DEFAULT,
    defaultText: String(ALLOCATION_COUNT_DEFAULT),
    help: 'The relay licence: allocations that may exist at once; 0: none, every Allocate is refused.',
    coturn: ['total-quota'],
    // Elsewhere 0 is no limit: whoever means that here is told.
    warn: (value) => (value === 0 ? 'means no relays at all: every Allocate is refused' : null),
  },
  'user-quota': {
    group: 'Limits',
    type: integer('N', 'a number of allocations', 0, ALLOCATION_COUNT_MAX),
    repeatable: false,
    default: 0,
    defaultText: '0',
    help: 'Allocations that one user may have at once; 0: no limit.',
    coturn: ['user-quota'],
  },
  'permissions-max': {
    group: 'Limits',
    type: integer('N', 'a number of permissions', 1, PERMISSION_COUNT_MAX),
    repeatable: false,
    default: PERMISSION_COUNT_DEFAULT,
    defaultText: String(PERMISSION_COUNT_DEFAULT),
    help: 'Permissions that one allocation may have.',
    coturn: [],
  },
  'channels-max': {
    group: 'Limits',
    type: integer('N', 'a number of channels', 1, CHANNEL_COUNT_MAX),
    repeatable: false,
    default: CHANNEL_COUNT_DEFAULT,
    defaultText: String(CHANNEL_COUNT_DEFAULT),
    help: 'Channels that one allocation may bind.',
    coturn: [],
  },
  'max-bps': {
    group: 'Limits',
    type: integer('N', 'a number of bits per second', 0, BITS_PER_SECOND_MAX),
    repeatable: false,
    default: 0,
    defaultText: '0',
    help: 'Bits per second of payload that one allocation may relay, each direction by itself; 0: no limit.',
    coturn: ['max-bps'],
  },
  'user-max-bps': {
    group: 'Limits',
    type: integer('N', 'a number of bits per second', 0, BITS_PER_SECOND_MAX),
    repeatable: false,
    default: 0,
    defaultText: '0',
    help:
      'Bits per second of payload that all allocations of one user may relay together, each direction by itself; ' +
      '0: no limit.',
    coturn: [],
  },
  'unauthenticated-rate': {
    group: 'Limits',
    type: integer('N', 'a number of answers per second', 0, UNAUTHENTICATED_ANSWERS_PER_SECOND_MAX),
    repeatable: false,
    default: UNAUTHENTICATED_ANSWERS_PER_SECOND,
    defaultText: String(UNAUTHENTICATED_ANSWERS_PER_SECOND),
    help:
      'Unauthenticated UDP answers per second to one source (IPv4 address or IPv6 /64), in bursts of up to ten times as ' +
      'many; 0: no limit. Loopback is exempt unless this option is given.',
    coturn: [],
  },
  'allow-peer': {
    group: 'Peer policy',
    type: parsed(PEER_RULE_FORM, (value) => parsePeerRule(value, true)),
    repeatable: true,
    default: [],
    defaultText: 'public addresses only',
    help:
      'Peers that clients may reach, private networks included. The most specific rule wins, at equal length deny. ' +
      'IPv6 with ports: [ADDRESS/PREFIX]:PORTS.',
    coturn: ['allowed-peer-ip', 'allow-loopback-peers'],
  },
  'deny-peer': {
    group: 'Peer policy',
    type: parsed(PEER_RULE_FORM, (value) => parsePeerRule(value, false)),
    repeatable: true,
    default: [],
    defaultText: 'private and special-purpose addresses',
    help: 'Peers that clients may not reach.',
    coturn: ['denied-peer-ip'],
  },
  'nat64-prefix': {
    group: 'Peer policy',
    type: parsed('CIDR', parseNat64Prefix),
    repeatable: true,
    default: [],
    defaultText: '',
    help: 'A NAT64 prefix of this network: peers in it are judged by the IPv4 address they stand for.',
    coturn: [],
  },
  cert: {
    group: 'TLS',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'The certificate chain (PEM), read again on SIGHUP and when it changes.',
    coturn: ['cert'],
  },
  key: {
    group: 'TLS',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'The private key of the certificate (PEM).',
    coturn: ['pkey'],
  },
  profile: {
    group: 'Protocols',
    type: choice('PROFILE', 'a profile', ['rfc', 'expressway-x8.9', 'expressway-x12.6']),
    repeatable: false,
    default: 'rfc',
    defaultText: 'rfc',
    help:
      'Behave as the RFCs say (rfc), or as a Cisco Expressway-E of that version: 431 for wrong credentials, its numbers of alarms, ' +
      'channels of RFC 5766; expressway-x12.6 also refuses a Binding without credentials.',
    coturn: [],
  },
  'nat-discovery': {
    group: 'Protocols',
    type: flag,
    repeatable: false,
    default: false,
    defaultText: 'off',
    help:
      'NAT behaviour discovery (RFC 5780): Binding answers from a second address and port, for clients that ask what NAT they are behind. Needs two ' +
      'addresses of one family: name both with --listen, or have two public ones.',
    coturn: ['no-rfc5780'],
  },
  'nat-discovery-port': {
    group: 'Protocols',
    type: integer('PORT', 'a port', 1, 65_535),
    repeatable: false,
    default: null,
    defaultText: 'the one after that of the first UDP listener',
    help: 'The second port of --nat-discovery, which is listened on beside the first one.',
    coturn: ['alt-listening-port'],
  },
  mobility: {
    group: 'Protocols',
    type: flag,
    repeatable: false,
    default: false,
    defaultText: 'off',
    help: 'Mobility: an allocation survives a change of the client address (RFC 8016).',
    coturn: ['mobility'],
  },
  rfc3489: {
    group: 'Protocols',
    type: flag,
    repeatable: false,
    default: false,
    defaultText: 'off',
    help: 'Answer the Binding requests of RFC 3489, which have no magic cookie, for clients that know nothing newer.',
    coturn: ['no-stun-backward-compatibility'],
  },
  config: {
    group: 'Operating',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'A JSON file of options, read again on SIGHUP: {"min-port": 24000, "listen": ["udp:*:3478"]}.',
    coturn: [],
  },
  'coturn-config': {
    group: 'Operating',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help:
      'A turnserver.conf of coturn to take options from, read again on SIGHUP; the log says of each what became of it. All ' +
      'other sources beat it.',
    coturn: [],
  },
  'expressway-config': {
    group: 'Operating',
    type: path('FILE'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'The same for the output of xConfiguration of a Cisco Expressway-E: its TURN server, ports and addresses.',
    coturn: [],
  },
  engine: {
    group: 'Operating',
    type: choice('ENGINE', 'an engine', ['auto', 'native', 'dgram']),
    repeatable: false,
    default: 'auto',
    defaultText: 'auto',
    help:
      'How datagrams are relayed: native (Linux: batched, on several threads), dgram (everywhere: one thread), or auto: ' +
      'native where a test at the start finds that it works, else dgram.',
    coturn: [],
  },
  workers: {
    group: 'Operating',
    type: integer('N', 'a number of workers', 1, WORKER_COUNT_MAX),
    repeatable: false,
    default: null,
    defaultText: 'one per core',
    help: 'Worker threads of the native engine.',
    coturn: ['relay-threads'],
  },
  'stream-workers': {
    group: 'Operating',
    type: integer('N', 'a number of workers', 1, WORKER_COUNT_MAX),
    repeatable: false,
    default: null,
    defaultText: 'as many as workers',
    help: 'Worker threads for clients over TCP, TLS and DTLS; with the dgram engine there is one.',
    coturn: [],
  },
  'admin-listen': {
    group: 'Operating',
    type: parsed('ADDRESS:PORT|none', parseAdminListen),
    repeatable: false,
    default: parseAdminListen('127.0.0.1:8445'),
    defaultText: '127.0.0.1:8445',
    help: 'Where the status page and the API are served.',
    coturn: ['web-admin-ip', 'web-admin-port'],
  },
  'metrics-token': {
    group: 'Operating',
    type: text('TOKEN', 'a token'),
    repeatable: true,
    default: [],
    defaultText: 'metrics are for this machine and for who is logged in',
    help:
      'What Prometheus on another machine sends as a bearer token to read /metrics of the admin address. Repeatable, so that ' +
      'an old one stays good while a new one is rolled out.',
    coturn: [],
    secret: true,
    warn: warnShortToken,
  },
  'metrics-token-file': {
    group: 'Operating',
    type: path('PATH'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'The same from a file, one token a line, which no process list shows.',
    coturn: [],
  },
  'credentials-token': {
    group: 'Operating',
    type: text('TOKEN', 'a token'),
    repeatable: true,
    default: [],
    defaultText: 'no credentials are issued over HTTP',
    help:
      'What a web service sends as a bearer token to have timestamped credentials issued at /api/v1/credentials of the admin address. ' +
      'Repeatable, so that an old one stays good while a new one is rolled out.',
    coturn: [],
    secret: true,
    warn: warnShortToken,
  },
  'credentials-token-file': {
    group: 'Operating',
    type: path('PATH'),
    repeatable: false,
    default: null,
    defaultText: '',
    help: 'The same from a file, one token a line, which no process list shows.',
    coturn: [],
  },
  'drain-timeout': {
    group: 'Operating',
    type: integer('SECONDS', 'a number of seconds', 0, DRAIN_SECONDS_MAX),
    repeatable: false,
    default: 30,
    defaultText: '30',
    help: 'How long SIGTERM lets existing allocations go on; a second one stops at once.',
    coturn: [],
  },
  alternate: {
    group: 'Operating',
    type: parsed(ALTERNATE_FORM, parseAlternate),
    repeatable: true,
    default: [],
    defaultText: 'clients are not sent to other servers',
    help:
      'Another server, to which clients are sent that would be refused since this one drains or is full. One with a scheme is ' +
      'for clients over it alone. Without a port it is the one that the client uses here; without a scheme the port is that of UDP ' +
      'and TCP. Of several, one with *3 gets three times as many.',
    coturn: ['alternate-server', 'udp-alternate-server', 'tcp-alternate-server', 'tls-alternate-server'],
    warn: alternateWarning,
  },
  'alternate-above': {
    group: 'Operating',
    type: integer('PERCENT', 'a percentage', 0, 100),
    repeatable: false,
    default: ALTERNATE_ABOVE_PERCENT_DEFAULT,
    defaultText: String(ALTERNATE_ABOVE_PERCENT_DEFAULT),
    help:
      'Send new clients to --alternate as soon as this share of --max-allocations is in use; 0: all of them, so that this server ' +
      'only spreads clients over others.',
    coturn: [],
  },
  'state-dir': {
    group: 'Operating',
    type: path('DIR'),
    repeatable: false,
    default: './turnd-state',
    defaultText: '$STATE_DIRECTORY or ./turnd-state',
    help: 'Where the generated user and the secrets of this server are kept.',
    coturn: [],
  },
  'log-level': {
    group: 'Operating',
    type: choice('LEVEL', 'a log level', ['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    repeatable: false,
    default: 'info',
    defaultText: 'info',
    help: 'The least severe messages that are logged: trace, debug, info, warn, error or silent.',
    coturn: ['verbose', 'Verbose'],
  },
}

/** A row of the table with its names, for code that treats every option alike. */
export interface Option extends OptionRow<unknown, unknown> {
  /** `min-port`: `--min-port`, and the key in a file. */
  readonly name: string
  /** `minPort` */
  readonly key: SettingKey
  /** `TURND_MIN_PORT` */
  readonly environmentName: string
  readonly repeatable: boolean
}

/** Every option, in the order in which it is documented. */
export const OPTIONS: readonly Option[] = Object.entries(TABLE).map(([name, row]) => ({
  // Rows are checked one by one against Settings above; here they become alike.
  ...(row as unknown as Option),
  name,
  key: camelCase(name) as SettingKey,
  environmentName: `TURND_${name.replaceAll('-', '_').toUpperCase()}`,
}))

const OPTION_BY_NAME: ReadonlyMap<string, Option> = new Map(OPTIONS.map((option) => [option.name, option]))
const OPTION_BY_KEY: ReadonlyMap<string, Option> = new Map(OPTIONS.map((option) => [option.key, option]))

/** The option of a kebab-case name, or undefined. */
export function findOption(name: string): Option | undefined {
  return OPTION_BY_NAME.get(name)
}

/** The option of a key of Settings, or undefined. */
export function findOptionByKey(key: string): Option | undefined {
  return OPTION_BY_KEY.get(key)
}

function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
