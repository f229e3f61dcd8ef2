// Takes messages apart, however broken they are, so that their attributes can go behind credentials: hostile, and signed.
import * as stun from '../../src/stun/constants.js'

export type Attribute = readonly [type: number, value: Uint8Array]

/** Room for the credentials after the hostile attributes. */
const ATTRIBUTES_LENGTH_MAX = 6000

/** The attributes of a message however broken, as far as they go. Integrity ones are left out: the client's own come last. */
export function attributesOf(message: Uint8Array): Attribute[] {
  const attributes: Attribute[] = []
  const end = Math.min(message.length, ATTRIBUTES_LENGTH_MAX)
  for (let at = stun.HEADER_LENGTH; at + 4 <= end; ) {
    const type = (message[at] << 8) | message[at + 1]
    const length = Math.min((message[at + 2] << 8) | message[at + 3], end - at - 4)
    const isIntegrity =
      type === stun.ATTRIBUTE_MESSAGE_INTEGRITY ||
      type === stun.ATTRIBUTE_MESSAGE_INTEGRITY_SHA256 ||
      type === stun.ATTRIBUTE_FINGERPRINT
    if (!isIntegrity) attributes.push([type, message.slice(at + 4, at + 4 + length)])
    at += 4 + ((length + 3) & ~3)
  }
  return attributes
}

/** The method of a request as its header says, -1 for anything else. */
export function requestMethod(message: Uint8Array): number {
  if (message.length < stun.HEADER_LENGTH || message[0] >> 6 !== 0) return -1
  const type = (message[0] << 8) | message[1]
  if ((type & 0x0110) !== 0) return -1
  return ((type & 0x3e00) >> 2) | ((type & 0x00e0) >> 1) | (type & 0x000f)
}
