// Allocate (RFC 8656 §7.2; RFC 6062 §5.1 for TCP relays), step by step in the RFC's order. What passes goes to lifecycle.ts, which opens the sockets.
import {
  ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY,
  ATTRIBUTE_DONT_FRAGMENT,
  ATTRIBUTE_EVEN_PORT,
  ATTRIBUTE_MOBILITY_TICKET,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_RESERVATION_TOKEN,
  ERROR_ADDRESS_FAMILY_NOT_SUPPORTED,
  ERROR_ALLOCATION_MISMATCH,
  ERROR_ALLOCATION_QUOTA_REACHED,
  ERROR_BAD_REQUEST,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_UNKNOWN_ATTRIBUTE,
  ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL,
  TRANSPORT_PROTOCOL_TCP,
  TRANSPORT_PROTOCOL_UDP,
} from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'
import { FAMILY_ABSENT, FAMILY_MALFORMED, FAMILY_UNKNOWN, readFamily } from './address-family.js'
import type { Allocation } from './allocation.js'
import type { TurnCore } from './core.js'
import { DROP_DUPLICATE_REQUEST, DROP_NONE } from './drop-reasons.js'
import { isOverTcp } from './five-tuple.js'
import { openAllocation, respondAllocated } from './lifecycle.js'
import { grantedLifetimeSeconds, requestedLifetimeSeconds } from './lifetime.js'
import { claimerOf, isOwner, lifetimeOf } from './ownership.js'
import { redirectByLoad, respondNoRoom } from './redirect.js'
import type { Exchange, Request } from './request.js'
import { RESERVATION_TOKEN_LENGTH, type Reservation } from './reservations.js'
import { respondError } from './respond.js'

const EVEN_PORT_ABSENT = 0
const EVEN_PORT = 1
const EVEN_PORT_AND_NEXT = 2
const EVEN_PORT_MALFORMED = -1

/** What a TCP relay cannot have (RFC 6062 §5.1); two relays at once, which are younger than that RFC, neither. */
const NOT_WITH_TCP: readonly number[] = [
  ATTRIBUTE_EVEN_PORT,
  ATTRIBUTE_DONT_FRAGMENT,
  ATTRIBUTE_RESERVATION_TOKEN,
  ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY,
]

/** The attributes of the request as values; the FAMILY_ and EVEN_PORT constants, or what they say. */
interface Wish {
  /** TCP relays (RFC 6062). */
  readonly isTcp: boolean
  readonly requestedFamily: number
  readonly additionalFamily: number
  readonly evenPort: number
  readonly token: Uint8Array | null
  readonly lifetimeSeconds: number
  /** A ticket is asked for, and may be given (RFC 8016 §3.1.2). */
  readonly isMobile: boolean
}

/** Returns 0, or the drop reason of a request that is being answered already. */
export function handleAllocate(core: TurnCore, request: Request): number {
  const { exchange, message } = request
  // Step 2: the 5-tuple is in use. The same transaction again is a retransmission and gets the same answer.
  const existing = request.allocation
  if (existing !== null) return answerExisting(core, exchange, existing)
  if (!isTransportAccepted(core, request)) return DROP_NONE
  if (message.has(ATTRIBUTE_DONT_FRAGMENT) && !core.supportsDontFragment) {
    respondError(core, exchange, ERROR_UNKNOWN_ATTRIBUTE, 'unknown-attribute', null, [ATTRIBUTE_DONT_FRAGMENT])
    return DROP_NONE
  }
  const wish = readWish(core, message)
  if (wish === null) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
  } else if (isConsistent(core, exchange, wish)) {
    allocate(core, request, wish)
  }
  return DROP_NONE
}

function answerExisting(core: TurnCore, exchange: Exchange, existing: Allocation): number {
  const isSame =
    isOwner(existing, exchange) && existing.isOfTransaction(exchange.transactionIdBytes, exchange.transactionIdStart)
  if (!isSame) {
    respondError(core, exchange, ERROR_ALLOCATION_MISMATCH, 'allocation-exists')
    return DROP_NONE
  }
  // Its sockets are being opened: the answer is on its way.
  if (existing.isOpening) return DROP_DUPLICATE_REQUEST
  respondAllocated(core, exchange, existing)
  return DROP_NONE
}

/** Step 3: REQUESTED-TRANSPORT. TCP relays are for clients over TCP or TLS (RFC 6062 §5.1). */
function isTransportAccepted(core: TurnCore, { exchange, message }: Request): boolean {
  const index = message.find(ATTRIBUTE_REQUESTED_TRANSPORT)
  if (index < 0) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'missing-attribute')
    return false
  }
  if (message.attributeLengths[index] !== 4) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
    return false
  }
  const protocol = message.readUint8(index)
  if (protocol === TRANSPORT_PROTOCOL_UDP) return true
  if (protocol !== TRANSPORT_PROTOCOL_TCP) {
    respondError(core, exchange, ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL, 'unsupported-transport')
  } else if (!isOverTcp(exchange.client)) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'unsupported-transport')
  } else if (core.connections === null || !core.rules.allowsTcpRelays) {
    respondError(core, exchange, ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL, 'unsupported-transport')
  } else if (NOT_WITH_TCP.some((type) => message.has(type))) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'bad-request')
  } else {
    return true
  }
  return false
}

