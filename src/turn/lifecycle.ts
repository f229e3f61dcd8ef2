// The life of allocations after the Allocate request has been judged: opening relay sockets, answering when all are decided,
// and giving everything back at the end. The only file that claims and releases relay ports and quotas.
import { OPEN_ATTEMPT_COUNT_MAX, RESERVATION_LIFETIME_SECONDS } from '../limits/turn.js'
import { FAMILY_IPV4 } from '../stun/address.js'
import {
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_MOBILITY_TICKET,
  ATTRIBUTE_RESERVATION_TOKEN,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  ERROR_ADDRESS_FAMILY_NOT_SUPPORTED,
  ERROR_INSUFFICIENT_CAPACITY,
} from '../stun/constants.js'
import {
  Allocation,
  RELAY_CLOSED,
  RELAY_LISTENING,
  RELAY_LIVE,
  RELAY_OPENING,
  Relay,
  TICKS_PER_SECOND,
} from './allocation.js'
import type { TurnCore } from './core.js'
import type { DeletionCause } from './output.js'
import { claimerOf, takeSession } from './ownership.js'
import { respondNoRoom } from './redirect.js'
import { withPort } from './relay-host.js'
import type { Exchange, Request } from './request.js'
import type { Reservation } from './reservations.js'
import { beginSuccess, sendAnswer } from './respond.js'

const RESERVATION_LIFETIME_TICKS = RESERVATION_LIFETIME_SECONDS * TICKS_PER_SECOND

/** What an accepted Allocate asks for. */
export interface AllocatePlan {
  readonly families: readonly (4 | 6)[]
  /** A TCP relay (RFC 6062). The core has connections then. */
  readonly isTcp: boolean
  readonly isEven: boolean
  /** EVEN-PORT with R=1: keep the next port for a token. */
  readonly reservesNext: boolean
  /** The claimed reservation, which brings its port and its place in the quota. */
  readonly reservation: Reservation | null
  readonly lifetimeSeconds: number
  /** It gets a ticket (RFC 8016). */
  readonly isMobile: boolean
}

/** An allocation whose sockets are being opened, and how to answer then. */
export interface Opening {
  readonly exchange: Exchange
  readonly plan: AllocatePlan
}

/** Claims ports and asks for sockets. The quota (one place, two with reservesNext) has been taken. */
export function openAllocation(core: TurnCore, request: Request, plan: AllocatePlan): void {
  const exchange = request.exchange.keep()
  const { account, client, username, transactionIdBytes } = exchange
  const allocation = new Allocation(client, username, core.now, transactionIdBytes, plan.isTcp)
  allocation.account = account
  takeSession(allocation, exchange.session)
  allocation.lifetimeSeconds = plan.lifetimeSeconds
  for (const family of plan.families) claimRelay(core, allocation, family, plan)
  if (allocation.relay4 === null && allocation.relay6 === null) {
    giveQuota(core, allocation, plan)
    if (plan.reservation !== null) releaseReservation(core, plan.reservation)
    respondNoRoom(core, exchange, 'no-relay-port', plan.reservation !== null)
    return
  }
  allocation.bandwidth = core.bandwidthLimits.open(allocation.account)
  if (plan.isMobile) core.mobility?.begin(allocation)
  core.allocations.add(allocation)
  core.openings.set(allocation, { exchange, plan })
  for (const relay of allocation.relays()) openSocket(core, relay)
}

export function handleRelayOpened(core: TurnCore, relayId: number): void {
  const relay = core.relays.find(relayId)
  if (relay === null || relay.state !== RELAY_OPENING) return
  relay.state = relay.isTcp ? RELAY_LISTENING : RELAY_LIVE
  core.relayPorts.markLive(relay.hostIndex, relay.address.port, relay.isTcp)
  answerIfDecided(core, relay.allocation)
}

/** @param inUse another process has the port: the next one may be free */
export function handleRelayFailed(core: TurnCore, relayId: number, inUse: boolean): void {
  const relay = core.relays.find(relayId)
  if (relay === null || relay.state !== RELAY_OPENING) return
  const { allocation } = relay
  const opening = core.openings.get(allocation) as Opening
  const mayRetry = inUse && relay.attemptCount < OPEN_ATTEMPT_COUNT_MAX && opening.plan.reservation === null
  // The next port is claimed before the failed one is released, so that it is another one.
  const port = mayRetry ? claimPort(core, relay.hostIndex, opening.plan) : 0
  releasePorts(core, relay, opening.plan)
  if (port > 0) {
    relay.attemptCount++
    relay.address.port = port
    relay.advertised.port = port
    openSocket(core, relay)
    return
  }
  forgetRelay(core, relay)
  noteFailedFamily(allocation, relay.address.family as 4 | 6, ERROR_INSUFFICIENT_CAPACITY)
  answerIfDecided(core, allocation)
}

