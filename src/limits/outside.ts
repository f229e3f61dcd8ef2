// Bounds of user stores outside this process (Redis, a webhook): what is kept of their answers, who may wait for one, and how long.

// What is kept of their answers

/** How long what a store has said of a user counts as fresh, unless `--lookup-ttl` or the store says otherwise. */
export const LOOKUP_TTL_SECONDS_DEFAULT = 60
/** The most that `--lookup-ttl` takes, and a store may say. */
export const LOOKUP_TTL_SECONDS_MAX = 86_400
/** For how long who was known goes on while the store is down, unless `--lookup-outage` says otherwise. */
export const LOOKUP_OUTAGE_SECONDS_DEFAULT = 86_400
/** The most that `--lookup-outage` takes: a long holiday. */
export const LOOKUP_OUTAGE_SECONDS_MAX = 30 * 86_400
/** Nobody is refused for what is known for longer: a changed password or a new user works at once, and unknown names cost what known ones do. */
export const LOOKUP_REFUSAL_SECONDS_MAX = 5
/** Users that one thread remembers; the one that was used least recently makes room. */
export const OUTSIDE_USER_COUNT_MAX = 20_000
/** Names that one thread remembers as refused: they come from strangers, and push out nobody who is known. */
export const OUTSIDE_REFUSED_COUNT_MAX = 4_096

// Who waits for an answer

/** Of one look-up, unless `--lookup-timeout` says otherwise. */
export const LOOKUP_SECONDS_DEFAULT = 2
/** The most that `--lookup-timeout` takes: clients give up after 39.5 s (RFC 8489 §6.2.1). */
export const LOOKUP_SECONDS_MAX = 10
/** How much longer than its look-up a request waits: the look-up may have had to wait, too. */
export const PARKED_EXTRA_SECONDS = 1
/** Requests that wait, of one worker. */
export const PARKED_COUNT_MAX = 256
/** The same of one source, an IPv4 address or an IPv6 /64: nobody takes all places. */
export const PARKED_OF_SOURCE_COUNT_MAX = 64
/** Look-ups at a store at once. */
export const LOOKUP_CONCURRENT_COUNT_MAX = 64
/** Names that are being looked up, those that wait for their turn included; the next one is refused. */
export const LOOKUP_WAITING_COUNT_MAX = 1_024

// A store that is down

/** Look-ups in a row that fail before the store counts as down. */
export const STORE_FAILURE_COUNT_MAX = 3
/** A look-up that fails later has kept somebody waiting. */
export const STORE_PATIENCE_MILLISECONDS = 300
/** How long nobody asks a store that has been silent so often, before the next one tries. */
export const STORE_REST_SECONDS = 1
/** Of what a store says, in a sentence for the operator. */
export const STORE_TEXT_LENGTH_MAX = 200
/** Users whom a store has refused, or could not answer, of whom the reason is remembered for the log. */
export const OUTSIDE_DETAIL_COUNT_MAX = 1_024
