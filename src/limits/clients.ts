// Bounds of our own client of TURN servers, and of what `turnd probe` sends: servers may mean it no good, and it must not be turned against one.

// Requests (RFC 8489 §6.2)

/** The first wait for an answer over UDP and DTLS; each wait is twice the last (RFC 8489 §6.2.1). */
export const CLIENT_RETRANSMIT_MILLISECONDS = 500
/** Transmissions of one request over UDP and DTLS: Rc of RFC 8489 §6.2.1. */
export const CLIENT_TRANSMISSION_COUNT_MAX = 7
/** For an answer, unless the caller is less patient: Ti of RFC 8489 §6.2.2, and what the waits over UDP come to. */
export const CLIENT_ANSWER_MILLISECONDS_MAX = 39_500
/** Requests of one client that wait for an answer. */
export const CLIENT_PENDING_COUNT_MAX = 64
/** A request: the longest user name, realm and nonce fit with room to spare; those that are sent have some hundred. */
export const CLIENT_REQUEST_LENGTH_MAX = 4_096
/** Answers with a challenge to one request: a nonce may be stale once, and servers that go on so have no end. */
export const CLIENT_CHALLENGE_COUNT_MAX = 3
/** A realm, or a nonce, that is sent back: RFC 8489 §14.9 wants fewer than 128 characters, of up to six bytes. */
export const CLIENT_REALM_LENGTH_MAX = 763
/** The same (RFC 8489 §14.10). */
export const CLIENT_NONCE_LENGTH_MAX = 763
/** Of a server's text (SOFTWARE, a reason phrase) that is kept. */
export const CLIENT_TEXT_LENGTH_MAX = 128
/** For the Refresh that gives an allocation back before the client closes. */
export const CLIENT_CLOSE_MILLISECONDS_MAX = 1_000

// Transports

/** For a name, a connection and a handshake, unless the caller is less patient. */
export const CLIENT_OPEN_MILLISECONDS_MAX = 10_000
/** What waits in a connection to be written: more is dropped, as UDP would. */
export const CLIENT_BACKLOG_BYTES_MAX = 1_048_576
/** Addresses of a name that are looked at. */
export const CLIENT_ADDRESS_COUNT_MAX = 16
/** Channels and permissions of one client: it needs one or two. */
export const CLIENT_CHANNEL_COUNT_MAX = 64
