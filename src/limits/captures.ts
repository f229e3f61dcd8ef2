// Bounds of captures: what of a client's packets is recorded for an operator, how much, and how much waits on its way from the workers.

// Captures

/** At once: each looks at every packet of the workers that it is on. */
export const CAPTURE_RUNNING_COUNT_MAX = 4
/** Ended ones are kept until they are removed; the oldest make room. */
export const CAPTURE_KEPT_COUNT_MAX = 16
/** The longest that one runs. */
export const CAPTURE_SECONDS_MAX = 600
/** The same where nothing is said. */
export const CAPTURE_SECONDS_DEFAULT = 60
/** Bytes of one file, the most that may be asked for. */
export const CAPTURE_BYTES_MAX = 64 * 1024 * 1024
/** The least: what every file begins and ends with fits many times. */
export const CAPTURE_BYTES_MIN = 4096
/** The same where nothing is said: some minutes of a video call. */
export const CAPTURE_BYTES_DEFAULT = 16 * 1024 * 1024
/** Of all files together: a running one counts as what it may become. */
export const CAPTURE_MEMORY_BYTES_MAX = 128 * 1024 * 1024
/** Downloads at a time: each holds a file, of a running capture a copy, until a reader who may be slow has it; over TLS twice. */
export const CAPTURE_DOWNLOAD_COUNT_MAX = 2

// Packets on their way

/** What is kept of one packet: more than passes unfragmented nearly anywhere. Its length is recorded as it was. */
export const CAPTURED_LENGTH_MAX = 2048
/** Packets that a worker gathers before it posts them; what has been gathered is posted at the end of each round. */
export const CAPTURE_BATCH_BYTES = 64 * 1024
/** Messages of one worker, and of all its captures, that the main thread has not read: more packets are lost, and counted. */
export const CAPTURE_BATCH_UNREAD_COUNT_MAX = 64
