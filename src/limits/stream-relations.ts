// The relations between bounds of clients over TCP, TLS, HTTP and DTLS.
import { atMost, below, powerOfTwo, type Relation, relation } from './relation.js'

export const STREAM_RELATIONS: readonly Relation[] = [
  below(
    'UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX',
    'UNALLOCATED_CONNECTION_COUNT_MAX',
    'one source must not have all places',
  ),
  below(
    'UNALLOCATED_CONNECTION_COUNT_MAX',
    'STREAM_CONNECTION_COUNT_MAX',
    'strangers must not take the places of clients',
  ),
  atMost('ALLOCATION_COUNT_DEFAULT', 'STREAM_CONNECTION_COUNT_MAX', 'each allocation of the licence may come over TCP'),
  atMost(
    'EARLY_CONNECTION_COUNT_MAX',
    'UNALLOCATED_CONNECTION_COUNT_MAX',
    'who waited for the start is not displaced at once',
  ),
  powerOfTwo('CONNECTION_CAP_BUCKET_COUNT'),
  relation(
    ['CONNECTION_CAP_BUCKET_COUNT', 'CONNECTION_CAP_ROW_COUNT'],
    'a ticket, a bucket of each of two rows, is a small integer',
    (limits) => {
      return limits.CONNECTION_CAP_ROW_COUNT === 2 && limits.CONNECTION_CAP_BUCKET_COUNT ** 2 <= 2 ** 30
    },
  ),
  relation(['STREAM_CONNECTION_COUNT_MAX'], 'a new connection finds a number that none has', (limits) => {
    return limits.STREAM_CONNECTION_COUNT_MAX < 2 ** 29
  }),
  atMost(
    'FIRST_MESSAGE_MILLISECONDS_MAX',
    'IDLE_MILLISECONDS_MAX',
    'who has shown nothing waits no longer than who has',
  ),
  atMost('HANDSHAKE_MILLISECONDS_MAX', 'IDLE_MILLISECONDS_MAX', 'who has shown nothing waits no longer than who has'),
  below(
    'CLOSING_MILLISECONDS_MAX',
    'FIRST_MESSAGE_MILLISECONDS_MAX',
    'what is over holds its memory for less time than what begins',
  ),
  relation(
    ['IDLE_MILLISECONDS_MAX', 'LIFETIME_SECONDS_DEFAULT'],
    'a client that goes away without a word is noticed by its allocation, not by this deadline',
    (limits) => limits.IDLE_MILLISECONDS_MAX < limits.LIFETIME_SECONDS_DEFAULT * 1000,
  ),
  below('ANSWER_BYTES_MAX', 'QUEUED_BYTES_MAX', 'answers have the smaller share'),
  below('ANSWER_MEMORY_BYTES_MAX', 'QUEUE_MEMORY_BYTES_MAX', 'answers have the smaller share'),
  relation(
    ['QUEUED_BYTES_MAX', 'QUEUE_MEMORY_BYTES_MAX', 'QUEUE_SHARE_COUNT'],
    'one client alone may have all that one may have',
    (limits) => limits.QUEUED_BYTES_MAX <= limits.QUEUE_MEMORY_BYTES_MAX / limits.QUEUE_SHARE_COUNT,
  ),
  relation(
    ['FLOW_QUEUED_BYTES_MAX', 'FLOW_MEMORY_BYTES_MAX', 'QUEUE_SHARE_COUNT'],
    'one data connection alone may have all that one may have',
    (limits) => limits.FLOW_QUEUED_BYTES_MAX <= limits.FLOW_MEMORY_BYTES_MAX / limits.QUEUE_SHARE_COUNT,
  ),
  below('TICK_MILLISECONDS_MAX', 'QUEUED_MILLISECONDS_MAX', 'data is not too old because of one long turn of ours'),
  below('SMALL_CHUNK_BYTES', 'LARGE_CHUNK_BYTES', 'there are two sizes'),
  below('LARGE_CHUNK_BYTES', 'QUEUED_BYTES_MAX', 'the longest frame finds room'),
  relation(
    [
      'SMALL_CHUNK_FREE_COUNT_MAX',
      'LARGE_CHUNK_FREE_COUNT_MAX',
      'SMALL_CHUNK_BYTES',
      'LARGE_CHUNK_BYTES',
      'QUEUE_MEMORY_BYTES_MAX',
    ],
    'what is kept free is less than what may be used',
    (limits) =>
      limits.SMALL_CHUNK_FREE_COUNT_MAX * limits.SMALL_CHUNK_BYTES +
        limits.LARGE_CHUNK_FREE_COUNT_MAX * limits.LARGE_CHUNK_BYTES <
      limits.QUEUE_MEMORY_BYTES_MAX,
  ),
  below('KERNEL_UNSENT_BYTES_MAX', 'QUEUED_BYTES_MAX', 'what waits, waits where it can be counted and dropped'),
  atMost('FLOW_ADMISSION_BYTES_MAX', 'READ_BYTES_MAX', 'a read is asked for in one piece or more'),
  atMost('READ_BYTES_MAX', 'FLOW_QUEUED_BYTES_MAX', 'a whole read may wait'),
]

