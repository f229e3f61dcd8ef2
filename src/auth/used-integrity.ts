// Which integrity a request is made with, and whether a key made it (RFC 8489 §9.2.4).
import { isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../stun/integrity.js'
import type { MessageView } from '../stun/message.js'
import { TOKEN_KEY_COUNT, type TokenSession, type TokenSessions } from './token-session.js'

export const INTEGRITY_NONE = 0
export const INTEGRITY_SHA1 = 1
export const INTEGRITY_SHA256 = 2
export type Integrity = typeof INTEGRITY_NONE | typeof INTEGRITY_SHA1 | typeof INTEGRITY_SHA256

/** With both attributes the stronger one counts. */
export function usedIntegrity(message: MessageView): Integrity {
  if (message.messageIntegritySha256Start >= 0) return INTEGRITY_SHA256
  return message.messageIntegrityStart >= 0 ? INTEGRITY_SHA1 : INTEGRITY_NONE
}

export function isIntegrityValid(message: MessageView, integrity: Integrity, key: Uint8Array): boolean {
  return integrity === INTEGRITY_SHA256
    ? isMessageIntegritySha256Valid(message, key)
    : isMessageIntegrityValid(message, key)
}

/**
 * The session whose key the message was made with, and that key.
 * @param dummyKey tried where there is none, as often as a session has keys: it costs the same
 */
export function verifiedSession(
  message: MessageView,
  integrity: Integrity,
  sessions: TokenSessions,
  dummyKey: Uint8Array,
): { readonly session: TokenSession; readonly key: Uint8Array } | null {
  for (const session of sessions) {
    for (const key of session.keys) if (isIntegrityValid(message, integrity, key)) return { session, key }
  }
  if (sessions.length === 0) {
    for (let count = 0; count < TOKEN_KEY_COUNT; count++) isIntegrityValid(message, integrity, dummyKey)
  }
  return null
}
