// Bounds of clients over TCP and TLS, of connections of TCP relays, and of what waits for those who do not read. Of one worker unless it says otherwise.

// Connections

/** Connections of clients, of whatever state; more are reset. */
export const STREAM_CONNECTION_COUNT_MAX = 65_536
/**
 * Connections without an allocation; the oldest makes room, so that slow ones shut no newcomer out. Each may be a TLS handshake, for which
 * OpenSSL and Node take up to 96 KiB; so many are begun in some four seconds of a core.
 */
export const UNALLOCATED_CONNECTION_COUNT_MAX = 4_096
/** Connections without an allocation of one source, of all workers: an office behind one address, or a proxy that tells no client's. */
export const UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX = 256
/** Rows of the table that counts them, which never grows: a source is over the cap when its bucket of each row is. */
export const CONNECTION_CAP_ROW_COUNT = 2
/** Buckets of a row. A power of two, for a hash to be cut to it. */
export const CONNECTION_CAP_BUCKET_COUNT = 16_384
/** Connections that the kernel completes before they are accepted, of one listener; it may allow fewer (net.core.somaxconn). */
export const LISTENER_BACKLOG_COUNT = 1024
/** Connections that wait while other listeners are being opened; more are closed. */
export const EARLY_CONNECTION_COUNT_MAX = 1024

// Deadlines of connections: bytes that trickle in do not move them

/** Since it was accepted, or since its handshake: PROXY header, first bytes, and the first whole message or head of a request together. */
export const FIRST_MESSAGE_MILLISECONDS_MAX = 10_000
/** Since the first bytes that are TLS. */
export const HANDSHAKE_MILLISECONDS_MAX = 10_000
/** Since the last whole frame, without an allocation: clients keep theirs alive every 15 s to 25 s. */
export const IDLE_MILLISECONDS_MAX = 30_000
/** For what is queued to leave, after which the connection is destroyed. */
export const CLOSING_MILLISECONDS_MAX = 2_000
/** After so long without a byte the kernel probes whether the client is there. */
export const KEEP_ALIVE_MILLISECONDS = 60_000
/** TLS session tickets of older keys mean a whole handshake: RFC 9325 §3.4 wants keys changed within a week. */
export const TICKET_KEYS_MILLISECONDS = 24 * 3600 * 1000

// What waits for a client that does not read

/** Data for one client; beyond it whole frames are dropped. A second of 2 Mbit/s. */
export const QUEUED_BYTES_MAX = 256 * 1024
/** Data is dropped while the oldest byte has waited longer: a late frame of a call is of no use. */
export const QUEUED_MILLISECONDS_MAX = 200
/** Answers for one client, beside the data; who leaves more unread is cut off. */
export const ANSWER_BYTES_MAX = 64 * 1024
/** Memory of the queues of all clients that data may take. */
export const QUEUE_MEMORY_BYTES_MAX = 128 * 1024 * 1024
/** Memory beyond that for answers: past it whoever has something unread already is cut off at the next answer. */
export const ANSWER_MEMORY_BYTES_MAX = 32 * 1024 * 1024
/** One client may have this part of the memory that is free: a thousand who do not read leave the others enough. */
export const QUEUE_SHARE_COUNT = 16
/** A chunk of a queue: enough for most turns of most connections. */
export const SMALL_CHUNK_BYTES = 4096
/** A chunk for more: takes the longest frame, which is the longest UDP payload with its header and padding. */
export const LARGE_CHUNK_BYTES = 68 * 1024
/** Free chunks of 4 KiB that are kept. */
export const SMALL_CHUNK_FREE_COUNT_MAX = 1024
/** Free chunks of 68 KiB that are kept. */
export const LARGE_CHUNK_FREE_COUNT_MAX = 256
/** What the kernel takes of a connection before it can be sent; without a limit it takes megabytes for a client that has stopped reading. */
export const KERNEL_UNSENT_BYTES_MAX = 128 * 1024

// Data connections of TCP relays

/** Bytes that wait in memory for one side that does not read, after which the other side is not read from. */
export const FLOW_QUEUED_BYTES_MAX = 256 * 1024
/** The same of all data connections: one may have the same part of what is free as a client of its queue. */
export const FLOW_MEMORY_BYTES_MAX = 128 * 1024 * 1024
/** What one read of a connection brings at most: more than its bound may wait by so much. */
export const READ_BYTES_MAX = 64 * 1024
/** Bytes that are asked of a bandwidth limit at once: with a whole read a low limit would be bursts and long waits. */
export const FLOW_ADMISSION_BYTES_MAX = 16 * 1024
/** When one direction has ended, the pair ends after this time without a byte in the other one. */
export const HALF_CLOSED_IDLE_MILLISECONDS_MAX = 60_000
/** Connections that the kernel completes for one TCP relay before they are accepted; more of them wait for a retransmission. */
export const PEER_BACKLOG_COUNT = 64
