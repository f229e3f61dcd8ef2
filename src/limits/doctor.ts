// Bounds of `turnd doctor`: people wait for it, the system's commands may hang, and the servers that it looks at are not its own.

// A run

/** Of all checks together: what is not known by then is not checked. */
export const DOCTOR_RUN_MILLISECONDS_MAX = 15_000
/** For an answer that may not come, unless the operator gives another time. */
export const DOCTOR_ANSWER_SECONDS_DEFAULT = 2
/** For such an answer: several of them fit into a run. */
export const DOCTOR_ANSWER_SECONDS_MAX = 5

// This machine

/** A command of the system answers at once, or hangs for a service that is not there. */
export const DOCTOR_COMMAND_MILLISECONDS_MAX = 2_000
/** Of its output: rules of a firewall can be many. */
export const DOCTOR_COMMAND_OUTPUT_BYTES_MAX = 4_194_304
/** A server of this machine answers at once, or hangs. */
export const DOCTOR_CONTROL_MILLISECONDS_MAX = 1_000

// A server from outside

/** Allocations at once: a firewall that opens half of the range is seen with 15 chances in 16. */
export const DOCTOR_RELAY_COUNT = 4
