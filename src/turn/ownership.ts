// Whose an allocation is (RFC 8656 §5): the user's who made it; or, made with an access token (RFC 7635), whoever's who has the mac key of
// that token, or of one that has refreshed it since. A token names nobody, so a user and a token never own the same.
import { type TokenSession, withSession } from '../auth/token-session.js'
import type { Allocation } from './allocation.js'
import type { TurnCore } from './core.js'
import type { Exchange } from './request.js'

/** The exchange is authentic. */
export function isOwner(allocation: Allocation, { session, username }: Exchange): boolean {
  const { sessions } = allocation
  if (session === null) return sessions.length === 0 && allocation.username === username
  return sessions.some((each) => each.isSame(session))
}

/**
 * A Refresh may bring a new token: that is how an allocation outlives the first one (RFC 7635 §9). Nothing in a token says whose it is; that
 * this is the client's own is what its 5-tuple and the nonce made for it say.
 */
export function mayRefresh(allocation: Allocation, exchange: Exchange): boolean {
  return isOwner(allocation, exchange) || (exchange.session !== null && allocation.sessions.length > 0)
}

/** Who may bind its TCP connections (RFC 6062), as a text: no user's name has a line feed. */
export function ownerName(session: TokenSession | null, username: string): string {
  return session === null ? username : `\n${session.account}`
}

/**
 * Who may claim a reserved port, as a text. With a token it is whoever has one: a client may get a new one in between, and has to know the
 * eight random bytes of the reservation.
 */
export function claimerOf(session: TokenSession | null, account: string): string {
  return session === null ? account : '\n'
}

/** The requests that follow are made with this token's key, if there is one. */
export function takeSession(allocation: Allocation, session: TokenSession | null): void {
  if (session !== null) allocation.sessions = withSession(allocation.sessions, session)
}

/** In seconds, at least 1: what is granted, but not beyond the end of the token (RFC 7635 §9). */
export function lifetimeOf(core: TurnCore, { session }: Exchange, grantedSeconds: number): number {
  if (session === null) return grantedSeconds
  const left = Math.floor(session.expiresAtSeconds - core.monotonicSeconds())
  return Math.max(1, Math.min(grantedSeconds, left))
}