/** Deletes one relay; the last one takes its allocation along (RFC 8656 §8.1). */
export function deleteRelay(core: TurnCore, relay: Relay, cause: DeletionCause): void {
  const { allocation } = relay
  const other = relay === allocation.relay4 ? allocation.relay6 : allocation.relay4
  if (other === null) {
    deleteAllocation(core, allocation, cause)
    return
  }
  closeRelay(core, relay)
  allocation.forgetFamily(relay.address.family)
  core.observer.relayDeleted(relay, cause)
}

/** Closes the sockets and connections at once and gives ports and quota back. */
export function deleteAllocation(core: TurnCore, allocation: Allocation, cause: DeletionCause): void {
  if (allocation.isDeleted) return
  if (allocation.isTcp) core.connections?.peers.closeAll(allocation)
  const opening = core.openings.get(allocation)
  if (opening?.plan.reservesNext === true) releaseReservedPort(core, allocation)
  forgetAllocation(core, allocation, opening?.plan ?? null)
  const relays = allocation.relays()
  for (const relay of relays) closeSocket(core, relay)
  if (opening === undefined) core.observer.allocationDeleted(allocation, cause)
  for (const relay of relays) forgetRelay(core, relay)
}

/** The success answer of an Allocate: the first time, and for each retransmission (RFC 8656 §7.3). */
export function respondAllocated(core: TurnCore, exchange: Exchange, allocation: Allocation): void {
  const writer = beginSuccess(core, exchange)
  for (const relay of allocation.relays()) writer.writeXorAddress(ATTRIBUTE_XOR_RELAYED_ADDRESS, relay.advertised)
  writer.writeUint32(ATTRIBUTE_LIFETIME, allocation.lifetimeSeconds)
  if (allocation.reservationToken !== null) {
    writer.writeBytes(ATTRIBUTE_RESERVATION_TOKEN, allocation.reservationToken)
  }
  writer.writeXorAddress(ATTRIBUTE_XOR_MAPPED_ADDRESS, exchange.client.client)
  if (allocation.failedFamily !== 0) {
    writer.writeAddressErrorCode(allocation.failedFamily, allocation.failedFamilyCode)
  }
  const ticket = core.mobility?.firstTicketOf(allocation) ?? null
  if (ticket !== null) writer.writeText(ATTRIBUTE_MOBILITY_TICKET, ticket)
  sendAnswer(core, exchange)
}

function claimRelay(core: TurnCore, allocation: Allocation, family: 4 | 6, plan: AllocatePlan): void {
  const hostIndexes = core.relayHostIndexesOf(family)
  const relayId = core.relays.nextId()
  if (hostIndexes.length === 0 || relayId < 0) {
    const isSupported = hostIndexes.length > 0
    noteFailedFamily(allocation, family, isSupported ? ERROR_INSUFFICIENT_CAPACITY : ERROR_ADDRESS_FAMILY_NOT_SUPPORTED)
    return
  }
  // A random host first, then the others in turn: load spreads over several --relay-ip.
  const first = core.random.nextUint32() % hostIndexes.length
  for (let step = 0; step < hostIndexes.length; step++) {
    const hostIndex = plan.reservation?.hostIndex ?? hostIndexes[(first + step) % hostIndexes.length]
    const port = claimPort(core, hostIndex, plan)
    if (port === 0) continue
    const host = core.relayHosts[hostIndex]
    const address = withPort(host.address, port)
    // Without static NAT the two are one.
    const advertised = host.advertised.equalsHost(host.address) ? address : withPort(host.advertised, port)
    const relay = new Relay(relayId, allocation, hostIndex, address, advertised)
    core.relays.add(relay)
    if (family === FAMILY_IPV4) allocation.relay4 = relay
    else allocation.relay6 = relay
    return
  }
  noteFailedFamily(allocation, family, ERROR_INSUFFICIENT_CAPACITY)
}

