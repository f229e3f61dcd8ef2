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
/** A test packet that has not arrived is sent again after this time; each wait is twice the last one. */
export const DOCTOR_SEND_AGAIN_MILLISECONDS = 150
/** How often: a lossy path has three more chances. */
export const DOCTOR_SEND_AGAIN_COUNT = 3
/** Requests of a stranger, until one is answered: packets get lost. */
export const DOCTOR_STRANGER_REQUEST_COUNT = 2
/** Of each: 20 bytes of header and an attribute or two. */
export const DOCTOR_STRANGER_REQUEST_LENGTH_MAX = 64
/** What comes later than this many times the first answer of the server was not meant to be answered. */
export const DOCTOR_SILENCE_ROUND_TRIP_COUNT = 5
/** And than this: a server that others use has something else to do. */
export const DOCTOR_SILENCE_MILLISECONDS_MIN = 300
/** After the first answer to a stranger, for a second one. */
export const DOCTOR_QUIET_MILLISECONDS = 200
/** Of a stranger's bytes, an answer that is worth a warning: turnd answers an Allocate with less. */
export const DOCTOR_AMPLIFICATION_WARNING_PERCENT = 350
/** One that is a fault: servers of DNS and NTP are taken off the Internet for less. */
export const DOCTOR_AMPLIFICATION_FAULT_PERCENT = 500
