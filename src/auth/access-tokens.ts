// What a server makes of ACCESS-TOKEN (RFC 7635 §7): the key that the user name says, the token that it opens, and whether that holds now.
// Keys and the server name change while it serves. An unknown key costs what a token costs that does not open: a random key is tried.
import { randomBytes } from 'node:crypto'
import { TOKEN_DELTA_SECONDS } from '../limits/oauth.js'
import type { RefusalReason } from '../log/refusals.js'
import { ATTRIBUTE_ACCESS_TOKEN } from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'
import { opaquePart, userhash } from './credentials.js'
import { type AccessToken, type OAuthKey, openToken } from './oauth-token.js'
import { NO_SESSIONS, TokenSession, type TokenSessions } from './token-session.js'

interface NamedKey extends OAuthKey {
  /** 64 hex digits. */
  readonly userhash: string
}

export class AccessTokens {
  // The outcome of the last sessionsOf().
  /** Why it is refused even if it verifies the request. */
  refusedAs: RefusalReason | null = null
  /** With expired-token and expired-oauth-key: by how many seconds; below 0, how long it takes to begin. */
  overdueSeconds = 0

  readonly #realm: string
  readonly #wallSeconds: () => number
  readonly #dummyKey = randomBytes(32)
  #serverName: Buffer
  /** By id, and by the userhash of it. */
  #keys: ReadonlyMap<string, NamedKey> = new Map()

  /** Throws a RangeError for a realm that is no OpaqueString. */
  constructor(realm: string, serverName: string, wallSeconds: () => number) {
    this.#realm = opaquePart('the realm', realm)
    this.#serverName = Buffer.from(serverName)
    this.#wallSeconds = wallSeconds
  }

  /** Are there keys? If not, ACCESS-TOKEN is an attribute that this server does not know (§7). */
  get isOn(): boolean {
    return this.#keys.size > 0
  }

  /** The value of THIRD-PARTY-AUTHORIZATION, and what tokens are bound to. */
  get serverName(): Uint8Array {
    return this.#serverName
  }

  setServerName(serverName: string): void {
    this.#serverName = Buffer.from(serverName)
  }

  /** From now on these. Allocations that were made with a token of another one live as long as that token. */
  setKeys(keys: readonly OAuthKey[]): void {
    const named = keys.map((key) => ({ ...key, userhash: userhash(key.kid, this.#realm) }))
    this.#keys = new Map(named.flatMap((key) => [[key.userhash, key] as const, [key.kid, key] as const]))
  }

  /**
   * The sessions whose keys a request may be made with: that of its token, or without one those of its allocation; none if the token is no
   * good. Null: it is a user's.
   * @param claimed the key's id, or its userhash
   * @param held of the allocation
   */
  sessionsOf(message: MessageView, claimed: string, held: TokenSessions, now: number): TokenSessions | null {
    this.refusedAs = null
    this.overdueSeconds = 0
    const index = this.isOn ? message.find(ATTRIBUTE_ACCESS_TOKEN) : -1
    if (index >= 0) return this.#open(message.readBytes(index), claimed, now)
    const ofKid = held.filter((session) => session.isOf(claimed) && session.expiresAtSeconds > now)
    return ofKid.length > 0 ? ofKid : null
  }

  #open(token: Uint8Array, claimed: string, monotonicSeconds: number): TokenSessions {
    const key = this.#keys.get(claimed)
    const opened = openToken(token, key?.key ?? this.#dummyKey, this.#serverName)
    this.refusedAs = key === undefined ? 'unknown-oauth-key' : 'bad-token'
    if (key === undefined || opened === null) return NO_SESSIONS
    const now = this.#wallSeconds()
    this.refusedAs = this.#refusalOf(key, opened, now)
    // As the RFC counts it (§9): never longer than the token itself, however far its clock is ahead.
    const left = opened.timestampSeconds + opened.lifetimeSeconds + TOKEN_DELTA_SECONDS - now
    const expiresAt = monotonicSeconds + Math.min(left, opened.lifetimeSeconds)
    return [new TokenSession(key.kid, key.userhash, opened.macKey, expiresAt)]
  }

  #refusalOf(key: OAuthKey, { lifetimeSeconds, timestampSeconds }: AccessToken, now: number): RefusalReason | null {
    const { lifetimeSeconds: keySeconds, notBeforeSeconds } = key
    const keyOverdue = keySeconds === 0 ? Number.NEGATIVE_INFINITY : now - notBeforeSeconds - keySeconds
    if (notBeforeSeconds > now + TOKEN_DELTA_SECONDS || keyOverdue >= TOKEN_DELTA_SECONDS) {
      this.overdueSeconds = notBeforeSeconds > now ? now - notBeforeSeconds : keyOverdue
      return 'expired-oauth-key'
    }
    if (Math.abs(now - timestampSeconds) < lifetimeSeconds + TOKEN_DELTA_SECONDS) return null
    this.overdueSeconds = timestampSeconds > now ? now - timestampSeconds : now - timestampSeconds - lifetimeSeconds
    return 'expired-token'
  }
}
