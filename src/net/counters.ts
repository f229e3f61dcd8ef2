// What an engine counts, in one array of 64-bit numbers, so that it may lie in memory that another thread reads.

export const COUNTER_PACKETS_RECEIVED = 0
export const COUNTER_BYTES_RECEIVED = 1
export const COUNTER_RECEIVE_CALLS = 2
export const COUNTER_COALESCED_RECEIVED = 3
export const COUNTER_PACKETS_SENT = 4
export const COUNTER_BYTES_SENT = 5
export const COUNTER_SEND_CALLS = 6
export const COUNTER_GSO_SENDS = 7
export const COUNTER_GSO_SEGMENTS = 8
export const COUNTER_SEND_QUEUE_DROPS = 9
export const COUNTER_SOCKET_ERRORS = 10
export const COUNTER_ICMP_ERRORS = 11
export const COUNTER_WAITS = 12
export const COUNTER_CONNECTIONS_ACCEPTED = 13
export const COUNTER_CONNECTIONS_REFUSED = 14
export const COUNTER_CONNECTIONS_TIMED_OUT = 15
export const COUNTER_CONNECTIONS_MALFORMED = 16
export const COUNTER_HANDSHAKES = 17
export const COUNTER_HANDSHAKES_FAILED = 18
export const COUNTER_STALLED_DROPS = 19

/** Names by COUNTER_ index, for reports. Packets are datagrams, however many of them one call or one buffer carries. */
export const COUNTER_NAMES = [
  'packetsReceived',
  'bytesReceived',
  /** Calls that received something. */
  'receiveCalls',
  /** Packets that arrived together with others in one buffer (UDP_GRO). */
  'coalescedReceived',
  'packetsSent',
  'bytesSent',
  'sendCalls',
  /** Messages that were cut into packets by the kernel (UDP_SEGMENT), and the packets that left in them. */
  'gsoSends',
  'gsoSegments',
  /** Not sent, because the socket's queue was full. */
  'sendQueueDrops',
  /** Packets that the operating system refused for another reason, and errors that sockets reported. */
  'socketErrors',
  'icmpErrors',
  /** Rounds of waiting for something to do. */
  'waits',
  /** TCP connections of clients, and those of them that were closed because there were too many without an allocation, from one address or in all. */
  'connectionsAccepted',
  'connectionsRefused',
  /** Closed because a handshake, a first message or any message did not come in time. */
  'connectionsTimedOut',
  /** Closed because what came was no frame, no request for this port, or no PROXY header. */
  'connectionsMalformed',
  /** Of TLS and DTLS, completed; and those that were not. */
  'handshakes',
  'handshakesFailed',
  /** Frames that were dropped because the client does not read. */
  'stalledDrops',
] as const

export type EngineCounterName = (typeof COUNTER_NAMES)[number]

/** Zeroes, one for each name. */
export function newCounters(memory = new ArrayBuffer(COUNTER_NAMES.length * 8)): Float64Array {
  return new Float64Array(memory, 0, COUNTER_NAMES.length)
}
