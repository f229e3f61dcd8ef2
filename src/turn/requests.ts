// Every request on its way to the file of its method: is there such a method, is the request authentic, is all of it understood,
// is the allocation there, and whose is it (RFC 8489 §6.3.1, §9.2.4; RFC 8656 §5).
import { LOOKUP_NEEDED } from '../auth/authenticator.js'
import { INTEGRITY_NONE, usedIntegrity } from '../auth/used-integrity.js'
import type { RefusalReason } from '../log/refusals.js'
import {
  ATTRIBUTE_ACCESS_TOKEN,
  ATTRIBUTE_DONT_FRAGMENT,
  ATTRIBUTE_USERNAME,
  ERROR_ALLOCATION_MISMATCH,
  ERROR_SERVER_ERROR,
  ERROR_STALE_NONCE,
  ERROR_UNKNOWN_ATTRIBUTE,
  ERROR_WRONG_CREDENTIALS,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
  METHOD_CONNECT,
  METHOD_CONNECTION_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
} from '../stun/constants.js'
import { handleAllocate } from './allocate.js'
import { handleBinding } from './binding.js'
import { handleChannelBind } from './channel-bind.js'
import { handleConnect } from './connect.js'
import { handleConnectionBind } from './connection-bind.js'
import type { TurnCore } from './core.js'
import { handleCreatePermission } from './create-permission.js'
import { PARK_DUPLICATE, PARK_FULL } from './credential-lookups.js'
import { findDiscoveryPlace } from './discovery-pairs.js'
import { DROP_DUPLICATE_REQUEST, DROP_NESTED_CLIENT, DROP_NONE, DROP_UNKNOWN_METHOD } from './drop-reasons.js'
import { handleMove, noteRequest, ticketHolder, ticketIndexOf } from './move.js'
import { handleDiscoveryBinding } from './nat-discovery.js'
import { ownerOfTakenNonce } from './nonce-owner.js'
import { isOwner, mayRefresh } from './ownership.js'
import { redirectStranger } from './redirect.js'
import { handleRefresh } from './refresh.js'
import type { Request } from './request.js'
import { respondChallenge, respondError, respondIntegrityFailure } from './respond.js'
import { isUnderstood } from './understood-attributes.js'

/** No DROP_ reason. */
const AUTHENTIC = -1

/**
 * `request` has just begun. Returns 0 or the DROP_ reason.
 * @param deadlineAt how long it may wait for an outside store, in ticks
 * @param lookupCount how often one has been asked for it; 0: it has come just now
 */
export function handleRequest(core: TurnCore, request: Request, deadlineAt: number, lookupCount: number): number {
  const { method } = request.message
  if (!isRequestMethod(method)) return DROP_UNKNOWN_METHOD
  const { client } = request.exchange
  request.allocation = core.allocations.find(client)
  if (request.allocation === null && core.mobility !== null) {
    request.way = core.mobility.findWay(client)
    request.allocation = request.way?.mobile.allocation ?? null
  }
  if (request.allocation !== null && lookupCount === 0) request.allocation.requestsReceived++
  // A client behind a relay of ours could multiply its own traffic: it does not exist.
  if (request.allocation === null && core.policy.isLiveRelay(client.client)) {
    core.observer.refused('nested-client', 0, method, '', client.client, null)
    return DROP_NESTED_CLIENT
  }
  if (method === METHOD_BINDING) return handleBindingRequest(core, request, deadlineAt, lookupCount)
  const drop = authenticate(core, request, deadlineAt, lookupCount)
  if (drop !== AUTHENTIC) return drop
  if (refuseUnknownRequired(core, request)) return DROP_NONE
  const ticketIndex = ticketIndexOf(core, request, request.exchange.username)
  if (ticketIndex >= 0) return handleMove(core, request, ticketIndex)
  if (request.allocation !== null && isOwner(request.allocation, request.exchange)) noteRequest(core, request)
  if (method === METHOD_ALLOCATE) return handleAllocate(core, request)
  if (method !== METHOD_CONNECTION_BIND) return handleAllocationRequest(core, request)
  handleConnectionBind(core, request)
  return DROP_NONE
}

