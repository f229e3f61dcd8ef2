// The peer policy of TARGET_SERVER on its own, with an allocation to judge for.
import { Allocation } from '../../src/turn/allocation.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import type { PeerPolicy } from '../../src/turn/peer-policy.js'
import { RelayPorts } from '../../src/turn/relay-ports.js'
import { type CoreHarnessOptions, policyOf, relayHostOf } from './core-harness.js'
import { TARGET_SERVER } from './peer-targets.js'
import { SeededRandom } from './random.js'
import { addressOf } from './turn-address.js'

export interface Stage {
  readonly policy: PeerPolicy
  readonly relayPorts: RelayPorts
  readonly allocation: Allocation
}

/** A policy, and an allocation without relays. */
export function stage(options: CoreHarnessOptions = {}): Stage {
  const all = { ...TARGET_SERVER, ...options }
  const hosts = (all.relayHosts ?? []).map(relayHostOf)
  const relayPorts = new RelayPorts(hosts.length, all.minPort ?? 0, all.maxPort ?? 0, new SeededRandom(1))
  const allocation = new Allocation(new FiveTuple(), 'alice', 0, new Uint8Array(12))
  return { policy: policyOf(all, hosts, relayPorts), relayPorts, allocation }
}

export function verdict({ policy, allocation }: Stage, peer: string): number {
  return policy.authorizePeer(addressOf(peer), allocation)
}

export function mayHavePermission({ policy, allocation }: Stage, peer: string): boolean {
  return policy.authorizeHost(addressOf(peer), allocation)
}
