// The long-term credential mechanism (RFC 8489 §9.2.4), called by the core for every request that must be authenticated.
// The steps below follow the RFC's order. Whoever the request names, it costs the same work and, when refused, the same bytes:
// an unknown user is checked against a random key, and against as many keys as any name can have.

import { randomBytes } from 'node:crypto'
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import { NONCE_LIFETIME_SECONDS } from '../limits/turn.js'
import type { RefusalReason } from '../log/refusals.js'
import type { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_THIRD_PARTY_AUTHORIZATION,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  ERROR_BAD_REQUEST,
  ERROR_SERVER_ERROR,
  ERROR_STALE_NONCE,
  ERROR_UNAUTHENTICATED,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
  SECURITY_FEATURE_PASSWORD_ALGORITHMS,
  SECURITY_FEATURE_USERNAME_ANONYMITY,
} from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'
import type { MessageWriter } from '../stun/writer.js'
import { AccessTokens } from './access-tokens.js'
import { CredentialStores } from './credential-stores.js'
import type { Credential, CredentialStore } from './credentials.js'
import { opaquePart } from './credentials.js'
import { NonceMint, nonceFeatureBits } from './nonce.js'
import { OUTSIDE_ASK, OUTSIDE_DOWN, OUTSIDE_KNOWN_BUT_OLD, type OutsideCredentials } from './outside-credentials.js'
import { chosenAlgorithm, OFFERED_ALGORITHMS } from './password-algorithms.js'
import { NO_SESSIONS, type TokenSession, type TokenSessions } from './token-session.js'
import { INTEGRITY_NONE, type Integrity, isIntegrityValid, usedIntegrity, verifiedSession } from './used-integrity.js'

/** In place of an error code: an outside store must be asked for the user first. */
export const LOOKUP_NEEDED = -1

const USERHASH_LENGTH = 32

export interface AuthenticatorOptions {
  readonly realm: string
  readonly stores: readonly CredentialStore[]
  readonly nonceSecret: Uint8Array
  readonly nonceLifetimeSeconds?: number
  /** Asked last; absent without outside stores. */
  readonly outside?: OutsideCredentials | null
  /** Third-party authorization; absent: there is none. */
  readonly tokens?: AccessTokens
}

export class Authenticator {
  // The outcome of the last authenticate().
  /** Why it was refused; null when it was not, and for the first challenge of a client, which is no refusal. */
  reason: RefusalReason | null = null
  /** The user; on a refusal as claimed (the hex digits of a USERHASH that nobody has), '' if none was. */
  username = ''
  /** Whose quotas it counts for; set together with `key`. */
  account = ''
  /** The key for the answer's integrity, once the request's own was right (0 and 438; with LOOKUP_NEEDED by what was said some time ago). */
  key: Uint8Array | null = null
  /** The variant that the client used, for its answers; set together with `key`. */
  integrity: Integrity = INTEGRITY_NONE
  /** The token that verified it, itself or by an allocation's memory; null for users. Set together with `key`. */
  session: TokenSession | null = null
  /** Of a token or its key: see AccessTokens. */
  overdueSeconds = 0
  /** With LOOKUP_NEEDED: what is remembered of the user elsewhere will do, if it is fresh. */
  mayBeRemembered = false
  /** It was authentic, by what was said some time ago: the store is to be asked behind. */
  isLookupDue = false
  /** What outside stores have said; null without any. */
  outside: OutsideCredentials | null

  readonly tokens: AccessTokens

  #stores: CredentialStores
  readonly #mint: NonceMint
  readonly #realm: Buffer
  /** Stands in for the key of users that do not exist; random, so that nobody can have it. */
  readonly #dummyKey = randomBytes(32)

