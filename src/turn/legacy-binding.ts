// Binding of RFC 3489 §8.1, for clients that know nothing newer: its transaction id is 16 bytes, and the answer tells MAPPED-ADDRESS in the clear.
// Over UDP alone, as that RFC has it, and without its shared secrets: nobody is asked for one, and nobody gets one. RESPONSE-ADDRESS, which would
// make a mirror of the server, is refused as unknown.

import type { RefusalReason } from '../log/refusals.js'
import {
  ATTRIBUTE_CHANGE_REQUEST,
  ATTRIBUTE_CHANGED_ADDRESS,
  ATTRIBUTE_MAPPED_ADDRESS,
  ATTRIBUTE_REFLECTED_FROM,
  ATTRIBUTE_RESPONSE_ADDRESS,
  ATTRIBUTE_SOURCE_ADDRESS,
  CLASS_ERROR,
  CLASS_REQUEST,
  CLASS_SUCCESS,
  ERROR_BAD_REQUEST,
  ERROR_STALE_CREDENTIALS,
  ERROR_UNAUTHENTICATED,
  ERROR_UNKNOWN_ATTRIBUTE,
  isComprehensionRequired,
  METHOD_BINDING,
} from '../stun/constants.js'
import { DECODE_OK, decodeLegacyMessage, type MessageView } from '../stun/message.js'
import type { TurnCore } from './core.js'
import { advertisedAddressAt, changedPlace, type DiscoveryPlace, findDiscoveryPlace } from './discovery-pairs.js'
import { DROP_NESTED_CLIENT, DROP_NONE, DROP_NOT_STUN, dropOfDecode } from './drop-reasons.js'
import { FiveTuple, TRANSPORT_UDP } from './five-tuple.js'
import { findListener, readOrigin } from './nat-discovery.js'
import { findRelayHost, withPort } from './relay-host.js'
import type { Request } from './request.js'

/**
 * What came is no message of today's STUN.
 * @param decodeResult what is wrong with it
 * Returns 0 or the DROP_ reason.
 */
export function handleUndecoded(core: TurnCore, request: Request, client: FiveTuple, decodeResult: number): number {
  const drop = dropOfDecode(decodeResult)
  if (!core.rules.answersLegacyBinding || client.transport !== TRANSPORT_UDP || drop !== DROP_NOT_STUN) return drop
  const { message } = request
  const { bytes, end, start } = message
  if (decodeLegacyMessage(message, bytes, start, end) !== DECODE_OK) return DROP_NOT_STUN
  if (message.messageClass !== CLASS_REQUEST || message.method !== METHOD_BINDING) return DROP_NOT_STUN
  request.begin(client)
  // As with every other request: a client behind a relay of ours does not exist.
  if (core.policy.isLiveRelay(client.client)) {
    core.observer.refused('nested-client', 0, METHOD_BINDING, '', client.client, null)
    return DROP_NESTED_CLIENT
  }
  const limitDrop = core.answerGate.dropOfAnswer(client, false, core.monotonicTicks())
  if (limitDrop === DROP_NONE) answer(core, request)
  return limitDrop
}

interface LegacyRefusal {
  readonly code: number
  readonly reason: RefusalReason
  readonly unknown: readonly number[]
}

function answer(core: TurnCore, request: Request): void {
  const { client } = request.exchange
  const place = findDiscoveryPlace(core.rules.discoveryPairs, core.serverAddresses, client)
  const origin = place === null ? null : readOrigin(request.message, place)
  const to = destination.copyFrom(client)
  if (origin !== null && origin !== place) to.listenerId = findListener(core, origin)
  const refusal = refusalOf(core, request.message, place, origin, to.listenerId)
  if (refusal === null) succeed(core, request, place, origin, to)
  else refuse(core, request, refusal)
}

/** @param listenerId of the answer; -1: it is not open now */
function refusalOf(
  { rules }: TurnCore,
  message: MessageView,
  place: DiscoveryPlace | null,
  origin: DiscoveryPlace | null,
  listenerId: number,
): LegacyRefusal | null {
  if (rules.traits.challengesBinding) return { code: ERROR_UNAUTHENTICATED, reason: 'missing-attribute', unknown: [] }
  if (message.messageIntegrityStart >= 0) return { code: ERROR_STALE_CREDENTIALS, reason: 'unknown-user', unknown: [] }
  const unknown = message.unknownRequired((type) => isUnderstoodHere(message, type, place))
  if (listenerId < 0) unknown.push(ATTRIBUTE_CHANGE_REQUEST)
  if (unknown.length > 0) return { code: ERROR_UNKNOWN_ATTRIBUTE, reason: 'unknown-attribute', unknown }
  const isMalformed = place !== null && origin === null
  return isMalformed ? { code: ERROR_BAD_REQUEST, reason: 'malformed-attribute', unknown: [] } : null
}

/** Filled anew for each answer. */
const destination = new FiveTuple()

/** What is known and has no business in a request is ignored (RFC 3489 §11.2); clients send CHANGE-REQUEST that asks for nothing. */
function isUnderstoodHere(message: MessageView, type: number, place: DiscoveryPlace | null): boolean {
  if (type === ATTRIBUTE_CHANGE_REQUEST) return place !== null || message.readUint32(message.find(type)) === 0
  return !isComprehensionRequired(type) || (type <= ATTRIBUTE_REFLECTED_FROM && type !== ATTRIBUTE_RESPONSE_ADDRESS)
}

function succeed(
  core: TurnCore,
  { exchange }: Request,
  place: DiscoveryPlace | null,
  origin: DiscoveryPlace | null,
  to: FiveTuple,
): void {
  const writer = core.responder.beginLegacy(exchange, CLASS_SUCCESS)
  writer.writeAddress(ATTRIBUTE_MAPPED_ADDRESS, exchange.client.client)
  const source = origin === null ? advertisedAddressOf(core, exchange.client) : advertisedAddressAt(origin)
  if (source !== null) writer.writeAddress(ATTRIBUTE_SOURCE_ADDRESS, source)
  if (place !== null)
    writer.writeAddress(ATTRIBUTE_CHANGED_ADDRESS, advertisedAddressAt(changedPlace(place, true, true)))
  core.output.sendToClient(to, writer.bytes, 0, writer.finish())
}

/** Where the client has come to, as it knows it. */
function advertisedAddressOf({ relayHosts, serverAddresses }: TurnCore, client: FiveTuple) {
  const local = serverAddresses?.localAddressOf(client) ?? null
  if (local === null) return null
  const index = findRelayHost(relayHosts, local)
  return index < 0 ? local : withPort(relayHosts[index].advertised, local.port)
}

function refuse(core: TurnCore, { exchange }: Request, { code, reason, unknown }: LegacyRefusal): void {
  core.observer.refused(reason, code, METHOD_BINDING, '', exchange.client.client, null)
  const writer = core.responder.beginLegacy(exchange, CLASS_ERROR)
  writer.writeErrorCode(code)
  // Its length must be a multiple of 4, for which one is named twice (RFC 3489 §11.2.10).
  const isOdd = unknown.length % 2 === 1
  if (unknown.length > 0) writer.writeUnknownAttributes(isOdd ? [...unknown, unknown[0]] : unknown)
  core.output.sendToClient(exchange.client, writer.bytes, 0, writer.finish())
}
