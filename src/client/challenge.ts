// The long-term credential mechanism from a client's side (RFC 8489 §9.2): what a server's 401 or 438 asks for, and how a request answers that.
import { md5Key, sha256Key } from '../auth/credentials.js'
import { nonceFeatureBits } from '../auth/nonce.js'
import { opaqueString } from '../auth/opaque-string.js'
import { CLIENT_ALGORITHMS_LENGTH_MAX, CLIENT_NONCE_LENGTH_MAX, CLIENT_REALM_LENGTH_MAX } from '../limits/clients.js'
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import {
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERNAME,
  CLASS_ERROR,
  ERROR_INTEGRITY_CHECK_FAILURE,
  ERROR_STALE_NONCE,
  ERROR_TRY_ALTERNATE,
  ERROR_UNAUTHENTICATED,
  ERROR_WRONG_CREDENTIALS,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
  SECURITY_FEATURE_PASSWORD_ALGORITHMS,
} from '../stun/constants.js'
import { isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../stun/integrity.js'
import type { MessageView } from '../stun/message.js'
import type { MessageWriter } from '../stun/writer.js'
import type { ClientCredentials } from './client-credentials.js'
import { ClientError } from './client-error.js'
import type { Verdict } from './transactions.js'

/** Errors that a server cannot make with the right key: it does not know whose it would be. */
const UNSIGNED_ERRORS = [
  ERROR_UNAUTHENTICATED,
  ERROR_INTEGRITY_CHECK_FAILURE,
  ERROR_STALE_NONCE,
  ERROR_WRONG_CREDENTIALS,
]

export interface Challenge {
  /** As they came: they go back so. */
  readonly realm: Uint8Array
  readonly nonce: Uint8Array
  readonly realmText: string
  /** PASSWORD_ALGORITHM_ numbers, in the server's order; empty if it offers none (RFC 5389, and most of today's servers). */
  readonly algorithms: readonly number[]
  /** The value of PASSWORD-ALGORITHMS, which goes back as it came: so nobody in between can cut the list down. */
  readonly offer: Uint8Array | null
}

/** The challenge of a 401 or 438; null if it has none. Throws a ClientError `bad-answer` for one that cannot be answered. */
export function readChallenge(answer: MessageView): Challenge | null {
  const realm = answer.find(ATTRIBUTE_REALM)
  const nonce = answer.find(ATTRIBUTE_NONCE)
  if (realm < 0 || nonce < 0) return null
  if (
    answer.attributeLengths[realm] > CLIENT_REALM_LENGTH_MAX ||
    answer.attributeLengths[nonce] > CLIENT_NONCE_LENGTH_MAX
  ) {
    throw new ClientError('bad-answer', 'the server sends a realm or a nonce that is longer than RFC 8489 allows')
  }
  const list = answer.find(ATTRIBUTE_PASSWORD_ALGORITHMS)
  const nonceBytes = answer.readBytes(nonce).slice()
  const isAnnounced = (nonceFeatureBits(nonceBytes) & SECURITY_FEATURE_PASSWORD_ALGORITHMS) !== 0
  if (isAnnounced && list < 0) {
    throw new ClientError('bad-answer', 'somebody has taken the password algorithms out of the server’s answer')
  }
  if (isAnnounced && answer.attributeLengths[list] > CLIENT_ALGORITHMS_LENGTH_MAX) {
    throw new ClientError('bad-answer', 'the server offers more password algorithms than there are')
  }
  const offer = isAnnounced ? answer.readBytes(list).slice() : null
  return {
    realm: answer.readBytes(realm).slice(),
    nonce: nonceBytes,
    realmText: answer.readText(realm),
    algorithms: offer === null ? [] : algorithmsOf(offer),
    offer,
  }
}

/** What a client does with one challenge: it writes credentials under requests, and verifies the answers. */
export class Authentication {
  /** In the clear, also where the server would take a USERHASH: whoever measures wants to be found in its log. */
  readonly #username: Buffer
  readonly #challenge: Challenge
  readonly #key: Uint8Array
  /** The algorithm that is named in requests, 0 for none. */
  readonly #algorithm: number

  /** Throws a ClientError: `bad-credentials`, or `bad-answer` if the server offers no algorithm that is known. */
  constructor(credentials: ClientCredentials, challenge: Challenge) {
    this.#challenge = challenge
    this.#algorithm = chosenAlgorithm(challenge)
    const username = prepared(credentials.username)
    this.#username = Buffer.from(username)
    if (this.#username.length === 0 || this.#username.length > USERNAME_LENGTH_MAX) {
      throw new ClientError('bad-credentials', `a user name has 1 to ${USERNAME_LENGTH_MAX} bytes`)
    }
    const make = this.#algorithm === PASSWORD_ALGORITHM_SHA256 ? sha256Key : md5Key
    this.#key = make(username, prepared(challenge.realmText), prepared(credentials.password))
  }

  /** The last attributes of a request. */
  write(writer: MessageWriter): void {
    const { nonce, offer, realm } = this.#challenge
    writer.writeBytes(ATTRIBUTE_USERNAME, this.#username)
    writer.writeBytes(ATTRIBUTE_REALM, realm)
    writer.writeBytes(ATTRIBUTE_NONCE, nonce)
    if (offer === null) {
      writer.writeMessageIntegrity(this.#key)
      return
    }
    writer.writeBytes(ATTRIBUTE_PASSWORD_ALGORITHMS, offer)
    writer.writeUint32(ATTRIBUTE_PASSWORD_ALGORITHM, this.#algorithm << 16)
    writer.writeMessageIntegritySha256(this.#key)
  }

  /**
   * A success needs integrity of the kind that the request had, and so has a 300, which leads elsewhere (RFC 8489 §14.8). Other errors may have
   * none: some are made without a key, and one that somebody made up does no more harm than a lost answer, which he can see to as well. RFC 8489
   * §9.2.5 throws an unsigned 400 away; then nobody would learn what this server objects to.
   */
  judge(answer: MessageView): Verdict {
    const code = answer.messageClass === CLASS_ERROR ? answer.readErrorCode(answer.find(ATTRIBUTE_ERROR_CODE)) : 0
    if (UNSIGNED_ERRORS.includes(code)) return 'taken'
    const hasNone = answer.messageIntegrityStart < 0 && answer.messageIntegritySha256Start < 0
    if (hasNone && code !== 0 && code !== ERROR_TRY_ALTERNATE) return 'taken'
    const isValid = this.#challenge.offer === null ? isMessageIntegrityValid : isMessageIntegritySha256Valid
    return isValid(answer, this.#key) ? 'taken' : 'forged'
  }
}

/** The first of the server's that is known. */
function chosenAlgorithm({ algorithms, offer }: Challenge): number {
  if (offer === null) return 0
  const known = algorithms.find(
    (algorithm) => algorithm === PASSWORD_ALGORITHM_SHA256 || algorithm === PASSWORD_ALGORITHM_MD5,
  )
  if (known !== undefined) return known
  throw new ClientError('bad-answer', 'the server offers no password algorithm that is known: neither SHA-256 nor MD5')
}

/** Numbers of PASSWORD-ALGORITHMS (RFC 8489 §14.11): each with its parameters, padded to 4 bytes. */
function algorithmsOf(value: Uint8Array): number[] {
  const algorithms: number[] = []
  for (let at = 0; at + 4 <= value.length; ) {
    algorithms.push((value[at] << 8) | value[at + 1])
    at += 4 + ((((value[at + 2] << 8) | value[at + 3]) + 3) & ~3)
  }
  return algorithms
}

/** As RFC 8265 wants it; else as it is, since not every server prepares names and passwords. */
function prepared(text: string): string {
  try {
    return opaqueString(text)
  } catch {
    return text
  }
}
