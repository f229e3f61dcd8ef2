// Bounds of what is told of the network to people: log lines, refusals, reports of workers; and how long the main thread waits for a worker.

// Log

/** What waits for a slow reader of standard output; past that lines are dropped, media is not. */
export const LOG_BUFFER_BYTES_MAX = 4 * 1024 * 1024
/** Lines of refusals, of all sources. */
export const REFUSAL_LINES_PER_SECOND_MAX = 50
/** Lines of refusals of one source, so that a noisy one hides no other. */
export const REFUSAL_LINES_OF_SOURCE_PER_SECOND_MAX = 10
/** Lines of connections that were closed before they asked TURN for anything: whoever scans the Internet comes by all day. */
export const CONNECTION_LINES_PER_SECOND_MAX = 10
/** The same of one source. */
export const CONNECTION_LINES_OF_SOURCE_PER_SECOND_MAX = 2
/** The latest refusals that are kept to explain a failed call. */
export const REFUSAL_RING_COUNT = 1024
/** Characters of a user name that are kept with them. */
export const REFUSAL_TEXT_LENGTH_MAX = 128

// What `turnd why` reads

/** Entries of one reason that were seen once, and as many that were seen again. */
export const DIGEST_ENTRY_COUNT_MAX = 64
/** Of one source in each of the two. */
export const DIGEST_ENTRY_OF_SOURCE_COUNT_MAX = 16
/** An entry that was not seen for so long makes room first, however often it was seen before: last month's keep no place from today's. */
export const DIGEST_SILENCE_SECONDS_MAX = 86_400
/** Users, each with an address, of whose allocations a sum is kept. */
export const ALLOCATION_ENTRY_COUNT_MAX = 1024
/** Entries of refusals in one answer. */
export const WHY_ENTRY_COUNT_MAX = 500
/** Entries of allocations in one answer. */
export const WHY_ALLOCATION_COUNT_MAX = 100

// The control socket

/** One line of JSON. */
export const CONTROL_REQUEST_BYTES_MAX = 4096
/** Until a request is whole; and again until its answer has been read. */
export const CONTROL_MILLISECONDS_MAX = 5_000
/** At once; who comes then is told to try again. */
export const CONTROL_CONNECTION_COUNT_MAX = 8
/** What the command takes of a server. */
export const CONTROL_ANSWER_BYTES_MAX = 16 * 1024 * 1024

// Reports of one worker to the main thread

/** Refusals that are reported one by one: far more than are logged, so that the main thread chooses. */
export const REFUSALS_PER_SECOND_MAX = 1000
/** The same of one source. */
export const REFUSALS_OF_SOURCE_PER_SECOND_MAX = 250
/** Of these, refusals for which no user has to exist: made-up names leave room for those of users. */
export const STRANGER_REFUSALS_PER_SECOND_MAX = 750
/** The same of one source. */
export const STRANGER_REFUSALS_OF_SOURCE_PER_SECOND_MAX = 190
/** Refusals of connections that asked for nothing, reported one by one: a scan takes nothing from the room of refused requests. */
export const CONNECTION_REFUSALS_PER_SECOND_MAX = 200
/** The same of one source. */
export const CONNECTION_REFUSALS_OF_SOURCE_PER_SECOND_MAX = 50
/** Reports that wait for the main thread: the end of all relays of a worker at once fits. More are lost, and counted. */
export const REPORT_WAITING_COUNT_MAX = 65_536
/** Reports in one message. */
export const REPORT_BATCH_COUNT_MAX = 1024
/** Messages that the main thread has not read. */
export const BATCH_UNREAD_COUNT_MAX = 64
/** Messages in one tick of 10 ms. */
export const BATCH_OF_TICK_COUNT_MAX = 16

// Questions to workers

/** Questions that one worker has not answered: who asks more is told to try again. */
export const QUESTION_UNANSWERED_COUNT_MAX = 256
/** Clients that a worker describes in one round of its loop, which takes about a millisecond. */
export const CLIENTS_OF_SLICE_COUNT_MAX = 100
/** Permissions and channels that it counts for that, or as many as one client has. */
export const PERMISSIONS_OF_SLICE_COUNT_MAX = 10_000
/** The list of clients is made at most so often. */
export const CLIENT_LIST_MILLISECONDS = 2_000
/** Permissions that are shown of one client. */
export const PERMISSIONS_OF_DETAIL_COUNT_MAX = 1_000
/** Channels that are shown of one client. */
export const CHANNELS_OF_DETAIL_COUNT_MAX = 1_000

// Supervision

/** A worker looks for commands after every wait: one that does not answer for so long hangs. */
export const WORKER_ANSWER_MILLISECONDS_MAX = 3_000
/** From the start of a worker until it relays, which takes a tenth of a second, and longer where many start at once or the machine is busy, as after a boot. */
export const WORKER_START_SECONDS_MAX = 10
/**
 * Who does not get ready is asked to end, and does once it has loaded; who does not answer for so long then is ended by force. That is not the
 * first thing to do: a thread that is ended while it declares C functions takes the process along (koffi throws, and cannot).
 */
export const WORKER_LATE_ANSWER_MILLISECONDS_MAX = 3_000
/** So many more workers are given another second. */
export const WORKER_OF_START_SECOND_COUNT = 4
/** Who lives so long has not died because of how it was started. */
export const WORKER_LIFETIME_MILLISECONDS_LONG = 60_000
/** The longest wait before a worker that dies again and again is started once more. */
export const WORKER_RESTART_SECONDS_MAX = 30
/** Datagrams thrown away that came for a dead worker: more than a listener's buffer holds. */
export const DISCARDED_DATAGRAM_COUNT_MAX = 65_536
/** A warning that several workers have is given once in this time. */
export const WARNING_MILLISECONDS = 50_000

// What the charts of the status page are drawn from

/** Samples of the last minutes, one a second. */
export const SAMPLE_RECENT_COUNT = 600
/** Of the last day, each the mean of a minute. */
export const SAMPLE_DAY_COUNT = 1440
/** Samples that such a mean is made of. */
export const SAMPLE_OF_MINUTE_COUNT = 60
/** Warnings that are shown as alarms: of a machine that warns all day the latest. */
export const NOTICE_COUNT_MAX = 20
/** How long one that came after the start is shown. */
export const NOTICE_SECONDS = 3600
/** How long the death of a worker is shown. */
export const WORKER_DEATH_ALARM_SECONDS = 600

// Times in TURN REST names

/** Names whose age at their first use is known, the oldest forgotten first. */
export const REST_AGE_COUNT_MAX = 1024
/** For how long: a clock that is put right is not told of for longer. */
export const REST_AGE_SECONDS = 3_600
/** A smaller difference is no clock's: pages load, people hesitate. */
export const REST_CLOCK_SECONDS_MIN = 120
/** Users whose names must all come old before anybody's clock is blamed. */
export const REST_CLOCK_USER_COUNT_MIN = 5
