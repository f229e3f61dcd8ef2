// Bounds of clients over DTLS. Nothing is kept of a client that has not returned a cookie. Of one worker.

// Sessions

/** Sessions, half-open ones included: at rest each takes some 12 KiB, and in a second in which it is used 34 KiB more. */
export const DTLS_SESSION_COUNT_MAX = 16_384
/** Sessions without an allocation, half-open ones included; the oldest makes room, so that nobody shuts newcomers out. */
export const DTLS_UNALLOCATED_COUNT_MAX = 4_096
/**
 * Handshakes at a time; the oldest makes room. Each may hold messages and records in OpenSSL that came too early, up to half a megabyte; so
 * many are under way at 1,000 handshakes a second that take half a second.
 */
export const DTLS_HALF_OPEN_COUNT_MAX = 512
/** Sessions without an allocation, half-open ones included, of one source. */
export const DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX = 256
/** For a handshake, since the cookie came back. */
export const DTLS_HANDSHAKE_SECONDS_MAX = 10
/** Without an allocation, and without a record from the client. */
export const DTLS_IDLE_SECONDS_MAX = 30
/** A cookie is good in the period in which it was made and in the next one. */
export const DTLS_COOKIE_PERIOD_SECONDS = 60

// Memory

/** Encrypted records that are kept of a client whose keys are not known yet; OpenSSL has a buffer of 16 KiB for each. */
export const DTLS_EARLY_RECORD_COUNT_MAX = 16
/** Messages of a handshake that come before their turn, of which OpenSSL takes ten, are bounded by the longest chain of a client: none is asked for. */
export const DTLS_CLIENT_CERTIFICATES_LENGTH_MAX = 4_096
/** The protocols that a client offers (ALPN). */
export const DTLS_ALPN_LENGTH_MAX = 4_096
/** The records of sessions that have been at rest for this long have no memory: 34 KiB each. */
export const DTLS_BUFFERS_KEPT_SECONDS = 1
/** What is written at once, of all sessions: more than any flight; a longer one is sent in several rounds. */
export const DTLS_OUTPUT_LENGTH = 65_536
/** A piece of memory for decrypted frames, which is the output's to keep. */
export const DTLS_FRAME_PIECE_BYTES = 262_144
