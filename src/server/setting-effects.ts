// THE table of what a reload does with each option: takes it over while the server runs, or leaves it for a restart, and why. A new option
// without a row here does not compile.
import type { SettingKey } from '../config/settings.js'

export interface SettingEffect {
  readonly effect: 'live' | 'restart'
  /** What it means for those who are connected, or why it needs a restart; '' when there is nothing to say. */
  readonly note: string
}

const live = (note = ''): SettingEffect => ({ effect: 'live', note })
const restart = (note: string): SettingEffect => ({ effect: 'restart', note })

const USERS = 'allocations of users who are gone end at their next Refresh'
const SECRETS = 'whoever has credentials of a secret that is gone is refused at the next request'
const NAMES = 'whoever has a name or password that does not count any more is refused at the next request'
const OUTSIDE_USERS = 'what the former one said of users is forgotten'
const POLICY = 'holds at once for permissions, channels and connections that exist, too'
const OF_NEW_CONNECTIONS = 'holds for new connections'

const EFFECTS: { readonly [Key in SettingKey]: SettingEffect } = {
  listen: live(),
  publicName: live(),
  proxyProtocolFrom: live(OF_NEW_CONNECTIONS),
  httpUpstream: live(OF_NEW_CONNECTIONS),
  httpUpstreamCa: live(OF_NEW_CONNECTIONS),
  httpName: live(OF_NEW_CONNECTIONS),

  relayIp: restart('the tables of relay ports are made for these addresses at the start'),
  externalIp: restart('clients have been told the present addresses of their relays'),
  minPort: restart('the tables of relay ports are made for this range at the start'),
  maxPort: restart('the tables of relay ports are made for this range at the start'),
  channelRange: live('channels that are bound stay'),
  noTcpRelay: live('relays over TCP that exist stay'),

  realm: restart('the keys of all users and nonces of all clients hold for one realm'),
  user: live(USERS),
  usersFile: live(USERS),
  authSecret: live(SECRETS),
  authSecretFile: live(SECRETS),
  authSecretHash: live(NAMES),
  authSecretSeparator: live(NAMES),
  authSecretLifetime: live('holds for what is issued from now on'),
  authSecretLifetimeMax: live(NAMES),
  redis: live(OUTSIDE_USERS),
  redisPasswordFile: live(),
  redisCa: live(),
  authWebhook: live(OUTSIDE_USERS),
  authWebhookTokenFile: live(),
  authWebhookCa: live(),
  oauthKeys: live('allocations of a token whose key is gone live as long as that token'),
  oauthServerName: live('tokens for the former name are refused from now on'),
  lookupTimeout: live(),
  lookupTtl: live('holds for look-ups from now on'),
  lookupOutage: live(),

  maxAllocations: live('allocations that exist stay'),
  userQuota: live('allocations that exist stay'),
  permissionsMax: live('permissions that exist stay'),
  channelsMax: live('channels that exist stay'),
  maxBps: live('holds for allocations that exist, too'),
  userMaxBps: live('holds for allocations that exist, too'),
  unauthenticatedRate: live(),

  allowPeer: live(POLICY),
  denyPeer: live(POLICY),
  nat64Prefix: live(POLICY),

  cert: live('new handshakes use it; connections that exist go on'),
  key: live('new handshakes use it; connections that exist go on'),

  profile: live('holds for the next request; channels that are bound stay'),
  natDiscovery: live('listeners of the second port come or go with it'),
  natDiscoveryPort: live('listeners of the second port come or go with it'),
  mobility: live(
    'no more tickets are given or taken once it is off; switched on, clients of other threads move after a restart only',
  ),
  rfc3489: live(),

  config: restart('which file is read again is said at the start'),
  coturnConfig: restart('which file is read again is said at the start'),
  expresswayConfig: restart('which file is read again is said at the start'),
  engine: restart('allocations live in the engine'),
  workers: restart('the kernel spreads clients over the workers of the start'),
  streamWorkers: restart('the kernel spreads clients over the workers of the start'),
  adminListen: restart('whoever asks for this reload may be connected to the present one'),
  metricsToken: live(),
  metricsTokenFile: live(),
  credentialsToken: live(),
  credentialsTokenFile: live(),
  drainTimeout: live(),
  alternate: live('clients that have been sent elsewhere stay there'),
  alternateAbove: live('allocations that exist stay'),
  stateDir: restart('the secrets of this server and its control socket are there'),
  logLevel: live(),
}

export function effectOf(key: SettingKey): SettingEffect {
  return EFFECTS[key]
}

export function isLive(key: SettingKey): boolean {
  return EFFECTS[key].effect === 'live'
}
