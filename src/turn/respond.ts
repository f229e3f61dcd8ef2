// Writes and sends the answers of the core. Every error answer goes through `respondError`, so that every refusal is told to
// the observer with its reason, and no answer forgets integrity or fingerprint.

import { INTEGRITY_SHA1, INTEGRITY_SHA256 } from '../auth/used-integrity.js'
import { ANSWER_LENGTH_MAX } from '../limits/messages.js'
import type { RefusalReason } from '../log/refusals.js'
import type { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_ALTERNATE_DOMAIN,
  ATTRIBUTE_ALTERNATE_SERVER,
  ATTRIBUTE_HEADER_LENGTH,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  CLASS_ERROR,
  CLASS_SUCCESS,
  ERROR_INTEGRITY_CHECK_FAILURE,
  ERROR_STALE_NONCE,
  ERROR_TRY_ALTERNATE,
  ERROR_UNAUTHENTICATED,
  ERROR_UNKNOWN_ATTRIBUTE,
} from '../stun/constants.js'
import { MESSAGE_INTEGRITY_LENGTH, MESSAGE_INTEGRITY_SHA256_LENGTH } from '../stun/integrity.js'
import { reasonPhrase } from '../stun/reason-phrases.js'
import { MessageWriter } from '../stun/writer.js'
import type { AlternatePlace } from './alternates.js'
import type { TurnCore } from './core.js'
import type { FiveTuple } from './five-tuple.js'
import type { Exchange, Request } from './request.js'

/** The core's one buffer for answers: engines copy what they queue. */
export class Responder {
  readonly writer = new MessageWriter()
  messageClass = CLASS_SUCCESS
  readonly #bytes = new Uint8Array(ANSWER_LENGTH_MAX)

  begin(exchange: Exchange, messageClass: number): MessageWriter {
    this.messageClass = messageClass
    return this.writer.begin(
      this.#bytes,
      0,
      messageClass,
      exchange.method,
      exchange.transactionIdBytes,
      exchange.transactionIdStart,
    )
  }

  /** The same for an answer to a request of RFC 3489. */
  beginLegacy(exchange: Exchange, messageClass: number): MessageWriter {
    this.messageClass = messageClass
    return this.writer.beginLegacy(
      this.#bytes,
      0,
      messageClass,
      exchange.method,
      exchange.transactionIdBytes,
      exchange.transactionIdStart,
    )
  }

  /**
   * Adds what the client is told of its transmissions, integrity of its variant, and FINGERPRINT if it sent one. Returns the end. How many
   * answers it was sent is not remembered, so that it is told 0 of them (RFC 7982 §3.3).
   */
  finish(exchange: Exchange): number {
    const writer = this.writer
    const { transmitCount } = exchange
    if (transmitCount >= 0) writer.writeUint32(ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER, transmitCount << 8)
    if (exchange.key !== null) {
      if (exchange.integrity === INTEGRITY_SHA256) writer.writeMessageIntegritySha256(exchange.key)
      else if (exchange.integrity === INTEGRITY_SHA1) writer.writeMessageIntegrity(exchange.key)
    }
    if (exchange.hasFingerprint) writer.writeFingerprint()
    return writer.finish()
  }

  /** Bytes that finish() will add. */
  restLength({ hasFingerprint, integrity, key, transmitCount }: Exchange): number {
    const integrityLength = integrity === INTEGRITY_SHA256 ? MESSAGE_INTEGRITY_SHA256_LENGTH : MESSAGE_INTEGRITY_LENGTH
    return (
      (transmitCount >= 0 ? ATTRIBUTE_HEADER_LENGTH + 4 : 0) +
      (key === null ? 0 : ATTRIBUTE_HEADER_LENGTH + integrityLength) +
      (hasFingerprint ? ATTRIBUTE_HEADER_LENGTH + 4 : 0)
    )
  }
}

/** Starts a success answer: add its attributes, then call sendAnswer. */
export function beginSuccess(core: TurnCore, exchange: Exchange): MessageWriter {
  return core.responder.begin(exchange, CLASS_SUCCESS)
}

