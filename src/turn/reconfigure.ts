// Other settings for a core that runs: limits, and whom peers may be. Called between packets, and never per packet: the hot path finds its
// fields changed and nothing else.
import type { PeerRule } from '../config/peer-rule.js'
import type { Cidr } from '../stun/cidr.js'
import { respondFailed } from './connect.js'
import type { TurnCore } from './core.js'
import { type CoreRuleOptions, coreRules } from './core-rules.js'
import { deleteAllocation } from './lifecycle.js'
import { PEER_FORBIDDEN } from './peer-policy.js'

/** The same as in TurnCoreOptions. */
export interface CoreLimits extends Required<CoreRuleOptions> {
  readonly maxAllocations: number
  readonly userQuota: number
  readonly maxBps: number
  readonly userMaxBps: number
  readonly unauthenticatedRate: number
  readonly limitsLoopback: boolean
}

export interface CorePolicy {
  readonly rules: readonly PeerRule[]
  readonly nat64Prefixes: readonly Cidr[]
}

/**
 * From now on. Whoever has more allocations, permissions or channels than there may be by now keeps them, and gets no more; bandwidth is
 * that of allocations and data connections that exist, too.
 */
export function changeLimits(core: TurnCore, limits: CoreLimits): void {
  core.quotas.setLimits(limits.maxAllocations, limits.userQuota)
  core.rules = coreRules(limits)
  core.answerGate.limits?.setRate(limits.unauthenticatedRate, limits.limitsLoopback)
  if (!core.bandwidthLimits.setLimits(limits.maxBps, limits.userMaxBps)) return
  for (const allocation of core.allocations.values()) {
    allocation.bandwidth = core.bandwidthLimits.open(allocation.account)
  }
  core.connections?.data.relimit()
}

/** At once: data to and from a peer that is denied by now is dropped, and TCP connections to it are closed. */
export function changePolicy(core: TurnCore, { nat64Prefixes, rules }: CorePolicy): void {
  core.policy.setRules(rules, nat64Prefixes)
  core.connections?.peers.closeForbidden(
    ({ allocation, peer }) => core.policy.authorizePeer(peer, allocation) === PEER_FORBIDDEN,
    (connection) => respondFailed(core, connection),
  )
}

/** Allocations whose clients came over listeners that are to be closed. */
export function countAllocationsOf(core: TurnCore, isOfListener: (listenerId: number) => boolean): number {
  let count = 0
  for (const { fiveTuple } of core.allocations.values()) if (isOfListener(fiveTuple.listenerId)) count++
  return count
}

/** Their listeners are closed: no client can reach them any more, and none that waits for an allocation could learn of it. */
export function deleteAllocationsOf(core: TurnCore, isOfListener: (listenerId: number) => boolean): void {
  core.lookups?.discardOf(isOfListener)
  for (const way of [...(core.mobility?.ways() ?? [])]) {
    if (isOfListener(way.fiveTuple.listenerId)) core.mobility?.closeWay(way)
  }
  for (const allocation of [...core.allocations.values()]) {
    if (isOfListener(allocation.fiveTuple.listenerId)) deleteAllocation(core, allocation, 'listener-removed')
  }
}
