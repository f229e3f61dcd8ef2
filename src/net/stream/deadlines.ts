// How long a stream connection may take. Deadlines are absolute: bytes that trickle in do not move them.

/** The PROXY header and the first bytes together. */
export const FIRST_BYTES_MILLISECONDS_MAX = 10_000
export const HANDSHAKE_MILLISECONDS_MAX = 10_000
/** The first whole message, or the first request of HTTP; inside TLS its first bytes count with it. */
export const FIRST_MESSAGE_MILLISECONDS_MAX = 10_000
/** Since the last whole frame, without an allocation. */
export const IDLE_MILLISECONDS_MAX = 30_000
/** For what is queued to leave, after which the connection is destroyed. */
export const CLOSING_MILLISECONDS_MAX = 2_000
/** In place of a time: nothing is expected of this connection. */
export const NO_DEADLINE = Number.MAX_SAFE_INTEGER
