// Moves the time to the very tick at which something expires, or one step of the clock beside it, and tries at once whether it still works.

import { METHOD_CREATE_PERMISSION } from '../../src/stun/constants.js'
import { familyOf, hostOf } from './address-text.js'
import { rebindInBurst } from './bursts.js'
import { ALLOWED_PEERS } from './scenario.js'
import type { AllocationModel } from './wire-model.js'
import type { World } from './world.js'

interface Expiry {
  readonly time: number
  readonly probe: () => void
}

/** Expiries look at what is next, not at the far future. */
const CANDIDATE_COUNT_MAX = 4

export function passToExpiry(world: World): void {
  const { random, driver } = world
  const expiries = [...driver.model.allocations.values()].flatMap((allocation) => expiriesOf(world, allocation))
  for (const { expiresAt } of driver.model.reservations.values()) expiries.push({ time: expiresAt, probe: () => {} })
  const future = expiries.filter(({ time }) => time > driver.model.now).sort((a, b) => a.time - b.time)
  if (future.length === 0) return
  const { time, probe } = random.pick(future.slice(0, CANDIDATE_COUNT_MAX))
  world.advance(time + random.pick([-10, 0, 0, 10]))
  probe()
  world.coverage.count('time: moved to an expiry')
}

function expiriesOf(world: World, allocation: AllocationModel): Expiry[] {
  const expiries: Expiry[] = []
  for (const { expiresAt } of allocation.relays.values()) expiries.push({ time: expiresAt, probe: () => {} })
  for (const [channelNumber, { peer, expiresAt }] of allocation.channels) {
    expiries.push({
      time: expiresAt,
      probe: () => {
        probePeer(world, allocation, channelNumber, peer)
        rebindChannel(world, allocation, channelNumber, peer)
      },
    })
  }
  for (const [host, time] of allocation.permissions) {
    const candidates = [...ALLOWED_PEERS, ...world.knownRelays.slice(-6)]
    const peers = candidates.filter((peer) => hostOf(peer) === host)
    if (peers.length === 0) continue
    const peer = world.random.pick(peers)
    expiries.push({
      time,
      probe: () => {
        probePeer(world, allocation, 0, peer)
        renewPermission(world, allocation, peer)
      },
    })
  }
  return expiries
}

/** A payload each way, past the network. */
function probePeer(world: World, allocation: AllocationModel, channelNumber: number, peer: string): void {
  world.clientData(allocation.request.client, channelNumber, peer, 4)()
  const relay = world.driver.model.relayOfFamily(allocation, familyOf(peer))
  const source = world.driver.model.sockets.boundNameOf(peer)
  if (relay !== null) world.peerData(source, relay.bound, 4)()
  world.settle()
}

/** To another peer, and to the same one: one of them succeeds. */
function rebindChannel(world: World, { key }: AllocationModel, channelNumber: number, peer: string): void {
  const client = world.clients.find((candidate) => candidate.key === key && !candidate.isGone)
  if (client === undefined) return
  const others = ALLOWED_PEERS.filter((other) => familyOf(other) === familyOf(peer) && other !== peer)
  rebindInBurst(world, client, channelNumber, [world.random.pick(others), peer])
}

/** The permission that has just ended, or is about to, together with others: the room for them is counted anew. */
function renewPermission(world: World, { key }: AllocationModel, peer: string): void {
  const client = world.clients.find((candidate) => candidate.key === key && !candidate.isGone)
  if (client === undefined) return
  const count = world.random.nextInt(3)
  const others = Array.from({ length: count }, () => world.random.pick(ALLOWED_PEERS))
  const peers = [peer, ...others.filter((other) => familyOf(other) === familyOf(peer))]
  world.sendRequest(client, { method: METHOD_CREATE_PERMISSION, peers })
}
