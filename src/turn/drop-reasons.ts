// Why a packet, or a peer's connection, went nowhere. Every silent drop of the core has one of these numbers, and a counter of that index.
import type { DropReason } from '../log/drops.js'
import {
  DECODE_AFTER_FINGERPRINT,
  DECODE_BAD_ATTRIBUTE,
  DECODE_BAD_INTEGRITY_LENGTH,
  DECODE_BAD_LENGTH,
  DECODE_NOT_STUN,
  DECODE_TOO_MANY_ATTRIBUTES,
  DECODE_TOO_SHORT,
} from '../stun/message.js'

export const DROP_NONE = 0
export const DROP_NOT_STUN = 1
export const DROP_MALFORMED = 2
export const DROP_BAD_FINGERPRINT = 3
export const DROP_UNKNOWN_METHOD = 4
export const DROP_UNEXPECTED_CLASS = 5
export const DROP_NO_ALLOCATION = 6
export const DROP_NO_CHANNEL = 7
export const DROP_BAD_CHANNEL_LENGTH = 8
export const DROP_NO_PERMISSION = 9
export const DROP_PEER_FORBIDDEN = 10
export const DROP_NO_RELAY = 11
export const DROP_BAD_INDICATION = 12
export const DROP_NESTED_CLIENT = 13
export const DROP_DUPLICATE_REQUEST = 14
export const DROP_DONT_FRAGMENT = 15
export const DROP_TOO_LONG = 16
export const DROP_ICMP_TYPE = 17
export const DROP_BANDWIDTH = 18
export const DROP_REPLY_LIMIT = 19
export const DROP_FAILURE_BUDGET = 20
export const DROP_CONNECTION_EXISTS = 21
export const DROP_CONNECTION_LIMIT = 22
export const DROP_ICMP_LIMIT = 23
export const DROP_MOVE_LIMIT = 24

/** Names by number, for counters and reports; what they mean is in log/drops.ts. */
export const DROP_NAMES: readonly (DropReason | 'none')[] = [
  'none',
  'not-stun',
  'malformed',
  'bad-fingerprint',
  'unknown-method',
  'unexpected-class',
  'no-allocation',
  'no-channel',
  'bad-channel-length',
  'no-permission',
  'peer-forbidden',
  'no-relay',
  'bad-indication',
  'nested-client',
  'duplicate-request',
  'dont-fragment',
  'too-long',
  'icmp-type',
  'bandwidth',
  'reply-limit',
  'failure-budget',
  'connection-exists',
  'connection-limit',
  'icmp-limit',
  'move-limit',
]

/** The drop reason of a failed decode. */
export function dropOfDecode(decodeResult: number): number {
  switch (decodeResult) {
    case DECODE_TOO_SHORT:
    case DECODE_NOT_STUN:
      return DROP_NOT_STUN
    case DECODE_BAD_LENGTH:
    case DECODE_BAD_ATTRIBUTE:
    case DECODE_TOO_MANY_ATTRIBUTES:
    case DECODE_AFTER_FINGERPRINT:
    case DECODE_BAD_INTEGRITY_LENGTH:
      return DROP_MALFORMED
    default:
      throw new RangeError(`no such decode result: ${decodeResult}`)
  }
}
