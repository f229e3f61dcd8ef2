// Whom an access token speaks for (RFC 7635): nobody by name, whoever has its mac key. Requests without a token, which all are but Allocate
// and Refresh (§9), are verified with the sessions of their allocation.
import { hash } from 'node:crypto'
import { TOKEN_OF_ALLOCATION_COUNT_MAX } from '../limits/oauth.js'

/** coturn, client and server, keys HMAC-SHA1 with as much of the mac key as an MD5 password has, and drops the rest. */
const COTURN_KEY_BYTES = 16
const FINGERPRINT_HEX_LENGTH = 16

/** Keys that a session's requests may be made with. */
export const TOKEN_KEY_COUNT = 2

export class TokenSession {
  /** What the client sends as its user name. */
  readonly kid: string
  /** The value of USERHASH for it, 64 hex digits. */
  readonly userhash: string
  readonly macKey: Uint8Array
  /** The whole key, as the RFC has it, and as coturn has it: 128 random bits are enough for anybody. */
  readonly keys: readonly [Uint8Array, Uint8Array]
  /** Seconds of CLOCK_MONOTONIC. */
  readonly expiresAtSeconds: number

  constructor(kid: string, userhash: string, macKey: Uint8Array, expiresAtSeconds: number) {
    this.kid = kid
    this.userhash = userhash
    this.macKey = macKey
    this.keys = [macKey, macKey.subarray(0, COTURN_KEY_BYTES)]
    this.expiresAtSeconds = expiresAtSeconds
  }

  /** Whose quotas it counts for: whoever has this mac key. It is no secret: of the key it gives nothing away. */
  get account(): string {
    return `${this.kid}#${hash('sha256', this.macKey, 'hex').slice(0, FINGERPRINT_HEX_LENGTH)}`
  }

  /** @param claimed a user name, or a userhash */
  isOf(claimed: string): boolean {
    return this.kid === claimed || this.userhash === claimed
  }

  isSame(other: TokenSession): boolean {
    return this.kid === other.kid && Buffer.compare(this.macKey, other.macKey) === 0
  }
}

export type TokenSessions = readonly TokenSession[]

export const NO_SESSIONS: TokenSessions = []

/** The newest first. What the client has sent with the former key may still be on its way. */
export function withSession(sessions: TokenSessions, session: TokenSession): TokenSessions {
  return [session, ...sessions.filter((each) => !each.isSame(session))].slice(0, TOKEN_OF_ALLOCATION_COUNT_MAX)
}
