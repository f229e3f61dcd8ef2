// Bounds of the connection to the Redis server of --redis, which may be down, slow, hang, or be no Redis at all.

/** From the beginning of a connection to the first answer over it. */
export const REDIS_OPEN_MILLISECONDS_MAX = 5_000
/** Between two readings of the secrets, which also tell whether the connection is alive. */
export const REDIS_READ_MILLISECONDS = 2_000
/** For the answer to such a reading: a server that takes longer hangs, and is left. */
export const REDIS_SILENCE_MILLISECONDS_MAX = 4_000
/** Before another try to connect, after the first that failed; doubled from try to try. */
export const REDIS_PAUSE_MILLISECONDS_MIN = 250
/** And at most: a server that is up again is asked that soon. */
export const REDIS_PAUSE_MILLISECONDS_MAX = 2_000
/** Commands that wait for their answers: more than the look-ups that may be under way at once. */
export const REDIS_COMMAND_COUNT_MAX = 1_024
/** Of a TURN REST secret, as of one in an option. */
export const REDIS_SECRET_LENGTH_MAX = 4_096
/** Characters of an error of the server in a sentence of ours. */
export const REDIS_ERROR_LENGTH_MAX = 100
/** Keys that the server looks at for the doctor in one go, while everybody else waits. */
export const REDIS_SCAN_COUNT = 1_000
/** How often: of a larger database the doctor has counted a part. */
export const REDIS_SCAN_ROUND_COUNT_MAX = 100
