// What a core needs to know of the settings: plain data, without secrets, since it is posted to workers.
import type { Settings } from '../config/settings.js'
import type { Alternate } from '../turn/alternates.js'
import type { DiscoveryPair } from '../turn/discovery-pairs.js'
import { discoveryPairs } from './nat-discovery.js'

const CORE_SETTING_KEYS = [
  'minPort',
  'maxPort',
  'channelRange',
  'noTcpRelay',
  'mobility',
  'profile',
  'realm',
  'oauthServerName',
  'authSecretHash',
  'authSecretLifetimeMax',
  'authSecretSeparator',
  'maxAllocations',
  'userQuota',
  'permissionsMax',
  'channelsMax',
  'maxBps',
  'userMaxBps',
  'lookupTimeout',
  'lookupOutage',
  'unauthenticatedRate',
  'allowPeer',
  'denyPeer',
  'nat64Prefix',
  'rfc3489',
  'alternateAbove',
] as const satisfies readonly (keyof Settings)[]

export type CoreSettings = Pick<Settings, (typeof CORE_SETTING_KEYS)[number]> & {
  /** The limit of unauthenticated answers holds for loopback too. */
  readonly limitsLoopback: boolean
  /** None: NAT behaviour discovery is off. */
  readonly discoveryPairs: readonly DiscoveryPair[]
  /** What --alternate comes to at this moment. */
  readonly alternates: readonly Alternate[]
}

export function coreSettings(parts: {
  readonly settings: Settings
  readonly limitsLoopback: boolean
  readonly alternates: readonly Alternate[]
}): CoreSettings {
  const { alternates, limitsLoopback, settings } = parts
  const entries = CORE_SETTING_KEYS.map((key) => [key, settings[key]])
  const picked = Object.fromEntries(entries) as Pick<Settings, (typeof CORE_SETTING_KEYS)[number]>
  return { ...picked, limitsLoopback, alternates, discoveryPairs: discoveryPairs(settings) }
}
