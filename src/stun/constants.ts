// The numbers of STUN and TURN: classes, methods, attributes, error codes (IANA's stun-parameters registries; test/stun/iana).
// Everybody reads this file; nothing here decides anything. Names are the registry's words.
// "RFC 3489" marks values that today's RFCs reserve: they are spoken only with clients of that age.

export const MAGIC_COOKIE = 0x2112a442
/** Bytes of a STUN message before its first attribute (RFC 8489 §5). */
export const HEADER_LENGTH = 20
export const TRANSACTION_ID_LENGTH = 12
/** Bytes of an attribute before its value (RFC 8489 §14). */
export const ATTRIBUTE_HEADER_LENGTH = 4

// Message classes: C1 C0 of the message type (RFC 8489 §5).
export const CLASS_REQUEST = 0
export const CLASS_INDICATION = 1
export const CLASS_SUCCESS = 2
export const CLASS_ERROR = 3

export const METHOD_BINDING = 0x001
export const METHOD_SHARED_SECRET = 0x002 // RFC 3489
export const METHOD_ALLOCATE = 0x003
export const METHOD_REFRESH = 0x004
export const METHOD_SEND = 0x006
export const METHOD_DATA = 0x007
export const METHOD_CREATE_PERMISSION = 0x008
export const METHOD_CHANNEL_BIND = 0x009
export const METHOD_CONNECT = 0x00a
export const METHOD_CONNECTION_BIND = 0x00b
export const METHOD_CONNECTION_ATTEMPT = 0x00c
export const METHOD_GOOG_PING = 0x080

// Comprehension-required attributes, 0x0000–0x7FFF.
export const ATTRIBUTE_MAPPED_ADDRESS = 0x0001
export const ATTRIBUTE_RESPONSE_ADDRESS = 0x0002 // RFC 3489
export const ATTRIBUTE_CHANGE_REQUEST = 0x0003 // RFC 3489, and again RFC 5780 §7.2
export const ATTRIBUTE_SOURCE_ADDRESS = 0x0004 // RFC 3489
export const ATTRIBUTE_CHANGED_ADDRESS = 0x0005 // RFC 3489
export const ATTRIBUTE_USERNAME = 0x0006
export const ATTRIBUTE_PASSWORD = 0x0007 // RFC 3489
export const ATTRIBUTE_MESSAGE_INTEGRITY = 0x0008
export const ATTRIBUTE_ERROR_CODE = 0x0009
export const ATTRIBUTE_UNKNOWN_ATTRIBUTES = 0x000a
export const ATTRIBUTE_REFLECTED_FROM = 0x000b // RFC 3489
export const ATTRIBUTE_CHANNEL_NUMBER = 0x000c
export const ATTRIBUTE_LIFETIME = 0x000d
export const ATTRIBUTE_BANDWIDTH = 0x0010 // drafts of RFC 5766
export const ATTRIBUTE_XOR_PEER_ADDRESS = 0x0012
export const ATTRIBUTE_DATA = 0x0013
export const ATTRIBUTE_REALM = 0x0014
export const ATTRIBUTE_NONCE = 0x0015
export const ATTRIBUTE_XOR_RELAYED_ADDRESS = 0x0016
export const ATTRIBUTE_REQUESTED_ADDRESS_FAMILY = 0x0017
export const ATTRIBUTE_EVEN_PORT = 0x0018
export const ATTRIBUTE_REQUESTED_TRANSPORT = 0x0019
export const ATTRIBUTE_DONT_FRAGMENT = 0x001a
export const ATTRIBUTE_ACCESS_TOKEN = 0x001b // RFC 7635
export const ATTRIBUTE_MESSAGE_INTEGRITY_SHA256 = 0x001c
export const ATTRIBUTE_PASSWORD_ALGORITHM = 0x001d
export const ATTRIBUTE_USERHASH = 0x001e
export const ATTRIBUTE_XOR_MAPPED_ADDRESS = 0x0020
export const ATTRIBUTE_TIMER_VAL = 0x0021 // drafts of RFC 5766
export const ATTRIBUTE_RESERVATION_TOKEN = 0x0022
export const ATTRIBUTE_PRIORITY = 0x0024 // RFC 8445
export const ATTRIBUTE_USE_CANDIDATE = 0x0025 // RFC 8445
export const ATTRIBUTE_PADDING = 0x0026 // RFC 5780
export const ATTRIBUTE_RESPONSE_PORT = 0x0027 // RFC 5780
export const ATTRIBUTE_CONNECTION_ID = 0x002a // RFC 6062