  /** Throws a RangeError if the realm is no OpaqueString. */
  constructor(options: AuthenticatorOptions) {
    const realm = opaquePart('the realm', options.realm)
    this.#stores = new CredentialStores(options.stores)
    this.outside = options.outside ?? null
    this.tokens = options.tokens ?? new AccessTokens(realm, realm, () => 0)
    this.#realm = Buffer.from(realm)
    this.#mint = new NonceMint(options.nonceSecret, realm, 0, options.nonceLifetimeSeconds ?? NONCE_LIFETIME_SECONDS)
  }

  /** Who may log in from now on: allocations that exist notice at their next request. */
  setStores(stores: readonly CredentialStore[]): void {
    this.#stores = new CredentialStores(stores)
  }

  /**
   * 0 if the request is authentic, else the error code of the answer: 400, 401, 438 or 500, of which 401 and 438 go with writeChallenge; or
   * LOOKUP_NEEDED: the same request is to be handed in again when the outside stores have been asked for `username`.
   * @param allocationUsername whose allocation the 5-tuple has, or null: that name's credential does not expire under it
   * @param lookupCount how often the stores have been asked for it
   * @param sessions tokens of that allocation, whose keys requests without a token are made with (RFC 7635 §9)
   */
  authenticate(
    message: MessageView,
    client: TransportAddress,
    monotonicSeconds: number,
    allocationUsername: string | null = null,
    lookupCount = 0,
    sessions: TokenSessions = NO_SESSIONS,
  ): number {
    this.reason = null
    this.username = ''
    this.account = ''
    this.key = null
    this.integrity = INTEGRITY_NONE
    this.session = null
    this.overdueSeconds = 0
    this.isLookupDue = false
    const integrity = usedIntegrity(message)
    if (integrity === INTEGRITY_NONE) return ERROR_UNAUTHENTICATED

    const claimResult = this.#readClaim(message)
    if (claimResult !== 0) return claimResult
    const nonce = message.readBytes(message.find(ATTRIBUTE_NONCE))
    const algorithm = chosenAlgorithm(message)
    const algorithmResult = this.#checkAlgorithm(algorithm, nonce)
    if (algorithmResult !== 0) return algorithmResult

    const claimed = this.username
    const ofToken = this.tokens.sessionsOf(message, claimed, sessions, monotonicSeconds)
    if (ofToken !== null) return this.#authenticateSession(message, integrity, client, monotonicSeconds, ofToken)
    const lookup = message.has(ATTRIBUTE_USERNAME)
      ? this.#stores.find(claimed, claimed === allocationUsername)
      : (this.#stores.findByUserhash(claimed) ?? 'unknown-user')
    if (typeof lookup !== 'string') this.username = lookup.username
    const outside = lookup === 'unknown-user' && message.has(ATTRIBUTE_USERNAME) ? this.outside : null
    const outsideUser = outside?.find(claimed) ?? null
    // Who is disabled is checked against the random key as well: no client may find out that there is such a user.
    const inside = typeof lookup === 'string' || lookup.isDisabled === true ? null : lookup
    const credential = inside ?? outsideUser?.credential ?? null
    const isRealmRight = this.#realm.equals(message.readBytes(message.find(ATTRIBUTE_REALM)))
    const refusedAs = credential?.refusedAs ?? null
    const verified = this.#verify(message, integrity, algorithm, credential, isRealmRight && refusedAs === null)
    if (outside !== null && isRealmRight) {
      const isRight = verified !== null
      const judgement = outside.judge(claimed, isRight, claimed === allocationUsername, monotonicSeconds, lookupCount)
      if (judgement === OUTSIDE_ASK || judgement === OUTSIDE_DOWN) {
        if (verified !== null) this.key = keyOf(verified, algorithm)
        // Nobody is asked for the sake of an address that may be forged.
        if (!this.#mint.check(nonce, client, monotonicSeconds)) return this.#refuse(ERROR_STALE_NONCE, 'stale-nonce')
        if (judgement === OUTSIDE_DOWN) return this.#refuse(ERROR_SERVER_ERROR, 'store-unavailable')
        this.mayBeRemembered = lookupCount === 0 && (isRight || outsideUser === null)
        return LOOKUP_NEEDED
      }
      this.isLookupDue = judgement === OUTSIDE_KNOWN_BUT_OLD
    }
    if (verified === null || !isRealmRight || refusedAs !== null) {
      this.#stores.noteRefused(claimed)
      if (!isRealmRight) return this.#refuse(ERROR_UNAUTHENTICATED, 'wrong-realm')
      if (typeof lookup === 'string') return this.#refuse(ERROR_UNAUTHENTICATED, outsideUser?.reason ?? lookup)
      if (refusedAs !== null) return this.#refuse(ERROR_UNAUTHENTICATED, refusedAs)
      return this.#refuse(ERROR_UNAUTHENTICATED, lookup.isDisabled === true ? 'disabled-user' : 'bad-password')
    }
    this.#stores.noteVerified(verified)
    this.account = verified.account ?? verified.username
    this.key = keyOf(verified, algorithm)
    this.integrity = integrity
    if (!this.#mint.check(nonce, client, monotonicSeconds)) return this.#refuse(ERROR_STALE_NONCE, 'stale-nonce')
    return 0
  }

  /**
   * Were credentials refused (401) in the realm, with a nonce that this client has from here? All but the key was right then, or the name:
   * which of them, nobody can tell, since neither is asked here.
   */
  hasRefusedKey(code: number, message: MessageView, client: TransportAddress, monotonicSeconds: number): boolean {
    if (code !== ERROR_UNAUTHENTICATED || this.reason === null || this.reason === 'wrong-realm') return false
    return this.#mint.check(message.readBytes(message.find(ATTRIBUTE_NONCE)), client, monotonicSeconds)
  }

  /** RFC 7635 §7: the key is one of these sessions', which is no user's. No store is asked, and whatever is wrong costs the same. */
  #authenticateSession(
    message: MessageView,
    integrity: Integrity,
    client: TransportAddress,
    now: number,
    sessions: TokenSessions,
  ): number {
    const { overdueSeconds, refusedAs } = this.tokens
    const verified = verifiedSession(message, integrity, sessions, this.#dummyKey)
    if (verified !== null) this.username = verified.session.kid
    if (!this.#realm.equals(message.readBytes(message.find(ATTRIBUTE_REALM)))) {
      return this.#refuse(ERROR_UNAUTHENTICATED, 'wrong-realm')
    }
    // What is wrong with a token counts where its key is right, or there is none.
    const reason = verified === null && sessions.length > 0 ? 'bad-token' : refusedAs
    if (verified === null || reason !== null) {
      if (reason === refusedAs) this.overdueSeconds = overdueSeconds
      return this.#refuse(ERROR_UNAUTHENTICATED, reason ?? 'bad-token')
    }
    this.account = verified.session.account
    this.key = verified.key
    this.integrity = integrity
    this.session = verified.session
    const nonce = message.readBytes(message.find(ATTRIBUTE_NONCE))
    return this.#mint.check(nonce, client, now) ? 0 : this.#refuse(ERROR_STALE_NONCE, 'stale-nonce')
  }

  /** REALM, NONCE and, when offered, PASSWORD-ALGORITHMS and THIRD-PARTY-AUTHORIZATION: the rest of a 401 or 438 after its ERROR-CODE. */
  writeChallenge(writer: MessageWriter, client: TransportAddress, monotonicSeconds: number): void {
    const offersSha256 = this.#updateFeatures()
    writer.writeBytes(ATTRIBUTE_REALM, this.#realm)
    writer.writeText(ATTRIBUTE_NONCE, this.#mint.mint(client, monotonicSeconds))
    if (offersSha256) writer.writePasswordAlgorithms(OFFERED_ALGORITHMS)
    if (this.tokens.isOn) writer.writeBytes(ATTRIBUTE_THIRD_PARTY_AUTHORIZATION, this.tokens.serverName)
  }

  #refuse(code: number, reason: RefusalReason): number {
    this.reason = reason
    return code
  }

  /** Reads who the request says it is from. 400 if that, the realm or the nonce is missing or impossible. */
  #readClaim(message: MessageView): number {
    const usernameIndex = message.find(ATTRIBUTE_USERNAME)
    const userhashIndex = message.find(ATTRIBUTE_USERHASH)
    if (usernameIndex >= 0) {
      if (message.attributeLengths[usernameIndex] > USERNAME_LENGTH_MAX) {
        return this.#refuse(ERROR_BAD_REQUEST, 'malformed-attribute')
      }
      this.username = message.readText(usernameIndex)
    } else if (userhashIndex >= 0) {
      if (message.attributeLengths[userhashIndex] !== USERHASH_LENGTH) {
        return this.#refuse(ERROR_BAD_REQUEST, 'malformed-attribute')
      }
      this.username = Buffer.from(message.readBytes(userhashIndex)).toString('hex')
    }
    const isNamed = usernameIndex >= 0 || userhashIndex >= 0
    if (isNamed && message.has(ATTRIBUTE_REALM) && message.has(ATTRIBUTE_NONCE)) return 0
    return this.#refuse(ERROR_BAD_REQUEST, 'missing-attribute')
  }

  /** 400 if the offer was tampered with (algorithm is -1), 438 if it has changed since, else 0. Asks nothing about the user. */
  #checkAlgorithm(algorithm: number, nonce: Uint8Array): number {
    const offersSha256 = this.#updateFeatures()
    if (algorithm === PASSWORD_ALGORITHM_MD5) return 0
    if (algorithm === PASSWORD_ALGORITHM_SHA256 && offersSha256) return 0
    // SHA-256 that was offered before a reload brought in users without that key: the client needs today's offer.
    const wasOffered = (nonceFeatureBits(nonce) & SECURITY_FEATURE_PASSWORD_ALGORITHMS) !== 0
    if (algorithm === PASSWORD_ALGORITHM_SHA256 && wasOffered) return this.#refuse(ERROR_STALE_NONCE, 'stale-nonce')
    return this.#refuse(ERROR_BAD_REQUEST, 'bid-down')
  }

  /** Sets the nonces' feature bits to what every store can verify at this moment. Returns whether SHA-256 keys are offered. */
  #updateFeatures(): boolean {
    // Outside stores keep MD5 keys, by name.
    const offersSha256 = this.outside === null && this.#stores.verifiesSha256
    this.#mint.featureBits =
      (offersSha256 ? SECURITY_FEATURE_PASSWORD_ALGORITHMS : 0) |
      (this.outside === null && this.#stores.verifiesUserhash ? SECURITY_FEATURE_USERNAME_ANONYMITY : 0)
    return offersSha256
  }

  /**
   * The credential, or its alternative, whose key the message was made with. Who is refused costs the same number of MACs, whoever it is;
   * who is let in is no secret, and costs no more than it takes.
   */
  #verify(
    message: MessageView,
    integrity: Integrity,
    algorithm: number,
    credential: Credential | null,
    mayBeLetIn: boolean,
  ): Credential | null {
    let verified: Credential | null = null
    for (let index = 0; index < this.#stores.keyCountMax; index++) {
      const candidate = index === 0 ? credential : (credential?.alternatives?.[index - 1] ?? null)
      const key = candidate === null ? null : keyOf(candidate, algorithm)
      const testedKey = key ?? this.#dummyKey
      if (!isIntegrityValid(message, integrity, testedKey) || key === null) continue
      if (mayBeLetIn) return candidate
      verified ??= candidate
    }
    return verified
  }
}

function keyOf(credential: Credential, algorithm: number): Uint8Array | null {
  return algorithm === PASSWORD_ALGORITHM_SHA256 ? credential.sha256Key : credential.md5Key
}
