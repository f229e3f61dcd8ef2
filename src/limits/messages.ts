// Bounds of one message, frame or header: how long what a stranger sends may be, and how long what is answered.

// Messages and frames

/** Attributes of a message, integrity and fingerprint not counted: a CreatePermission for as many peers as the default allows has half of them. */
export const ATTRIBUTE_COUNT_MAX = 256
/** A user name: RFC 8489 §14.3 wants fewer than 509. */
export const USERNAME_LENGTH_MAX = 508
/** The realm: RFC 8489 §14.9 wants fewer than 128 characters, counted as bytes to be on the safe side. */
export const REALM_LENGTH_MAX = 127
/** An answer: the longest realm, the longest nonce and a list of 256 unknown attributes fit, and it goes unfragmented over nearly every path. */
export const ANSWER_LENGTH_MAX = 2048
/** A frame of a stream, padding not counted, before the client has an allocation: a request with the longest user name and 40 peers fits. */
export const FRAME_LENGTH_MAX_UNAUTHENTICATED = 2048
/** The same afterwards: ChannelData with the longest payload that its length field can tell. */
export const FRAME_LENGTH_MAX = 65_535 + 4

// PROXY headers

/** A PROXY header of version 1, its line feed included: the longest that its specification allows. */
export const PROXY_V1_LENGTH_MAX = 107
/** A PROXY header of version 2: addresses take 36 bytes, and what proxies add (names, certificates' names) some hundred. */
export const PROXY_V2_LENGTH_MAX = 2048
