// What the server has to answer to a request, computed from the wire model: RFC 8656's order of checks, written a second time.
import * as stun from '../../src/stun/constants.js'
import { TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import { familyOf, hostOf, withPort } from './address-text.js'
import type { SentRequest } from './sent-request.js'
import type { AllocationModel, WireModel } from './wire-model.js'

/** Sockets are asked for, and the answer follows; or nothing is said, as the answer is on its way. */
export type ExpectedAnswer = 'open' | 'silence' | number

const NONCE_LIFETIME_SECONDS = 600
const MONOTONIC_START_SECONDS = 1_000

export function monotonicSeconds(model: WireModel): number {
  return MONOTONIC_START_SECONDS + Math.floor(model.now / TICKS_PER_SECOND)
}

/** An error code, 0 for success, or how else the request is taken. */
export function expectedAnswer(model: WireModel, request: SentRequest): ExpectedAnswer {
  if (request.method === stun.METHOD_BINDING) return 0
  const authentication = expectedAuthentication(model, request)
  if (authentication !== 0) return authentication
  if (request.method === stun.METHOD_ALLOCATE) return expectedAllocate(model, request)
  const allocation = model.allocations.get(request.key)
  if (allocation === undefined) return stun.ERROR_ALLOCATION_MISMATCH
  if (allocation.request.username !== request.username) return stun.ERROR_WRONG_CREDENTIALS
  if (request.method === stun.METHOD_REFRESH) {
    const hasFamily = request.family === 0 || model.relayOfFamily(allocation, request.family) !== null
    return hasFamily ? 0 : stun.ERROR_PEER_ADDRESS_FAMILY_MISMATCH
  }
  if (request.method === stun.METHOD_CREATE_PERMISSION) return expectedPermission(model, allocation, request)
  return expectedChannelBind(model, allocation, request)
}

function expectedAuthentication(model: WireModel, request: SentRequest): number {
  if (!request.hasCredential || !request.isUser) return stun.ERROR_UNAUTHENTICATED
  const nonce = model.nonces.get(request.nonce)
  const isOwn = nonce !== undefined && request.key.startsWith(`${nonce.address} `)
  const isFresh = isOwn && monotonicSeconds(model) - nonce.seconds <= NONCE_LIFETIME_SECONDS
  return isFresh ? 0 : stun.ERROR_STALE_NONCE
}

function expectedAllocate(model: WireModel, request: SentRequest): ExpectedAnswer {
  const existing = model.allocations.get(request.key)
  if (existing !== undefined) return existing.request.id === request.id ? 0 : stun.ERROR_ALLOCATION_MISMATCH
  const opening = model.openings.get(request.key)
  if (opening !== undefined) return opening.request.id === request.id ? 'silence' : stun.ERROR_ALLOCATION_MISMATCH
  const { family, isDual, evenPort, token } = request
  const hasIPv6 = model.scenario.hosts.some((host) => host.family === 6)
  if (family === 6 && !hasIPv6) return stun.ERROR_ADDRESS_FAMILY_NOT_SUPPORTED
  if (isDual && evenPort === 'and-next') return stun.ERROR_BAD_REQUEST
  if (model.isDraining) return stun.ERROR_INSUFFICIENT_CAPACITY
  if (token !== '') return expectedClaim(model, request)
  const count = evenPort === 'and-next' ? 2 : 1
  const { userQuota, maxAllocations } = model.scenario
  if (userQuota > 0 && model.heldCount(request.username) + count > userQuota) {
    return stun.ERROR_ALLOCATION_QUOTA_REACHED
  }
  if (model.heldCount(null) + count > maxAllocations) return stun.ERROR_INSUFFICIENT_CAPACITY
  const families = isDual ? [4, 6] : [family === 6 ? 6 : 4]
  return hasFreePort(model, families, evenPort) ? 'open' : stun.ERROR_INSUFFICIENT_CAPACITY
}

function expectedClaim(model: WireModel, request: SentRequest): ExpectedAnswer {
  const reservation = model.reservations.get(request.token)
  const isMine = reservation?.username === request.username && reservation.expiresAt > model.now
  return isMine ? 'open' : stun.ERROR_INSUFFICIENT_CAPACITY
}

function hasFreePort(model: WireModel, families: readonly number[], evenPort: SentRequest['evenPort']): boolean {
  const held = model.heldPorts()
  const { hosts, minPort, maxPort } = model.scenario
  for (const { bound, family } of hosts) {
    if (!families.includes(family)) continue
    for (let port = minPort; port <= maxPort; port++) {
      const isFit = evenPort === 'no' || port % 2 === 0
      if (!isFit || held.has(withPort(bound, port))) continue
      if (evenPort !== 'and-next' || (port < maxPort && !held.has(withPort(bound, port + 1)))) return true
    }
  }
  return false
}

function expectedPermission(model: WireModel, allocation: AllocationModel, request: SentRequest): number {
  const hosts = model.permissionHosts(allocation)
  for (const peer of request.peers) {
    if (model.relayOfFamily(allocation, familyOf(peer)) === null) return stun.ERROR_PEER_ADDRESS_FAMILY_MISMATCH
    if (!model.isHostAllowed(allocation, hostOf(peer))) return stun.ERROR_FORBIDDEN
    hosts.add(hostOf(peer))
  }
  return hosts.size <= model.scenario.permissionCountMax ? 0 : stun.ERROR_INSUFFICIENT_CAPACITY
}

function expectedChannelBind(model: WireModel, allocation: AllocationModel, request: SentRequest): number {
  const { channelNumber } = request
  const [peer] = request.peers
  if (channelNumber < stun.CHANNEL_NUMBER_MIN || channelNumber > stun.CHANNEL_NUMBER_MAX) return stun.ERROR_BAD_REQUEST
  const existing = model.channelOf(allocation, channelNumber)
  const boundNumber = model.channelNumberOf(allocation, peer)
  if (existing === null ? boundNumber !== 0 : existing.peer !== peer) return stun.ERROR_BAD_REQUEST
  if (model.relayOfFamily(allocation, familyOf(peer)) === null) return stun.ERROR_PEER_ADDRESS_FAMILY_MISMATCH
  if (!model.isPeerAllowed(allocation, peer)) return stun.ERROR_FORBIDDEN
  const { channelCountMax, permissionCountMax } = model.scenario
  if (existing === null && model.liveChannelCount(allocation) >= channelCountMax) {
    return stun.ERROR_INSUFFICIENT_CAPACITY
  }
  const hosts = model.permissionHosts(allocation).add(hostOf(peer))
  return hosts.size <= permissionCountMax ? 0 : stun.ERROR_INSUFFICIENT_CAPACITY
}
