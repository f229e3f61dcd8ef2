// The relations between bounds of messages and of the protocol's state.
import { atMost, below, powerOfTwo, type Relation, relation } from './relation.js'

const TICK_MILLISECONDS = 10

export const MESSAGE_RELATIONS: readonly Relation[] = [
  atMost('FRAME_LENGTH_MAX_UNAUTHENTICATED', 'SMALL_CHUNK_BYTES', 'a stranger never makes a queue take a large chunk'),
  atMost('FRAME_LENGTH_MAX_UNAUTHENTICATED', 'FRAME_LENGTH_MAX', 'an allocation opens a connection wider'),
  below('USERNAME_LENGTH_MAX', 'FRAME_LENGTH_MAX_UNAUTHENTICATED', 'a request with the longest user name is a frame'),
  relation(
    ['ANSWER_LENGTH_MAX', 'REALM_LENGTH_MAX', 'ATTRIBUTE_COUNT_MAX'],
    'header, error with its phrase, realm, nonce, offer, list of unknown attributes, integrity and fingerprint fit an answer (240 without realm and list)',
    (limits) => 240 + limits.REALM_LENGTH_MAX + 2 * limits.ATTRIBUTE_COUNT_MAX <= limits.ANSWER_LENGTH_MAX,
  ),
  atMost('ANSWER_LENGTH_MAX', 'STAGED_BYTES_MAX', 'an answer fits what the native engine keeps free for it'),
  atMost('ANSWER_LENGTH_MAX', 'SMALL_CHUNK_BYTES', 'an answer fits a small chunk'),
  below('ANSWER_LENGTH_MAX', 'ANSWER_BYTES_MAX', 'a client may leave more than one answer unread'),
  relation(
    ['FRAME_LENGTH_MAX', 'LARGE_CHUNK_BYTES'],
    'a frame with its padding, or a Data indication that is 44 bytes longer, fits a chunk',
    (limits) => limits.FRAME_LENGTH_MAX + 44 + 3 <= limits.LARGE_CHUNK_BYTES,
  ),
  below('PROXY_V1_LENGTH_MAX', 'PROXY_V2_LENGTH_MAX', 'one bound of the head that is kept serves both versions'),
  atMost('PROXY_V2_LENGTH_MAX', 'READ_BYTES_MAX', 'a header comes with one read unless it trickles'),
]