function claimPort(core: TurnCore, hostIndex: number, plan: AllocatePlan): number {
  const { reservation } = plan
  if (reservation !== null) {
    return core.relayPorts.claimReserved(reservation.hostIndex, reservation.port) ? reservation.port : 0
  }
  return plan.isEven ? core.relayPorts.claimEven(hostIndex, plan.reservesNext) : core.relayPorts.claim(hostIndex)
}

function noteFailedFamily(allocation: Allocation, family: 4 | 6, code: number): void {
  allocation.failedFamily = family
  allocation.failedFamilyCode = code
}

function answerIfDecided(core: TurnCore, allocation: Allocation): void {
  const relays = allocation.relays()
  if (relays.some((relay) => relay.state === RELAY_OPENING)) return
  const { exchange, plan } = core.openings.get(allocation) as Opening
  if (relays.length === 0) {
    // A dual allocation may fail for two reasons; the answer is about the whole.
    forgetAllocation(core, allocation, plan)
    respondNoRoom(core, exchange, 'relay-failed', plan.reservation !== null)
    return
  }
  core.openings.delete(allocation)
  allocation.isOpening = false
  if (plan.reservesNext) reserveNextPort(core, allocation)
  for (const relay of relays) {
    relay.expiresAt = core.now + plan.lifetimeSeconds * TICKS_PER_SECOND
    core.expiry.schedule(relay)
  }
  core.observer.allocationCreated(allocation)
  respondAllocated(core, exchange, allocation)
}

function reserveNextPort(core: TurnCore, allocation: Allocation): void {
  const relay = allocation.relays()[0]
  const expiresAt = core.monotonicTicks() + RESERVATION_LIFETIME_TICKS
  const { account, sessions } = allocation
  const claimer = claimerOf(sessions[0] ?? null, account)
  const port = relay.address.port + 1
  allocation.reservationToken = core.reservations.add(account, relay.hostIndex, port, expiresAt, core.random, claimer)
}

/** Releases the port of a relay that did not open, and the one that was to be reserved with it. */
function releasePorts(core: TurnCore, relay: Relay, plan: AllocatePlan): void {
  core.relayPorts.release(relay.hostIndex, relay.address.port)
  if (plan.reservesNext) core.relayPorts.release(relay.hostIndex, relay.address.port + 1)
}

function releaseReservedPort(core: TurnCore, allocation: Allocation): void {
  for (const relay of allocation.relays()) core.relayPorts.release(relay.hostIndex, relay.address.port + 1)
}

/** Releases the port of a claimed reservation that became no relay, unless it is another's by now: its maker may have died. */
function releaseReservation(core: TurnCore, { hostIndex, port }: Reservation): void {
  if (core.relayPorts.claimReserved(hostIndex, port)) core.relayPorts.release(hostIndex, port)
}

function closeRelay(core: TurnCore, relay: Relay): void {
  closeSocket(core, relay)
  forgetRelay(core, relay)
}

function openSocket(core: TurnCore, relay: Relay): void {
  if (relay.isTcp) core.connections?.output.openTcpRelay(relay.id, relay.address)
  else core.output.openRelay(relay.id, relay.address)
}

function closeSocket(core: TurnCore, relay: Relay): void {
  if (relay.isTcp) core.connections?.output.closeTcpRelay(relay.id)
  else core.output.closeRelay(relay.id)
  core.relayPorts.release(relay.hostIndex, relay.address.port)
}

function forgetRelay(core: TurnCore, relay: Relay): void {
  core.relays.remove(relay)
  core.expiry.remove(relay)
  relay.state = RELAY_CLOSED
  if (relay.allocation.relay4 === relay) relay.allocation.relay4 = null
  else if (relay.allocation.relay6 === relay) relay.allocation.relay6 = null
}

/** Out of the table, and its place in the quota given back. `plan` is set while it is opening. */
function forgetAllocation(core: TurnCore, allocation: Allocation, plan: AllocatePlan | null): void {
  allocation.isDeleted = true
  core.openings.delete(allocation)
  core.allocations.remove(allocation)
  if (allocation.mobile !== null) core.mobility?.end(allocation.mobile)
  core.bandwidthLimits.close(allocation.account, allocation.bandwidth)
  giveQuota(core, allocation, plan)
}

function giveQuota(core: TurnCore, allocation: Allocation, plan: AllocatePlan | null): void {
  core.quotas.give(allocation.account)
  if (plan?.reservesNext === true) core.quotas.give(allocation.account)
}
