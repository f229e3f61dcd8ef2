// What must hold in the core between any two inputs: ports, quotas, sockets and tables tell the same story, and the wire model's.
import type { TurnCore } from '../../src/turn/core.js'
import { keyOf } from './address-text.js'
import { ensure } from './failure.js'
import { USERS } from './scenario.js'
import type { SentRequest } from './sent-request.js'
import type { WireModel } from './wire-model.js'

export function checkInvariants(core: TurnCore, model: WireModel): void {
  checkTables(core, model)
  checkPorts(core, model)
  checkQuotas(core, model)
  checkLimits(model)
}

/** Nothing may be left at the end. */
export function checkEmpty(core: TurnCore, model: WireModel): void {
  const counts = {
    allocations: core.allocations.size,
    openings: core.openings.size,
    relays: core.relays.size,
    reservations: core.reservations.size,
    ports: core.relayPorts.claimedCount(),
    quota: core.quotas.held,
    sockets: model.sockets.byRelay.size,
    users: USERS.filter(({ username }) => core.quotas.heldBy(username) > 0).length,
  }
  ensure(
    Object.values(counts).every((count) => count === 0),
    () => `left at the end: ${JSON.stringify(counts)}`,
  )
}

/** The table of 5-tuples holds nothing besides what its look-up finds. */
export function checkEnumeration(core: TurnCore, model: WireModel): void {
  const keys = [...core.allocations.values()].map(({ fiveTuple }) => keyOf(fiveTuple)).sort()
  const known = [...model.allocations.keys(), ...model.openings.keys()].sort()
  ensure(keys.join() === known.join(), () => `allocations of ${keys}, not of ${known}`)
}

/** As sizes are equal, what the model knows and the core finds is all that there is. */
function checkTables(core: TurnCore, model: WireModel): void {
  let relayCount = 0
  for (const { request } of model.openings.values()) relayCount += checkAllocation(core, model, request, true)
  for (const { request } of model.allocations.values()) relayCount += checkAllocation(core, model, request, false)
  ensure(core.allocations.size === model.allocations.size + model.openings.size, () => 'allocations differ in number')
  ensure(core.openings.size === model.openings.size, () => `${core.openings.size} openings`)
  ensure(core.relays.size === relayCount, () => `${core.relays.size} relays, ${relayCount} of allocations`)
  ensure(model.sockets.byRelay.size === relayCount, () => `${model.sockets.byRelay.size} sockets, ${relayCount} relays`)
}

/** Returns how many relays the allocation has. */
function checkAllocation(core: TurnCore, model: WireModel, request: SentRequest, isOpening: boolean): number {
  const { key, client, username } = request
  const allocation = core.allocations.find(client)
  ensure(allocation !== null && !allocation.isDeleted, () => `${key}: the allocation is lost`)
  ensure(allocation.username === username, () => `${key}: belongs to ${allocation.username}, not ${username}`)
  ensure(allocation.isOpening === isOpening, () => `${key}: opening ${allocation.isOpening}`)
  ensure(core.openings.has(allocation) === isOpening, () => `${key}: among the openings ${!isOpening}`)
  const relays = [allocation.relay4, allocation.relay6].filter((relay) => relay !== null)
  ensure(relays.length > 0, () => `${key}: an allocation without a relay`)
  for (const relay of relays) {
    ensure(relay.allocation === allocation, () => `${key}: relay ${relay.id} is another allocation's`)
    ensure(core.relays.find(relay.id) === relay, () => `${key}: relay ${relay.id} is in no table`)
    const { bound, advertised } = model.sockets.byRelay.get(relay.id) ?? { bound: 'nothing', advertised: 'nothing' }
    ensure(bound === relay.address.toString(), () => `${key}: relay on ${relay.address}, socket on ${bound}`)
    ensure(advertised === relay.advertised.toString(), () => `${key}: ${relay.advertised}, not ${advertised}`)
  }
  return relays.length
}

function checkPorts(core: TurnCore, model: WireModel): void {
  const reservedNext = [...core.openings.values()].filter(({ plan }) => plan.reservesNext).length
  const claimed = core.relayPorts.claimedCount()
  const held = core.relays.size + reservedNext + core.reservations.size
  ensure(claimed === held, () => `${claimed} ports claimed, ${held} held`)
  ensure(claimed === model.heldPorts().size, () => `${claimed} ports claimed, ${model.heldPorts().size} on the wire`)
  ensure(core.reservations.size === model.reservations.size, () => `${core.reservations.size} reservations`)
  for (const [index, host] of model.scenario.hosts.entries()) {
    const live = core.relayPorts.liveCount(index)
    ensure(live === model.sockets.liveCount(host), () => `${live} live relays on ${host.bound}`)
  }
}

function checkQuotas(core: TurnCore, model: WireModel): void {
  const reservedNext = [...core.openings.values()].filter(({ plan }) => plan.reservesNext).length
  const held = core.allocations.size + reservedNext + core.reservations.size
  ensure(core.quotas.held === held, () => `licence: ${core.quotas.held} places held, ${held} in use`)
  ensure(held === model.heldCount(null), () => `licence: ${held} in use, ${model.heldCount(null)} on the wire`)
  ensure(held <= model.scenario.maxAllocations, () => `licence: ${held} of ${model.scenario.maxAllocations}`)
  const { userQuota } = model.scenario
  for (const { username } of USERS) {
    const ofUser = core.quotas.heldBy(username)
    ensure(ofUser === model.heldCount(username), () => `${username} holds ${ofUser}, not ${model.heldCount(username)}`)
    ensure(userQuota === 0 || ofUser <= userQuota, () => `${username} holds ${ofUser} of ${userQuota}`)
  }
}

function checkLimits(model: WireModel): void {
  const { channelCountMax, permissionCountMax } = model.scenario
  for (const allocation of model.allocations.values()) {
    const permissionCount = model.permissionHosts(allocation).size
    ensure(permissionCount <= permissionCountMax, () => `${allocation.key}: ${permissionCount} permissions`)
    const channelCount = model.liveChannelCount(allocation)
    ensure(channelCount <= channelCountMax, () => `${allocation.key}: ${channelCount} channels`)
  }
}