export const TURN_RELATIONS: readonly Relation[] = [
  powerOfTwo('RELAY_COUNT_MAX'),
  relation(['RELAY_COUNT_MAX'], 'a relay number, 14 bits of generation and the slot, is a small integer', (limits) => {
    return limits.RELAY_COUNT_MAX * 2 ** 14 <= 2 ** 30
  }),
  relation(['RELAY_COUNT_MAX'], 'one worker alone can hold all ports of a relay address', (limits) => {
    return limits.RELAY_COUNT_MAX >= 65_535
  }),
  relation(
    ['ALLOCATION_COUNT_MAX', 'RELAY_COUNT_MAX', 'WORKER_COUNT_MAX'],
    'the relays of all workers are enough for every allocation that --max-allocations can name, with one of each family',
    (limits) => 2 * limits.ALLOCATION_COUNT_MAX <= limits.RELAY_COUNT_MAX * limits.WORKER_COUNT_MAX,
  ),
  relation(
    ['WORKER_COUNT_MAX'],
    "a worker's mark is a byte that is neither 0 nor one of the two with a meaning",
    (limits) => {
      return limits.WORKER_COUNT_MAX + 1 < 0xff
    },
  ),
  atMost('ALLOCATION_COUNT_DEFAULT', 'ALLOCATION_COUNT_MAX', 'the default is a value that the option takes'),
  atMost('ALLOCATION_COUNT_DEFAULT', 'RELAY_COUNT_MAX', 'whichever worker the kernel gives the clients to has room'),
  atMost('PERMISSION_COUNT_DEFAULT', 'PERMISSION_COUNT_MAX', 'the default is a value that the option takes'),
  atMost('CHANNEL_COUNT_DEFAULT', 'CHANNEL_COUNT_MAX', 'the default is a value that the option takes'),
  relation(['CHANNEL_COUNT_MAX'], 'each channel has a number from 0x4000 to 0x7FFE', (limits) => {
    return limits.CHANNEL_COUNT_MAX <= 0x7fff - 0x4000
  }),
  atMost('CHANNEL_COUNT_MAX', 'PERMISSION_COUNT_MAX', 'a channel has a permission, maybe of its own'),
  below('PERMISSION_COUNT_DEFAULT', 'ATTRIBUTE_COUNT_MAX', 'one request can ask for all permissions of an allocation'),
  below(
    'PERMISSION_LIFETIME_SECONDS',
    'CHANNEL_LIFETIME_SECONDS',
    'RFC 8656 §12: a binding outlives the permission that it refreshes',
  ),
  atMost('LIFETIME_SECONDS_DEFAULT', 'LIFETIME_SECONDS_MAX', 'what is granted lies between the two'),
  relation(
    ['LIFETIME_SECONDS_MAX', 'EXPIRY_BUCKET_COUNT'],
    'no bucket of the wheel holds relays of two rounds',
    (limits) => limits.LIFETIME_SECONDS_MAX + 2 <= limits.EXPIRY_BUCKET_COUNT,
  ),
  atMost(
    'RESERVATION_LIFETIME_SECONDS',
    'LIFETIME_SECONDS_DEFAULT',
    'a reserved port costs its user less than an allocation',
  ),
  atMost(
    'PEER_CONNECTION_COUNT_MAX',
    'PEER_CONNECTION_SLOT_COUNT',
    'one allocation must not have all slots of its worker',
  ),
  relation(
    ['PEER_CONNECTION_WAIT_SECONDS', 'RESERVATION_LIFETIME_SECONDS'],
    'the RFCs want at least 30 s of each',
    (limits) => {
      return limits.PEER_CONNECTION_WAIT_SECONDS >= 30 && limits.RESERVATION_LIFETIME_SECONDS >= 30
    },
  ),
  relation(
    ['BANDWIDTH_BUCKET_TICKS', 'TICK_MILLISECONDS_MAX'],
    'a bucket does not overflow between two ticks, however late the second one is',
    (limits) => limits.BANDWIDTH_BUCKET_TICKS * TICK_MILLISECONDS >= 2 * limits.TICK_MILLISECONDS_MAX,
  ),
  relation(
    ['BANDWIDTH_SIT_OUT_TICKS_MAX', 'BANDWIDTH_BUCKET_TICKS'],
    'the bucket does not overflow while all workers sit out',
    (limits) => 2 * limits.BANDWIDTH_SIT_OUT_TICKS_MAX < limits.BANDWIDTH_BUCKET_TICKS,
  ),
  powerOfTwo('BANDWIDTH_SIT_OUT_TICKS_MAX'),
  powerOfTwo('SOURCE_SET_COUNT'),
  atMost(
    'UNAUTHENTICATED_ANSWERS_PER_SECOND',
    'UNAUTHENTICATED_ANSWERS_PER_SECOND_MAX',
    'the default is a value that the option takes',
  ),
  relation(
    ['FAILURE_COUNT_MAX', 'FAILURE_PERIOD_SECONDS', 'UNAUTHENTICATED_ANSWERS_PER_SECOND'],
    'failures are refused before answers are: a source that guesses keeps its challenges',
    (limits) => limits.FAILURE_COUNT_MAX / limits.FAILURE_PERIOD_SECONDS < limits.UNAUTHENTICATED_ANSWERS_PER_SECOND,
  ),
  relation(
    ['FAILURE_COUNT_MAX', 'UNAUTHENTICATED_ANSWERS_PER_SECOND', 'UNAUTHENTICATED_BURST_SECONDS'],
    'the failure budget is spent before the burst of answers is',
    (limits) =>
      limits.FAILURE_COUNT_MAX < limits.UNAUTHENTICATED_ANSWERS_PER_SECOND * limits.UNAUTHENTICATED_BURST_SECONDS,
  ),
  atMost(
    'PERMISSION_LIFETIME_SECONDS',
    'NONCE_LIFETIME_SECONDS',
    'one refresh of a permission does not need a new nonce',
  ),
  relation(['NONCE_LIFETIME_SECONDS'], 'the 24 bits of its time do not come round within it', (limits) => {
    return limits.NONCE_LIFETIME_SECONDS < 2 ** 23
  }),
]
