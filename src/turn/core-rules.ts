// What a core goes by and a reload may change: limits of an allocation, and switches. Read per request, never per packet of data; written by
// reconfigure.ts alone, between packets.
import { type ProtocolTraits, profileTraits } from '../config/profile.js'
import { ALTERNATE_ABOVE_PERCENT_DEFAULT } from '../limits/turn.js'
import { CHANNEL_NUMBER_MAX } from '../stun/constants.js'
import { TICKS_PER_SECOND } from './allocation.js'
import type { DiscoveryPair } from './discovery-pairs.js'

/** Of TurnCoreOptions and of CoreLimits. */
export interface CoreRuleOptions {
  /** Permissions and channels of one allocation. */
  readonly permissionCountMax: number
  readonly channelCountMax: number
  readonly channelNumberMax?: number
  /** RFC 6062; they are if absent. */
  readonly allowsTcpRelays?: boolean
  /** RFC 8016; it is not if absent. */
  readonly allowsMobility?: boolean
  /** Absent: those of the profile rfc. */
  readonly traits?: ProtocolTraits
  /** How long a request waits for its user, in seconds; 0 if absent. */
  readonly lookupWaitSeconds?: number
  /** Addresses and ports that NAT behaviour discovery (RFC 5780) answers from; none if absent, and it is off. */
  readonly discoveryPairs?: readonly DiscoveryPair[]
  /** Are Binding requests of RFC 3489 answered? */
  readonly answersLegacyBinding?: boolean
  /** From which share of the licence on clients are sent to other servers; 100 if absent: when there is no more. */
  readonly alternateAbovePercent?: number
}

export interface CoreRules {
  readonly permissionCountMax: number
  readonly channelCountMax: number
  readonly channelNumberMax: number
  readonly allowsTcpRelays: boolean
  readonly allowsMobility: boolean
  readonly traits: ProtocolTraits
  readonly lookupWaitTicks: number
  readonly discoveryPairs: readonly DiscoveryPair[]
  readonly answersLegacyBinding: boolean
  readonly alternateAbovePercent: number
}

export function coreRules(options: CoreRuleOptions): CoreRules {
  return {
    permissionCountMax: options.permissionCountMax,
    channelCountMax: options.channelCountMax,
    channelNumberMax: options.channelNumberMax ?? CHANNEL_NUMBER_MAX,
    allowsTcpRelays: options.allowsTcpRelays ?? true,
    allowsMobility: options.allowsMobility ?? false,
    traits: options.traits ?? profileTraits('rfc'),
    lookupWaitTicks: (options.lookupWaitSeconds ?? 0) * TICKS_PER_SECOND,
    discoveryPairs: options.discoveryPairs ?? [],
    answersLegacyBinding: options.answersLegacyBinding ?? false,
    alternateAbovePercent: options.alternateAbovePercent ?? ALTERNATE_ABOVE_PERCENT_DEFAULT,
  }
}