/** Null if an attribute is malformed. */
function readWish(core: TurnCore, message: MessageView): Wish | null {
  const requestedFamily = readFamily(message, ATTRIBUTE_REQUESTED_ADDRESS_FAMILY)
  const additionalFamily = readFamily(message, ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY)
  const evenPort = readEvenPort(message)
  const requestedSeconds = requestedLifetimeSeconds(message)
  const tokenIndex = message.find(ATTRIBUTE_RESERVATION_TOKEN)
  const token = tokenIndex < 0 ? null : message.readBytes(tokenIndex)
  // Where there are no tickets it is an attribute like any other that is not understood.
  const ticketIndex = core.mobility !== null && core.rules.allowsMobility ? message.find(ATTRIBUTE_MOBILITY_TICKET) : -1
  // The value is UDP or TCP by now.
  const isTcp = message.readUint8(message.find(ATTRIBUTE_REQUESTED_TRANSPORT)) === TRANSPORT_PROTOCOL_TCP
  const isMalformed =
    (ticketIndex >= 0 && message.attributeLengths[ticketIndex] !== 0) ||
    requestedFamily === FAMILY_MALFORMED ||
    additionalFamily === FAMILY_MALFORMED ||
    evenPort === EVEN_PORT_MALFORMED ||
    requestedSeconds < 0 ||
    (token !== null && token.length !== RESERVATION_TOKEN_LENGTH)
  if (isMalformed) return null
  return {
    isTcp,
    requestedFamily,
    additionalFamily,
    evenPort,
    token,
    lifetimeSeconds: grantedLifetimeSeconds(requestedSeconds),
    // Connections of peers are bound to the control connection: with TCP relays a client stays where it is.
    isMobile: ticketIndex >= 0 && !isTcp,
  }
}

function readEvenPort(message: MessageView): number {
  const index = message.find(ATTRIBUTE_EVEN_PORT)
  if (index < 0) return EVEN_PORT_ABSENT
  if (message.attributeLengths[index] !== 1) return EVEN_PORT_MALFORMED
  return (message.readUint8(index) & 0x80) !== 0 ? EVEN_PORT_AND_NEXT : EVEN_PORT
}

/** Steps 5 to 9: combinations that exclude each other, and families that there are not. */
function isConsistent(core: TurnCore, exchange: Exchange, wish: Wish): boolean {
  const { requestedFamily, additionalFamily, evenPort, token } = wish
  const isExclusive =
    (token !== null &&
      (evenPort !== EVEN_PORT_ABSENT || requestedFamily !== FAMILY_ABSENT || additionalFamily !== FAMILY_ABSENT)) ||
    (requestedFamily !== FAMILY_ABSENT && additionalFamily !== FAMILY_ABSENT)
  if (isExclusive) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'bad-request')
    return false
  }
  if (requestedFamily === FAMILY_UNKNOWN || additionalFamily === FAMILY_UNKNOWN || !hasHostFor(core, wish)) {
    respondError(core, exchange, ERROR_ADDRESS_FAMILY_NOT_SUPPORTED, 'unsupported-address-family')
    return false
  }
  if (additionalFamily === 4 || (additionalFamily !== FAMILY_ABSENT && evenPort === EVEN_PORT_AND_NEXT)) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'bad-request')
    return false
  }
  return true
}

/** A dual allocation may get one family only (ADDRESS-ERROR-CODE), and a token brings its own address. */
function hasHostFor(core: TurnCore, wish: Wish): boolean {
  if (wish.additionalFamily !== FAMILY_ABSENT || wish.token !== null) return true
  return core.relayHostIndexesOf(wish.requestedFamily === 6 ? 6 : 4).length > 0
}

/** Steps 10 to 13: drain, other servers, token, quota, ports. */
function allocate(core: TurnCore, request: Request, wish: Wish): void {
  const { exchange } = request
  const { account, session } = exchange
  const reservesNext = wish.evenPort === EVEN_PORT_AND_NEXT
  let reservation: Reservation | null = null
  if (core.isDraining) {
    respondNoRoom(core, exchange, 'draining', wish.token !== null)
    return
  }
  if (wish.token === null && redirectByLoad(core, exchange)) return
  if (wish.token !== null) {
    reservation = core.reservations.claim(wish.token, account, core.monotonicTicks(), claimerOf(session, account))
    if (reservation === null) {
      respondError(core, exchange, ERROR_INSUFFICIENT_CAPACITY, 'reservation-invalid')
      return
    }
  } else {
    const refusal = core.quotas.take(account, reservesNext ? 2 : 1, core.monotonicTicks())
    if (refusal === 'user-quota') respondError(core, exchange, ERROR_ALLOCATION_QUOTA_REACHED, refusal)
    else if (refusal !== null) respondNoRoom(core, exchange, refusal, false)
    if (refusal !== null) return
  }
  openAllocation(core, request, {
    families: familiesOf(core, wish, reservation),
    isTcp: wish.isTcp,
    isEven: wish.evenPort !== EVEN_PORT_ABSENT,
    reservesNext,
    reservation,
    lifetimeSeconds: lifetimeOf(core, exchange, wish.lifetimeSeconds),
    isMobile: wish.isMobile,
  })
}

function familiesOf(core: TurnCore, wish: Wish, reservation: Reservation | null): (4 | 6)[] {
  if (reservation !== null) return [core.relayHosts[reservation.hostIndex].address.family as 4 | 6]
  if (wish.additionalFamily === 6) return [4, 6]
  return [wish.requestedFamily === 6 ? 6 : 4]
}
