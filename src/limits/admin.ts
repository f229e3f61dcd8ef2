// Bounds of the admin plane: its connections, what a request may be, sessions and logins, streams of events. Of the main thread.

// Connections

/** From elsewhere, at a time: some people, their browsers' tabs, Prometheus and scripts. */
export const ADMIN_CONNECTION_COUNT_MAX = 512
/** Of one source among them; and of this machine, beside them. */
export const ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX = 128
/** Until the first byte tells TLS from plain HTTP, and again until the handshake is done. */
export const ADMIN_HANDSHAKE_MILLISECONDS_MAX = 10_000
/** For the head of a request. */
export const ADMIN_HEAD_MILLISECONDS_MAX = 10_000
/** For a whole request with its body. */
export const ADMIN_REQUEST_MILLISECONDS_MAX = 30_000
/** Between two requests of a connection. */
export const ADMIN_KEEP_ALIVE_MILLISECONDS_MAX = 65_000
/** Without a byte in either direction: answers that nobody reads end with it. Streams of events are never so silent. */
export const ADMIN_SILENCE_MILLISECONDS_MAX = 120_000
/** How often the deadlines of requests are looked at. */
export const ADMIN_CHECK_MILLISECONDS = 1_000
/** The head of a request. */
export const ADMIN_HEAD_BYTES_MAX = 16 * 1024
/** The body of a request: the longest is a user with a password. */
export const ADMIN_BODY_BYTES_MAX = 16 * 1024
/** What answers may still take when the server closes, before they are cut. */
export const ADMIN_CLOSING_MILLISECONDS_MAX = 500

// Requests

/** Requests to the API of one source: a page asks two or three times a second. */
export const ADMIN_REQUESTS_PER_MINUTE_MAX = 3_000
/** Scrapes of metrics of one source: Prometheus asks once a second at most. */
export const METRICS_REQUESTS_PER_MINUTE_MAX = 300
/** Sources that are kept track of; the one that was silent for longest makes room. */
export const ADMIN_SOURCE_COUNT_MAX = 4_096

/** A user name or a password in it: somewhat more than users may have (RFC 5389 §15.3 has 513), so that who refuses a longer one can say why. */
export const ADMIN_NAME_LENGTH_MAX = 513
/** A one-time token, whose 256 bits have 43 characters. */
export const LOGIN_TOKEN_LENGTH_MAX = 100
/** What a list of clients is searched for: longer than any address, and than what people type of a name. */
export const CLIENT_SEARCH_LENGTH_MAX = 200
/** A source or a reason that refusals are looked up by: longer than any CIDR block. */
export const WHY_FILTER_LENGTH_MAX = 100
/** The id of a client or a capture: two numbers and a dash. */
export const ADMIN_ID_LENGTH_MAX = 40
/** A relayed transport address: brackets, the longest IPv6 address and a port have 53. */
export const ADMIN_ADDRESS_LENGTH_MAX = 60
/** The time for a drain: a day, within which every call has ended. */
export const DRAIN_SECONDS_MAX = 86_400

// Logins and sessions

/** A token of --metrics-token or --credentials-token: a shorter one may be guessed, which a warning says. */
export const BEARER_TOKEN_LENGTH_MIN = 20
/** Of a user name that a refused login brought, in the log: strangers choose it. */
export const LOGGED_NAME_LENGTH_MAX = 128

/** Logins of one source that fail. */
export const LOGIN_FAILURES_PER_MINUTE_MAX = 10
/** Those of all sources but loopback: a guess costs time of the processor. */
export const LOGIN_FAILURES_OF_ALL_PER_MINUTE_MAX = 60
/** Passwords that are being verified: each takes a thread of Node's pool for a while. */
export const LOGIN_PENDING_COUNT_MAX = 16
/** Lines of the log about refused logins, of all sources. */
export const LOGIN_LINES_PER_SECOND_MAX = 10
/** The same of one source. */
export const LOGIN_LINES_OF_SOURCE_PER_SECOND_MAX = 2
/** From the login, however often it is used: a person's working day. */
export const SESSION_LIFETIME_SECONDS = 12 * 3600
/** Sessions; then the oldest one ends. */
export const SESSION_COUNT_MAX = 1_024
/** Those of one user, so that a script which never logs out ends its own alone. */
export const SESSION_OF_USER_COUNT_MAX = 64
/** A name and password that a request brought by Basic and that were right: so long no hash is computed for the same again. Changed users lose it at once. */
export const BASIC_LOGIN_LIFETIME_SECONDS = 300
/** Such names and passwords; then the oldest one is forgotten. */
export const BASIC_LOGIN_COUNT_MAX = 256
/** A login link that was not used. */
export const LOGIN_LINK_LIFETIME_SECONDS = 600
/** Links that were not used; then the oldest one is void. */
export const LOGIN_LINK_COUNT_MAX = 8

// Streams of events

/** At a time; each is a browser's tab. */
export const EVENT_STREAM_COUNT_MAX = 64
/** What waits for a reader: who has so much unread is dropped, and comes back by itself. */
export const EVENT_WAITING_BYTES_MAX = 256 * 1024
/** Between two signs of life in a stream without events. */
export const EVENT_HEARTBEAT_MILLISECONDS = 15_000
/** What a browser waits before it comes back. */
export const EVENT_RETRY_MILLISECONDS = 2_000

// Clients

/** Of a list in one answer. */
export const CLIENT_PAGE_COUNT_MAX = 500
/** The same without a limit in the request. */
export const CLIENT_PAGE_COUNT_DEFAULT = 50