// Comprehension-optional attributes, 0x8000–0xFFFF.
export const ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY = 0x8000
export const ATTRIBUTE_ADDRESS_ERROR_CODE = 0x8001
export const ATTRIBUTE_PASSWORD_ALGORITHMS = 0x8002
export const ATTRIBUTE_ALTERNATE_DOMAIN = 0x8003
export const ATTRIBUTE_ICMP = 0x8004
export const ATTRIBUTE_SOFTWARE = 0x8022
export const ATTRIBUTE_ALTERNATE_SERVER = 0x8023
export const ATTRIBUTE_TRANSACTION_TRANSMIT_COUNTER = 0x8025 // RFC 7982
export const ATTRIBUTE_CACHE_TIMEOUT = 0x8027 // RFC 5780
export const ATTRIBUTE_FINGERPRINT = 0x8028
export const ATTRIBUTE_ICE_CONTROLLED = 0x8029 // RFC 8445
export const ATTRIBUTE_ICE_CONTROLLING = 0x802a // RFC 8445
export const ATTRIBUTE_RESPONSE_ORIGIN = 0x802b // RFC 5780
export const ATTRIBUTE_OTHER_ADDRESS = 0x802c // RFC 5780
export const ATTRIBUTE_ECN_CHECK_STUN = 0x802d // RFC 6679
export const ATTRIBUTE_THIRD_PARTY_AUTHORIZATION = 0x802e // RFC 7635
export const ATTRIBUTE_MOBILITY_TICKET = 0x8030 // RFC 8016
export const ATTRIBUTE_CISCO_STUN_FLOWDATA = 0xc000
export const ATTRIBUTE_ENF_FLOW_DESCRIPTION = 0xc001
export const ATTRIBUTE_ENF_NETWORK_STATUS = 0xc002
export const ATTRIBUTE_GOOG_NETWORK_INFO = 0xc057
export const ATTRIBUTE_GOOG_LAST_ICE_CHECK_RECEIVED = 0xc058
export const ATTRIBUTE_GOOG_MISC_INFO = 0xc059
export const ATTRIBUTE_GOOG_OBSOLETE_1 = 0xc05a
export const ATTRIBUTE_GOOG_CONNECTION_ID = 0xc05b
export const ATTRIBUTE_GOOG_DELTA = 0xc05c
export const ATTRIBUTE_GOOG_DELTA_ACK = 0xc05d
export const ATTRIBUTE_GOOG_MESSAGE_INTEGRITY_32 = 0xc060
export const ATTRIBUTE_DTLS_IN_STUN = 0xc070
export const ATTRIBUTE_DTLS_IN_STUN_ACKNOWLEDGEMENT = 0xc071

export const ERROR_TRY_ALTERNATE = 300
export const ERROR_BAD_REQUEST = 400
export const ERROR_UNAUTHENTICATED = 401
export const ERROR_FORBIDDEN = 403
export const ERROR_MOBILITY_FORBIDDEN = 405
export const ERROR_UNKNOWN_ATTRIBUTE = 420
/** RFC 3489 §11.2.9: the shared secret of a request is not known any more. Nobody gets one here. */
export const ERROR_STALE_CREDENTIALS = 430
/** RFC 3489 §11.2.9. Today's RFCs do not have it; the Expressway profiles answer a wrong password with it. */
export const ERROR_INTEGRITY_CHECK_FAILURE = 431
export const ERROR_ALLOCATION_MISMATCH = 437
export const ERROR_STALE_NONCE = 438
export const ERROR_ADDRESS_FAMILY_NOT_SUPPORTED = 440
export const ERROR_WRONG_CREDENTIALS = 441
export const ERROR_UNSUPPORTED_TRANSPORT_PROTOCOL = 442
export const ERROR_PEER_ADDRESS_FAMILY_MISMATCH = 443
export const ERROR_CONNECTION_ALREADY_EXISTS = 446
export const ERROR_CONNECTION_TIMEOUT_OR_FAILURE = 447
export const ERROR_ALLOCATION_QUOTA_REACHED = 486
export const ERROR_ROLE_CONFLICT = 487
export const ERROR_SERVER_ERROR = 500
export const ERROR_INSUFFICIENT_CAPACITY = 508