/** Nobody has said anything of its user in time. */
export function handleLateRequest(core: TurnCore, request: Request, deadlineAt: number, lookupCount: number): number {
  const { exchange, message } = request
  exchange.username = message.readText(message.find(ATTRIBUTE_USERNAME))
  // Several stores that are silent, or a main thread that is: whom this thread knows goes on.
  const isKnown = core.authenticator.outside?.noteSilence(exchange.username, core.monotonicSeconds()) === true
  if (isKnown) return handleRequest(core, request, deadlineAt, lookupCount)
  return respondServerError(core, request, 'store-unavailable')
}

function handleBindingRequest(core: TurnCore, request: Request, deadlineAt: number, lookupCount: number): number {
  if (core.rules.traits.challengesBinding) {
    const drop = authenticate(core, request, deadlineAt, lookupCount)
    if (drop !== AUTHENTIC) return drop
  } else {
    const drop = core.answerGate.dropOfAnswer(request.exchange.client, false, core.monotonicTicks())
    if (drop !== DROP_NONE) return drop
  }
  const place = findDiscoveryPlace(core.rules.discoveryPairs, core.serverAddresses, request.exchange.client)
  if (place !== null) return handleDiscoveryBinding(core, request, place)
  if (!refuseUnknownRequired(core, request)) handleBinding(core, request)
  return DROP_NONE
}

/** RFC 8489 §9.2.4. Returns AUTHENTIC; otherwise the request has been answered or waits (0), or is to be neither (a DROP_ reason). */
function authenticate(core: TurnCore, request: Request, deadlineAt: number, lookupCount: number): number {
  const { exchange, message } = request
  const { authenticator } = core
  const allocationUsername = request.allocation?.username ?? ticketHolder(core, request)
  const { client } = exchange.client
  const now = core.monotonicSeconds()
  // Not asked for: whoever sends it knows of no password, and would be refused without knowing why (RFC 7635 §7).
  if (usedIntegrity(message) !== INTEGRITY_NONE && !authenticator.tokens.isOn && message.has(ATTRIBUTE_ACCESS_TOKEN)) {
    const drop = core.answerGate.dropOfAnswer(exchange.client, false, core.monotonicTicks())
    if (drop === DROP_NONE) refuseUnknownRequired(core, request)
    return drop
  }
  const sessions = request.allocation?.sessions
  let code = authenticator.authenticate(message, client, now, allocationUsername, lookupCount, sessions)
  if (code === ERROR_STALE_NONCE) {
    const owner = ownerOfTakenNonce(core, request)
    if (owner !== null)
      code = authenticator.authenticate(message, owner, now, allocationUsername, lookupCount, sessions)
  }
  exchange.username = authenticator.username
  exchange.overdueSeconds = authenticator.overdueSeconds
  if (code === 0) {
    exchange.account = authenticator.account
    exchange.key = authenticator.key
    exchange.integrity = authenticator.integrity
    exchange.session = authenticator.session
    if (authenticator.isLookupDue) core.lookups?.ask(exchange.username, client, true)
    return AUTHENTIC
  }
  if (code === LOOKUP_NEEDED) return park(core, request, deadlineAt, lookupCount)
  if (code === ERROR_SERVER_ERROR) return respondServerError(core, request, 'store-unavailable')
  // Whoever has the right key is told of a stale nonce in any case: with that answer calls go on, and a flood that others send in
  // this client's name uses up every limit of its address.
  if (authenticator.key === null) {
    const drop = core.answerGate.dropOfAnswer(exchange.client, authenticator.reason !== null, core.monotonicTicks())
    if (drop !== DROP_NONE) return drop
  }
  const { reason } = authenticator
  if (reason === null) {
    if (!redirectStranger(core, request)) respondChallenge(core, exchange)
  } else if (core.rules.traits.namesIntegrityFailure && authenticator.hasRefusedKey(code, message, client, now)) {
    respondIntegrityFailure(core, request, reason)
  } else {
    respondError(core, exchange, code, reason)
  }
  return DROP_NONE
}

