// What a core needs to know of the settings: plain data, without secrets, since it is posted to workers.
import type { Settings } from '../config/settings.js'

const CORE_SETTING_KEYS = [
  'minPort',
  'maxPort',
  'channelRange',
  'noTcpRelay',
  'mobility',
  'profile',
  'realm',
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
] as const satisfies readonly (keyof Settings)[]

export type CoreSettings = Pick<Settings, (typeof CORE_SETTING_KEYS)[number]> & {
  /** The limit of unauthenticated answers holds for loopback too. */
  readonly limitsLoopback: boolean
}

export function coreSettings(settings: Settings, limitsLoopback: boolean): CoreSettings {
  const entries = CORE_SETTING_KEYS.map((key) => [key, settings[key]])
  return { ...(Object.fromEntries(entries) as Pick<Settings, (typeof CORE_SETTING_KEYS)[number]>), limitsLoopback }
}
