// REQUESTED- and ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §18.6, §18.11).
import { ADDRESS_FAMILY_IPV4, ADDRESS_FAMILY_IPV6 } from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'

export const FAMILY_ABSENT = 0
export const FAMILY_UNKNOWN = -1
export const FAMILY_MALFORMED = -2

/** The family that this attribute names: 4, 6, or one of the FAMILY_ results. */
export function readFamily(message: MessageView, type: number): number {
  const index = message.find(type)
  if (index < 0) return FAMILY_ABSENT
  if (message.attributeLengths[index] !== 4) return FAMILY_MALFORMED
  const code = message.readUint8(index)
  if (code === ADDRESS_FAMILY_IPV4) return 4
  return code === ADDRESS_FAMILY_IPV6 ? 6 : FAMILY_UNKNOWN
}
