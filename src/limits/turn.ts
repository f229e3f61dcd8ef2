// Bounds of the protocol's state: allocations and what hangs on them, what users and strangers may have, and the tables that workers share.

// Allocations

/** Worker threads: the mark of a worker in the shared tables is one byte, and 0, 254 and 255 mean something else. */
export const WORKER_COUNT_MAX = 253
/** Allocations and reserved ports of one server, the most that `--max-allocations` takes: more than the ports of 15 relay addresses. */
export const ALLOCATION_COUNT_MAX = 1_000_000
/** The same unless `--max-allocations` says otherwise: the licence of an Expressway-E. */
export const ALLOCATION_COUNT_DEFAULT = 1_800
/** Relays of one worker: all ports of one relay address. A power of two, for relay numbers. */
export const RELAY_COUNT_MAX = 65_536
/** Sockets tried for one relay, where strangers hold ports of the range, before the answer is 508. */
export const OPEN_ATTEMPT_COUNT_MAX = 8
/** The lifetime of an allocation that asks for none, or for less (RFC 8656 §7.2). */
export const LIFETIME_SECONDS_DEFAULT = 600
/** The longest lifetime that is granted (RFC 8656 §7.2 recommends an hour). */
export const LIFETIME_SECONDS_MAX = 3600
/** The wheel in which relays expire, one bucket a second: two more than the longest lifetime, so that no bucket holds two rounds. */
export const EXPIRY_BUCKET_COUNT = 3602
/** How long a reserved port waits for its token (RFC 8656 §7.2: at least 30 s). */
export const RESERVATION_LIFETIME_SECONDS = 30

// Permissions and channels

/** Permissions of one allocation, the most that `--permissions-max` takes. */
export const PERMISSION_COUNT_MAX = 65_535
/** The same by default: a client of a large conference has a dozen. */
export const PERMISSION_COUNT_DEFAULT = 128
/** Indications of ICMP errors of one relay (RFC 8656 §11.5): one says that a peer is not there, and errors can be forged. */
export const ICMP_INDICATIONS_PER_SECOND_MAX = 50
/** Channels of one allocation, the most that `--channels-max` takes: all numbers from 0x4000 to 0x7FFE. */
export const CHANNEL_COUNT_MAX = 16_383
/** The same by default. */
export const CHANNEL_COUNT_DEFAULT = 128
/** How long a permission holds (RFC 8656 §9). */
export const PERMISSION_LIFETIME_SECONDS = 300
/** How long a channel binding holds (RFC 8656 §12). */
export const CHANNEL_LIFETIME_SECONDS = 600

// Mobility (RFC 8016)

/** 5-tuples that a client has moved to and not used yet: one whose answers are lost may try from here and there in turns. */
export const MOBILE_WAY_COUNT_MAX = 2
/** Refreshes of moved clients that one worker hands to others in a second: each is authentic, and costs them as much as a request of their own. */
export const FORWARDED_MOVES_PER_SECOND_MAX = 200

// TCP relays (RFC 6062)

/** Peer connections of one allocation, being made, waiting or bound. */
export const PEER_CONNECTION_COUNT_MAX = 128
/** Peer connections of all allocations of one worker: 32 allocations that have all they may. */
export const PEER_CONNECTION_SLOT_COUNT = 4096
/** For a peer connection to be made, and then for its ConnectionBind to come (RFC 6062 §5.2: at least 30 s each). */
export const PEER_CONNECTION_WAIT_SECONDS = 30

// Bandwidth

/** Bits per second, the most that `--max-bps` and `--user-max-bps` take. */
export const BITS_PER_SECOND_MAX = 1_000_000_000_000
/** How much of a rate may be used at once: 250 ms of it, more than the time between two ticks of any engine. */
export const BANDWIDTH_BUCKET_TICKS = 25
/** How long a worker that has emptied a user's bucket leaves it to others, at most. A power of two, for a random number to be cut to it. */
export const BANDWIDTH_SIT_OUT_TICKS_MAX = 8

// Other servers (RFC 8489 §10)

/** Servers that `--alternate` names. */
export const ALTERNATE_COUNT_MAX = 32
/** The weight of one of them, in shares of the clients. */
export const ALTERNATE_SHARE_COUNT_MAX = 1000
/** From which share of `--max-allocations` on clients are sent to others, unless `--alternate-above` says otherwise: when there are no more. */
export const ALTERNATE_ABOVE_PERCENT_DEFAULT = 100
/** How often their names are looked up again. */
export const ALTERNATE_LOOKUP_SECONDS = 60
/** How long the start and a reload wait for their names; what is not known by then is known later. */
export const ALTERNATE_LOOKUP_MILLISECONDS_MAX = 2_000

// Strangers

/** Answers without authentication to one source, unless `--unauthenticated-rate` says otherwise: an office behind one address starts 200 clients. */
export const UNAUTHENTICATED_ANSWERS_PER_SECOND = 200
/** The most that `--unauthenticated-rate` takes. */
export const UNAUTHENTICATED_ANSWERS_PER_SECOND_MAX = 1_000_000
/** The burst of that rate, in seconds of it. */
export const UNAUTHENTICATED_BURST_SECONDS = 10
/**
 * What an answer to RESPONSE-PORT (RFC 5780 §7.5) counts for among these: it goes to a port that has not asked. 20 a second to one source by default;
 * who measures how long a NAT keeps a binding asks for one in seconds.
 */
export const RESPONSE_PORT_ANSWER_COST = 10
/** Answers to wrong credentials of one source in the period below: past it only its failed requests go unanswered. */
export const FAILURE_COUNT_MAX = 200
/** The period of the failure budget. */
export const FAILURE_PERIOD_SECONDS = 10
/** Sets of the tables of sources, which never grow. A power of two, for a hash to be cut to it. */
export const SOURCE_SET_COUNT = 4096
/** Sources that share a set: a flood fills the table when it keeps all of them full. */
export const SOURCE_WAY_COUNT = 8
/** How long a nonce holds: longer than the time between two refreshes of nearly all clients, and no state is kept for it. */
export const NONCE_LIFETIME_SECONDS = 600

// Users and locks

/** Users for a test from a browser, at once: the oldest makes room. */
export const TEST_USER_COUNT_MAX = 32
/** How long one of them may log in. */
export const TEST_USER_SECONDS = 300
/** TURN REST secrets that count: a refused request is checked against two keys of each, whoever it names. */
export const AUTH_SECRET_COUNT_MAX = 16
/** How long TURN REST credentials live that are issued here, unless another lifetime is configured or asked for: a day, as the draft recommends. */
export const REST_LIFETIME_SECONDS_DEFAULT = 86_400
/** A shorter life would end before slow clients have used it. */
export const REST_LIFETIME_SECONDS_MIN = 60
/** Ten years: longer ones are users. */
export const REST_LIFETIME_SECONDS_MAX = 315_360_000
/** Verified names of TURN REST credentials whose keys are kept in one worker, the oldest forgotten first: about 1 MB. */
export const VERIFIED_NAME_COUNT_MAX = 4096
/** For how long the sweeper of a dead worker waits for another holder of the tables' lock: what it guards takes microseconds. */
export const LOCK_TAKEOVER_MILLISECONDS = 1_000