/** Flags of CHANGE-REQUEST (RFC 5780 §7.2, RFC 3489 §11.2.4): from where the answer to a Binding request is to come. */
export const CHANGE_REQUEST_IP = 0x04
export const CHANGE_REQUEST_PORT = 0x02

/** Protocol numbers of REQUESTED-TRANSPORT (RFC 8656 §18.8, RFC 6062 §4.1). */
export const TRANSPORT_PROTOCOL_TCP = 6
export const TRANSPORT_PROTOCOL_UDP = 17

/** Family codes on the wire (RFC 8489 §14.1); in memory an address has the family 4 or 6. */
export const ADDRESS_FAMILY_IPV4 = 0x01
export const ADDRESS_FAMILY_IPV6 = 0x02

export const PASSWORD_ALGORITHM_MD5 = 0x0001
export const PASSWORD_ALGORITHM_SHA256 = 0x0002

/** ICMP errors that clients are told of (RFC 8656 §11.5): types of ICMP, and of ICMPv6. */
export const ICMP_DESTINATION_UNREACHABLE = 3
export const ICMP_TIME_EXCEEDED = 11
export const ICMPV6_DESTINATION_UNREACHABLE = 1
export const ICMPV6_PACKET_TOO_BIG = 2
export const ICMPV6_TIME_EXCEEDED = 3
/** The code of ICMP's Destination Unreachable that comes with the MTU of the next hop (RFC 1191 §4). */
export const ICMP_CODE_FRAGMENTATION_NEEDED = 4

/** A nonce that starts with this carries 24 security feature bits, in base64 (RFC 8489 §9.2). */
export const NONCE_COOKIE = 'obMatJos2'
/** Bit 0 of the security features; bits count from the most significant of 24 (RFC 8489 §18.1). */
export const SECURITY_FEATURE_PASSWORD_ALGORITHMS = 0x800000
/** Bit 1 of the security features. */
export const SECURITY_FEATURE_USERNAME_ANONYMITY = 0x400000

/** Channel numbers that may be bound (RFC 8656 §12). */
export const CHANNEL_NUMBER_MIN = 0x4000
export const CHANNEL_NUMBER_MAX = 0x4fff
/** RFC 5766 §11 allowed more; clients of that age use it. */
export const CHANNEL_NUMBER_MAX_RFC5766 = 0x7ffe

const METHOD_NAMES = new Map<number, string>([
  [METHOD_BINDING, 'Binding'],
  [METHOD_SHARED_SECRET, 'SharedSecret'],
  [METHOD_ALLOCATE, 'Allocate'],
  [METHOD_REFRESH, 'Refresh'],
  [METHOD_SEND, 'Send'],
  [METHOD_DATA, 'Data'],
  [METHOD_CREATE_PERMISSION, 'CreatePermission'],
  [METHOD_CHANNEL_BIND, 'ChannelBind'],
  [METHOD_CONNECT, 'Connect'],
  [METHOD_CONNECTION_BIND, 'ConnectionBind'],
  [METHOD_CONNECTION_ATTEMPT, 'ConnectionAttempt'],
  [METHOD_GOOG_PING, 'GOOG-PING'],
])

/** The registry's name of a method, for logs; `0x005` for one that has none. */
export function methodName(method: number): string {
  return METHOD_NAMES.get(method) ?? `0x${method.toString(16).padStart(3, '0')}`
}

/** Whether a request with an attribute of this type must be refused when the type is not understood (RFC 8489 §14). */
export function isComprehensionRequired(type: number): boolean {
  return type < 0x8000
}

// Ranges of assigned attribute types, first and last: shorter than a list of all, and the registry's test keeps it right.
const KNOWN_ATTRIBUTE_RANGES = [
  [0x0001, 0x000d],
  [0x0010, 0x0010],
  [0x0012, 0x001e],
  [0x0020, 0x0022],
  [0x0024, 0x0027],
  [0x002a, 0x002a],
  [0x8000, 0x8004],
  [0x8022, 0x8023],
  [0x8025, 0x8025],
  [0x8027, 0x802e],
  [0x8030, 0x8030],
  [0xc000, 0xc002],
  [0xc057, 0xc05d],
  [0xc060, 0xc060],
  [0xc070, 0xc071],
] as const

/** Whether this file has a name for the attribute type. Not whether a given method handles it. */
export function isKnownAttribute(type: number): boolean {
  return KNOWN_ATTRIBUTE_RANGES.some(([first, last]) => type >= first && type <= last)
}
