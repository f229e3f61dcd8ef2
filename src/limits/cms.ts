// Bounds of the CMS API (/api/v1/turnServers): what a call bridge may be told of, and how often TURN servers are measured for it. Of the main thread.

// TURN servers of a call bridge

/** Objects: a cluster of the largest kind has some ten. Each is measured again and again. */
export const CMS_TURN_SERVER_COUNT_MAX = 64
/** An address: the longest DNS name (RFC 1035 §3.1), or an IPv6 address in brackets, with a port. */
export const CMS_ADDRESS_LENGTH_MAX = 260
/** Of a parameter's name that nobody knows, when it is told again: whoever asks chooses it. */
export const CMS_NAME_LENGTH_SHOWN_MAX = 40

// Measurements

/** Between the end of one measurement of a TURN server and the next. */
export const CMS_MEASURE_INTERVAL_MILLISECONDS = 5_000
/** By which that is longer or shorter, by chance: many objects are not measured in step, nor those of many call bridges. */
export const CMS_MEASURE_JITTER_PERCENT = 20
/** Whoever asks for the status gets the last one if it is so new: asking in a loop sends no more packets. */
export const CMS_MEASURE_FRESH_MILLISECONDS = 1_000
/** For a name, over UDP, and over TCP: a status takes three of these where nobody answers, and a call would not wait longer. */
export const CMS_ANSWER_MILLISECONDS_MAX = 2_000
/** Addresses of a name that are measured. */
export const CMS_HOST_COUNT_MAX = 4
/** Addresses that are measured at once, of all objects: the others wait for their turn, which comes first for those whose status somebody asks for. */
export const CMS_MEASURING_COUNT_MAX = 64
