// Bounds of HTTP clients on TLS listeners, who are strangers all, and of what is passed on to --http-upstream. Of one worker.

// Clients

/** Connections at a time. */
export const HTTP_CONNECTION_COUNT_MAX = 4096
/** Those of one source among them, which may be an office behind one address: it must not have all of them. */
export const HTTP_CONNECTION_OF_SOURCE_COUNT_MAX = 512
/** Requests that are being answered: each may be a connection to the upstream. */
export const HTTP_REQUEST_COUNT_MAX = 4096
/** Those of one source among them. */
export const HTTP_REQUEST_OF_SOURCE_COUNT_MAX = 1024
/** Requests of one connection that are being answered: browsers send one after the other, a flood need not. */
export const HTTP_PIPELINED_COUNT_MAX = 8
/** Requests of one connection in its life. */
export const HTTP_REQUEST_OF_CONNECTION_COUNT_MAX = 1000
/** The head of a request: as much as Node's own default, whatever its command line says. */
export const HTTP_HEAD_BYTES_MAX = 16 * 1024
/** For the head of a request. */
export const HTTP_HEAD_MILLISECONDS_MAX = 10_000
/** For a whole request with its body. */
export const HTTP_REQUEST_MILLISECONDS_MAX = 3_600_000
/** Between two requests; above the 60 s of most proxies and balancers in front. */
export const HTTP_KEEP_ALIVE_MILLISECONDS_MAX = 65_000
/** Without a byte in either direction, within a request or its answer: events may be rare. */
export const HTTP_SILENCE_MILLISECONDS_MAX = 600_000
/** What the client may still send to a connection that we have ended, before it is cut: closing at once could destroy our answer. */
export const HTTP_LINGER_MILLISECONDS = 5_000

// The upstream

/** Name resolution, TCP and TLS together. */
export const UPSTREAM_CONNECT_MILLISECONDS_MAX = 5_000
/** Without a byte in either direction, from the request to the head of its answer. */
export const UPSTREAM_ANSWER_MILLISECONDS_MAX = 120_000
/** For how long a connection to the upstream waits for its next request. */
export const UPSTREAM_IDLE_MILLISECONDS_MAX = 30_000
/** How many of them wait. */
export const UPSTREAM_IDLE_COUNT_MAX = 32
/** WebSockets have no bound of silence, but a peer that has vanished is found out. */
export const UPSTREAM_KEEP_ALIVE_MILLISECONDS = 60_000
/** Between two warnings that the upstream gives no answer. */
export const UPSTREAM_WARNING_MILLISECONDS_MIN = 60_000
