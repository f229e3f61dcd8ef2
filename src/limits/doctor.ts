// Bounds of `turnd doctor`: people wait for it, the system's commands may hang, and the servers that it looks at are not its own.

// A run

/** Of all checks together, beside what is waited for: what is not known by then is not checked. */
export const DOCTOR_WORK_MILLISECONDS_MAX = 4_000
/** Answers that may not come and are waited for one after the other: who waits longer for each has a longer run. */
export const DOCTOR_ANSWER_COUNT_MAX = 6
/** For an answer that may not come, unless the operator gives another time. */
export const DOCTOR_ANSWER_SECONDS_DEFAULT = 2
/** For such an answer: a run of them is not longer than people wait. */
export const DOCTOR_ANSWER_SECONDS_MAX = 5

// This machine

/** A command of the system answers at once, or hangs for a service that is not there. */
export const DOCTOR_COMMAND_MILLISECONDS_MAX = 2_000
/** Of its output: rules of a firewall can be many. */
export const DOCTOR_COMMAND_OUTPUT_BYTES_MAX = 4_194_304
/** From chain to chain of its firewall: deeper than the kernel allows is no ruleset. */
export const DOCTOR_FIREWALL_JUMP_COUNT_MAX = 16
/** A server of this machine answers at once, or hangs. */
export const DOCTOR_CONTROL_MILLISECONDS_MAX = 1_000

// A server from outside

/** Allocations at once: a firewall that opens half of the range is seen with 15 chances in 16. */
export const DOCTOR_RELAY_COUNT = 4