/**
 * Waits for what an outside store says of its user. Names that somebody tries who has failed too often are not asked about; a key that was right
 * when they were asked for last is no try, whatever others have sent from there.
 */
function park(core: TurnCore, request: Request, deadlineAt: number, lookupCount: number): number {
  const { exchange, message } = request
  const { key, mayBeRemembered } = core.authenticator
  const drop = key === null ? core.answerGate.dropOfLookup(exchange.client, core.monotonicTicks()) : DROP_NONE
  if (drop !== DROP_NONE) return drop
  const bytes = message.bytes.subarray(message.start, message.end)
  const result = core.lookups?.park(
    ...([exchange.client, bytes, exchange.username, mayBeRemembered, deadlineAt, lookupCount] as const),
  )
  if (result === PARK_FULL) return respondServerError(core, request, 'store-busy')
  return result === PARK_DUPLICATE ? DROP_DUPLICATE_REQUEST : DROP_NONE
}

/** 500: clients try again later (RFC 8489 §14.8). It says nothing of a user, and is no failure of the client's. */
function respondServerError(core: TurnCore, { exchange }: Request, reason: RefusalReason): number {
  const drop = core.answerGate.dropOfAnswer(exchange.client, false, core.monotonicTicks())
  if (drop === DROP_NONE) respondError(core, exchange, ERROR_SERVER_ERROR, reason)
  return drop
}

/** RFC 8489 §6.3.1: 420 with every attribute that is required and unknown. */
function refuseUnknownRequired(core: TurnCore, { exchange, message }: Request): boolean {
  const hasTokenInVain = !core.authenticator.tokens.isOn && message.has(ATTRIBUTE_ACCESS_TOKEN)
  if (!core.hasUnknownRequired(message) && !hasTokenInVain) return false
  const unknown = message.unknownRequired(
    (type) =>
      isUnderstood(type) &&
      (type !== ATTRIBUTE_DONT_FRAGMENT || core.supportsDontFragment) &&
      (type !== ATTRIBUTE_ACCESS_TOKEN || !hasTokenInVain),
  )
  respondError(core, exchange, ERROR_UNKNOWN_ATTRIBUTE, 'unknown-attribute', null, unknown)
  return true
}

/** Requests about an allocation: it must exist and be of the same user (RFC 8656 §5). Returns 0 or the DROP_ reason. */
function handleAllocationRequest(core: TurnCore, request: Request): number {
  const { allocation, exchange, message } = request
  if (allocation === null || allocation.isOpening) {
    respondError(core, exchange, ERROR_ALLOCATION_MISMATCH, 'no-allocation')
  } else if (!(message.method === METHOD_REFRESH ? mayRefresh : isOwner)(allocation, exchange)) {
    respondError(core, exchange, ERROR_WRONG_CREDENTIALS, 'wrong-credentials')
  } else if (message.method === METHOD_REFRESH) {
    handleRefresh(core, request, allocation)
  } else if (message.method === METHOD_CREATE_PERMISSION) {
    handleCreatePermission(core, request, allocation)
  } else if (message.method === METHOD_CHANNEL_BIND) {
    handleChannelBind(core, request, allocation)
  } else {
    return handleConnect(core, request, allocation)
  }
  return DROP_NONE
}

function isRequestMethod(method: number): boolean {
  return (
    method === METHOD_BINDING ||
    method === METHOD_ALLOCATE ||
    method === METHOD_REFRESH ||
    method === METHOD_CREATE_PERMISSION ||
    method === METHOD_CHANNEL_BIND ||
    method === METHOD_CONNECT ||
    method === METHOD_CONNECTION_BIND
  )
}
