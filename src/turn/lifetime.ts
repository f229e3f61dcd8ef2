// The lifetime of an allocation (RFC 8656 §7.2 step "time-to-expiry", §8.2): what the client asked for, kept within bounds.
import { LIFETIME_SECONDS_DEFAULT, LIFETIME_SECONDS_MAX } from '../limits/turn.js'
import { ATTRIBUTE_LIFETIME } from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'

/** What LIFETIME asks for, or the default without one, in seconds; -1 if the attribute is malformed. */
export function requestedLifetimeSeconds(message: MessageView): number {
  const index = message.find(ATTRIBUTE_LIFETIME)
  if (index < 0) return LIFETIME_SECONDS_DEFAULT
  return message.attributeLengths[index] === 4 ? message.readUint32(index) : -1
}

/** The default for anything below it, the maximum for anything above. */
export function grantedLifetimeSeconds(requestedSeconds: number): number {
  return Math.min(Math.max(requestedSeconds, LIFETIME_SECONDS_DEFAULT), LIFETIME_SECONDS_MAX)
}