/** @param to where it goes, and the listener that it leaves from, if that is not from where and to where the request was */
export function sendAnswer(core: TurnCore, exchange: Exchange, to: FiveTuple = exchange.client): void {
  const end = core.responder.finish(exchange)
  const allocation = core.allocations.find(exchange.client)
  if (allocation !== null) {
    if (core.responder.messageClass === CLASS_ERROR) allocation.errorResponsesSent++
    else allocation.successResponsesSent++
  }
  core.output.sendToClient(to, core.responder.writer.bytes, 0, end)
}

/** The first answer of the long-term credential mechanism: no refusal, only a challenge (RFC 8489 §9.2.4). */
export function respondChallenge(core: TurnCore, exchange: Exchange): void {
  writeError(core, exchange, ERROR_UNAUTHENTICATED, [])
  sendAnswer(core, exchange)
}

/** Refuses a request: tells the observer why, and the client the code. `unknown` lists the attributes of a 420. */
export function respondError(
  core: TurnCore,
  exchange: Exchange,
  code: number,
  reason: RefusalReason,
  peer: TransportAddress | null = null,
  unknown: readonly number[] = [],
): void {
  const { client, method, overdueSeconds, username } = exchange
  core.observer.refused(reason, code, method, username, client.client, peer, overdueSeconds)
  writeError(core, exchange, code, unknown)
  sendAnswer(core, exchange)
}

/**
 * 431 with what the request said of itself: the answer to wrong credentials of some profiles. Whoever gets it has proved with the nonce that
 * the address is theirs, and it is hardly longer than the request: words do no harm.
 */
export function respondIntegrityFailure(core: TurnCore, { exchange, message }: Request, reason: RefusalReason): void {
  const code = ERROR_INTEGRITY_CHECK_FAILURE
  core.observer.refused(reason, code, exchange.method, exchange.username, exchange.client.client, null)
  const writer = core.responder.begin(exchange, CLASS_ERROR)
  writer.writeErrorCode(code, reasonPhrase(code))
  // Of the request's own bytes, never the name that a USERHASH was found to be: who has which hash is a secret.
  const name = message.has(ATTRIBUTE_USERNAME) ? ATTRIBUTE_USERNAME : ATTRIBUTE_USERHASH
  for (const type of [name, ATTRIBUTE_REALM, ATTRIBUTE_NONCE]) {
    writer.writeBytes(type, message.readBytes(message.find(type)))
  }
  sendAnswer(core, exchange)
}

/** Sends a client to another server (RFC 8489 §10). */
export function respondTryAlternate(
  core: TurnCore,
  exchange: Exchange,
  reason: RefusalReason,
  { addresses, domain }: AlternatePlace,
): void {
  const code = ERROR_TRY_ALTERNATE
  core.observer.refused(reason, code, exchange.method, exchange.username, exchange.client.client, addresses[0])
  writeError(core, exchange, code, [])
  const { writer } = core.responder
  for (const address of addresses) writer.writeAddress(ATTRIBUTE_ALTERNATE_SERVER, address)
  if (domain !== '') writer.writeText(ATTRIBUTE_ALTERNATE_DOMAIN, domain)
  sendAnswer(core, exchange)
}

function writeError(core: TurnCore, exchange: Exchange, code: number, unknown: readonly number[]): void {
  const writer = core.responder.begin(exchange, CLASS_ERROR)
  // No reason phrase for strangers: an answer to a spoofed request stays small.
  writer.writeErrorCode(code, exchange.key === null ? '' : reasonPhrase(code))
  if (code === ERROR_UNAUTHENTICATED || code === ERROR_STALE_NONCE) {
    core.authenticator.writeChallenge(writer, exchange.client.client, core.monotonicSeconds())
  }
  if (code === ERROR_UNKNOWN_ATTRIBUTE) writer.writeUnknownAttributes(unknown)
}
