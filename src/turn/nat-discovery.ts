// NAT behaviour discovery (RFC 5780): Binding answers that tell more than the client's address, and that leave from where the client wants them to,
// or go to another port of its IP address. Never longer than a client's own padding made its request; docs/security.md says what else bounds them.
import { ANSWER_LENGTH_MAX } from '../limits/messages.js'
import { RESPONSE_PORT_ANSWER_COST } from '../limits/turn.js'
import {
  ATTRIBUTE_CHANGE_REQUEST,
  ATTRIBUTE_HEADER_LENGTH,
  ATTRIBUTE_MAPPED_ADDRESS,
  ATTRIBUTE_OTHER_ADDRESS,
  ATTRIBUTE_PADDING,
  ATTRIBUTE_RESPONSE_ORIGIN,
  ATTRIBUTE_RESPONSE_PORT,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  CHANGE_REQUEST_IP,
  CHANGE_REQUEST_PORT,
  ERROR_BAD_REQUEST,
  ERROR_FORBIDDEN,
  ERROR_UNKNOWN_ATTRIBUTE,
} from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'
import type { TurnCore } from './core.js'
import { advertisedAddressAt, changedPlace, type DiscoveryPlace, localAddressAt } from './discovery-pairs.js'
import { DROP_NONE } from './drop-reasons.js'
import { FiveTuple, TRANSPORT_UDP } from './five-tuple.js'
import type { Exchange, Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'
import { isUnderstood } from './understood-attributes.js'

/** RESPONSE-PORT may name ports from here on: below it are services that answer, and hardly any NAT has bindings there (RFC 4787 §4.2.2). */
const RESPONSE_PORT_FIRST = 1024

/** What the client asks for beside its address; over TCP nothing of it, since a server opens no connections (RFC 5780 §3). */
interface DiscoveryWish {
  readonly origin: DiscoveryPlace
  /** 0: the port that it has asked from. */
  readonly responsePort: number
  readonly wantsPadding: boolean
}

/** A Binding request at one of the addresses of discovery. Returns 0 or the DROP_ reason. */
export function handleDiscoveryBinding(core: TurnCore, request: Request, place: DiscoveryPlace): number {
  const { exchange, message } = request
  const { client } = exchange
  const unknown = message.unknownRequired((type) => isUnderstood(type) || isOfDiscovery(type, client))
  if (unknown.length > 0) {
    respondError(core, exchange, ERROR_UNKNOWN_ATTRIBUTE, 'unknown-attribute', null, unknown)
    return DROP_NONE
  }
  const wish = client.transport === TRANSPORT_UDP ? readWish(core, request, place) : { origin: place, ...PLAIN }
  if (wish === null) return DROP_NONE
  if (wish.responsePort > 0 && exchange.key === null) {
    const drop = dropOfResponsePort(core, client)
    if (drop !== DROP_NONE) return drop
  }
  const to = destination.copyFrom(client)
  if (wish.responsePort > 0) to.client.port = wish.responsePort
  if (wish.origin !== place) to.listenerId = findListener(core, wish.origin)
  if (to.listenerId < 0) {
    // It is not open now: RFC 5780 §6.1 has this answer for a server without it.
    respondError(core, exchange, ERROR_UNKNOWN_ATTRIBUTE, 'unknown-attribute', null, [ATTRIBUTE_CHANGE_REQUEST])
  } else {
    answer(core, request, place, wish, to)
  }
  return DROP_NONE
}

/** Filled anew for each answer. */
const destination = new FiveTuple()

/** What CHANGE-REQUEST asks for; null if it has not its length. */
export function readOrigin(message: MessageView, place: DiscoveryPlace): DiscoveryPlace | null {
  const index = message.find(ATTRIBUTE_CHANGE_REQUEST)
  if (index < 0) return place
  if (message.attributeLengths[index] !== 4) return null
  const flags = message.readUint32(index) & (CHANGE_REQUEST_IP | CHANGE_REQUEST_PORT)
  if (flags === 0) return place
  return changedPlace(place, (flags & CHANGE_REQUEST_IP) !== 0, (flags & CHANGE_REQUEST_PORT) !== 0)
}

/** The listener with the socket of this place, or -1. */
export function findListener(core: TurnCore, place: DiscoveryPlace): number {
  return core.serverAddresses?.findListener(localAddressAt(place)) ?? -1
}

const PLAIN = { responsePort: 0, wantsPadding: false } as const

function isOfDiscovery(type: number, { transport }: FiveTuple): boolean {
  if (transport !== TRANSPORT_UDP) return false
  return type === ATTRIBUTE_CHANGE_REQUEST || type === ATTRIBUTE_RESPONSE_PORT || type === ATTRIBUTE_PADDING
}

/** Null: the request has been refused. */
function readWish(core: TurnCore, { exchange, message }: Request, place: DiscoveryPlace): DiscoveryWish | null {
  const wantsPadding = message.has(ATTRIBUTE_PADDING)
  const responsePortIndex = message.find(ATTRIBUTE_RESPONSE_PORT)
  // RFC 5780 §10: much that one has asked for would go to another.
  if (wantsPadding && responsePortIndex >= 0) return refuse(core, exchange, ERROR_BAD_REQUEST, 'bad-request')
  const origin = readOrigin(message, place)
  const responsePort = responsePortIndex < 0 ? 0 : message.readUint16(responsePortIndex)
  const isMalformed = origin === null || responsePort < 0 || (responsePort === 0 && responsePortIndex >= 0)
  if (isMalformed) return refuse(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
  const isElsewhere = responsePort > 0 && responsePort !== exchange.client.client.port
  if (isElsewhere && responsePort < RESPONSE_PORT_FIRST) return refuse(core, exchange, ERROR_FORBIDDEN, 'response-port')
  return { origin, responsePort: isElsewhere ? responsePort : 0, wantsPadding }
}

function refuse(core: TurnCore, exchange: Exchange, code: number, reason: Parameters<typeof respondError>[3]): null {
  respondError(core, exchange, code, reason)
  return null
}

/** One has been counted already. */
function dropOfResponsePort(core: TurnCore, client: FiveTuple): number {
  const now = core.monotonicTicks()
  for (let count = 1; count < RESPONSE_PORT_ANSWER_COST; count++) {
    const drop = core.answerGate.dropOfAnswer(client, false, now)
    if (drop !== DROP_NONE) return drop
  }
  return DROP_NONE
}

/** RFC 5780 §6.1. */
function answer(
  core: TurnCore,
  { exchange, message }: Request,
  place: DiscoveryPlace,
  wish: DiscoveryWish,
  to: FiveTuple,
): void {
  const { client } = exchange.client
  const writer = beginSuccess(core, exchange)
  writer.writeAddress(ATTRIBUTE_MAPPED_ADDRESS, client).writeXorAddress(ATTRIBUTE_XOR_MAPPED_ADDRESS, client)
  writer.writeAddress(ATTRIBUTE_RESPONSE_ORIGIN, advertisedAddressAt(wish.origin))
  writer.writeAddress(ATTRIBUTE_OTHER_ADDRESS, advertisedAddressAt(changedPlace(place, true, true)))
  if (wish.wantsPadding) {
    // The request's padding was for the way here; the answer's is as long, so that nobody gets more than was sent.
    const lengthMax = Math.min(message.end - message.start, ANSWER_LENGTH_MAX)
    const room = lengthMax - writer.end - ATTRIBUTE_HEADER_LENGTH - core.responder.restLength(exchange)
    writer.writeZeros(ATTRIBUTE_PADDING, Math.max(0, room & ~3))
  }
  sendAnswer(core, exchange, to)
}
