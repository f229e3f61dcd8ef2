// How long a stream connection may take. Deadlines are absolute: bytes that trickle in do not move them.

/** Since it was accepted, or since its handshake: a PROXY header, the first bytes, and the first whole message or head of a request together. */
export const FIRST_MESSAGE_MILLISECONDS_MAX = 10_000
/** Since the first bytes that are TLS. */
export const HANDSHAKE_MILLISECONDS_MAX = 10_000
/** Since the last whole frame, without an allocation. */
export const IDLE_MILLISECONDS_MAX = 30_000
/** For what is queued to leave, after which the connection is destroyed. */
export const CLOSING_MILLISECONDS_MAX = 2_000
/** In place of a time: nothing is expected of this connection. */
export const NO_DEADLINE = Number.MAX_SAFE_INTEGER