export const HTTP_RELATIONS: readonly Relation[] = [
  below('HTTP_CONNECTION_OF_SOURCE_COUNT_MAX', 'HTTP_CONNECTION_COUNT_MAX', 'one source must not have all places'),
  below('HTTP_REQUEST_OF_SOURCE_COUNT_MAX', 'HTTP_REQUEST_COUNT_MAX', 'one source must not have all places'),
  below('HTTP_CONNECTION_COUNT_MAX', 'STREAM_CONNECTION_COUNT_MAX', 'pages must not take the places of clients'),
  atMost(
    'HTTP_CONNECTION_OF_SOURCE_COUNT_MAX',
    'HTTP_REQUEST_OF_SOURCE_COUNT_MAX',
    'each connection may have a request',
  ),
  atMost('HTTP_CONNECTION_COUNT_MAX', 'HTTP_REQUEST_COUNT_MAX', 'each connection may have a request'),
  below(
    'HTTP_PIPELINED_COUNT_MAX',
    'HTTP_REQUEST_OF_SOURCE_COUNT_MAX',
    'one connection must not have all requests of its source',
  ),
  atMost('HTTP_HEAD_MILLISECONDS_MAX', 'HTTP_KEEP_ALIVE_MILLISECONDS_MAX', 'a head takes less than the wait for one'),
  below(
    'HTTP_SILENCE_MILLISECONDS_MAX',
    'HTTP_REQUEST_MILLISECONDS_MAX',
    'a request that is silent ends before one that is long',
  ),
  below(
    'UPSTREAM_CONNECT_MILLISECONDS_MAX',
    'UPSTREAM_ANSWER_MILLISECONDS_MAX',
    'an upstream that is down is told from a slow one',
  ),
  atMost(
    'UPSTREAM_ANSWER_MILLISECONDS_MAX',
    'HTTP_SILENCE_MILLISECONDS_MAX',
    'the client gets the 504, and not a closed connection',
  ),
  atMost('UPSTREAM_IDLE_COUNT_MAX', 'HTTP_REQUEST_COUNT_MAX', 'no more wait than were ever used'),
  below('HTTP_HEAD_BYTES_MAX', 'READ_BYTES_MAX', 'a head is bounded before it is read'),
]

export const DTLS_RELATIONS: readonly Relation[] = [
  atMost('DTLS_HALF_OPEN_COUNT_MAX', 'DTLS_UNALLOCATED_COUNT_MAX', 'a handshake that is under way has no allocation'),
  below('DTLS_UNALLOCATED_COUNT_MAX', 'DTLS_SESSION_COUNT_MAX', 'strangers must not take the places of clients'),
  below(
    'DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX',
    'DTLS_HALF_OPEN_COUNT_MAX',
    'one source must not displace the handshakes of all others',
  ),
  atMost('DTLS_HANDSHAKE_SECONDS_MAX', 'DTLS_IDLE_SECONDS_MAX', 'who has shown nothing waits no longer than who has'),
  below(
    'DTLS_HANDSHAKE_SECONDS_MAX',
    'DTLS_COOKIE_PERIOD_SECONDS',
    'a ClientHello that is sent again has a cookie that is good',
  ),
  relation(
    ['DTLS_FRAME_PIECE_BYTES', 'DTLS_OUTPUT_LENGTH'],
    'a record with its header, 16,717 bytes, fits',
    (limits) => {
      return Math.min(limits.DTLS_FRAME_PIECE_BYTES, limits.DTLS_OUTPUT_LENGTH) >= 2 * 16_717
    },
  ),
  relation(
    ['STAGING_BYTES', 'STAGED_BYTES_MAX'],
    'the longest record of DTLS fits what the native engine sends from',
    (limits) => {
      return limits.STAGING_BYTES - limits.STAGED_BYTES_MAX >= 16_717
    },
  ),
]
