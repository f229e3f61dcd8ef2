// Bounds of the engines that own the UDP sockets: what a round takes and sends, what the kernel keeps, and how long anything waits. Of one worker.

// Time

/** The longest time between two ticks of a core, for whatever an engine waits. */
export const TICK_MILLISECONDS_MAX = 50
/** For the child process that tries the C library's calls at the start. */
export const SELF_TEST_MILLISECONDS_MAX = 8_000
/** What that child may print: its result is one line. */
export const SELF_TEST_OUTPUT_BYTES_MAX = 64 * 1024

// Open files

/** The last descriptors, which clients do not get: a worker's successor with its modules needs about twenty, and gets back what the dead one had. */
export const RESERVED_DESCRIPTOR_COUNT_MAX = 32
/** Of a small limit no more than this share is kept back. */
export const RESERVED_DESCRIPTOR_PERCENT_MAX = 12.5

// Receiving, native engine

/** The longest datagram, or as many as the kernel has kept together (UDP_GRO). */
export const DATAGRAM_LENGTH_MAX = 65_536
/** Messages that a round receives before it must send: 17 MB, the largest part of a worker's fixed memory. */
export const RECEIVE_SLOT_COUNT = 256
/** With fewer free slots than this a call would be made for little. */
export const RECEIVE_SLOT_FREE_COUNT_MIN = 32
/** Messages taken from one relay in a round: a busy one must not starve the others. */
export const RELAY_MESSAGE_COUNT_MAX = 64
/** ICMP errors taken from one relay in a round. */
export const RELAY_ERROR_COUNT_MAX = 16
/** Sockets that one wait names. */
export const READY_COUNT_MAX = 256
/** Listener sockets, and local addresses of wildcard ones: a machine has few, but 127/8 alone has millions. */
export const LISTENER_COUNT_MAX = 4096
/** Sockets of single clients that have moved (RFC 8016): older kernels look at each for every datagram that comes to the listener. */
export const CLIENT_WAY_COUNT_MAX = 256
/** Between two times that unused local addresses of wildcards are forgotten, when there is no room. */
export const LISTENER_KEPT_SECONDS = 1

// Sending, native engine

/** Packets gathered before they are sent. */
export const GATHERED_PACKET_COUNT_MAX = 4096
/** Flows (a socket and a destination) that they are of. */
export const GATHERED_FLOW_COUNT_MAX = 1024
/** Places of the table that finds a flow. A power of two, for a hash to be cut to it. */
export const GATHERED_FLOW_PLACE_COUNT = 4096
/** Messages in one call. */
export const SEND_MESSAGE_COUNT_MAX = 256
/** Parts of the messages of one call: a full message of 64 packets with header, payload and padding takes 192. */
export const SEND_PART_COUNT_MAX = 4096
/** Answers and headers that wait until they are sent. */
export const STAGING_BYTES = 512 * 1024
/** What is kept free of that for the next packet's header. */
export const STAGED_BYTES_MAX = 4096
/** Destinations where segmented sends have failed, direct-mapped. */
export const GSO_REST_COUNT = 1024
/** For how long packets go there one by one. */
export const GSO_REST_SECONDS = 60

// Sockets

/** The kernel's buffers of a listener, each way; it may allow fewer (net.core.rmem_max). */
export const LISTENER_BUFFER_BYTES = 4 * 1024 * 1024
/** The same of a relay, native engine: a burst of a video key frame waits here while a round is busy. */
export const RELAY_BUFFER_BYTES = 1024 * 1024
/** The same, dgram engine. */
export const DGRAM_RELAY_BUFFER_BYTES = 512 * 1024

// Sending, dgram engine

/** What waits in memory for a listener whose kernel's buffer is full; more is dropped. libuv's own queue has no bound. */
export const LISTENER_QUEUE_BYTES_MAX = 1024 * 1024
/** The same for a relay, of which there are thousands. */
export const RELAY_QUEUE_BYTES_MAX = 128 * 1024
/** The longest UDP payload and any header. */
export const SCRATCH_BYTES = 65_536 + 64
/** The memory that packets are written to, until libuv's queue has so many of them: each takes there as much as it is long. */
export const SCRATCH_PIECE_BYTES = 256 * 1024
