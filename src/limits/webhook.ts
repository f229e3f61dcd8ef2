// Bounds of --auth-webhook: a web service of the operator's, which may be slow, broken, or not the one that was meant.

/** Connections to it at a time: each carries one request, and further ones wait. */
export const WEBHOOK_CONNECTION_COUNT_MAX = 64
/** How many of them wait for a next request. */
export const WEBHOOK_IDLE_COUNT_MAX = 16
/** For how long: less than the 5 s after which many web servers close them, so that a request seldom meets one that is being closed. */
export const WEBHOOK_IDLE_MILLISECONDS_MAX = 4_000
/** The head of an answer. */
export const WEBHOOK_HEAD_BYTES_MAX = 16 * 1024
/** The body of an answer: a key and a reason are some hundred. */
export const WEBHOOK_ANSWER_BYTES_MAX = 16 * 1024
/** Objects and lists within one another, in members that are not ours to read. */
export const WEBHOOK_ANSWER_LEVEL_COUNT_MAX = 8
/** The bearer token: more than any that is in use, and it fits a header. */
export const WEBHOOK_TOKEN_LENGTH_MAX = 4_096
