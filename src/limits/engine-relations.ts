// The relations between bounds of the engines, and of what is told to people.
import { atMost, below, powerOfTwo, type Relation, relation } from './relation.js'

export const ENGINE_RELATIONS: readonly Relation[] = [
  relation(['TICK_MILLISECONDS_MAX'], 'a core is told the time ten times a second at least', (limits) => {
    return limits.TICK_MILLISECONDS_MAX <= 100
  }),
  below('RECEIVE_SLOT_FREE_COUNT_MIN', 'RECEIVE_SLOT_COUNT', 'slots are received into before they are all used'),
  atMost('RELAY_MESSAGE_COUNT_MAX', 'RECEIVE_SLOT_COUNT', 'what a relay may bring in a round finds slots'),
  relation(
    ['RECEIVE_SLOT_COUNT'],
    'one call takes so many messages (UIO_MAXIOV)',
    (limits) => limits.RECEIVE_SLOT_COUNT <= 1024,
  ),
  relation(['SEND_MESSAGE_COUNT_MAX'], 'one call takes so many messages (UIO_MAXIOV)', (limits) => {
    return limits.SEND_MESSAGE_COUNT_MAX <= 1024
  }),
  relation(['SEND_PART_COUNT_MAX'], 'the parts of a full message, 64 packets of three, fit', (limits) => {
    return limits.SEND_PART_COUNT_MAX >= 3 * 64
  }),
  relation(
    ['GATHERED_FLOW_PLACE_COUNT', 'GATHERED_FLOW_COUNT_MAX'],
    'the table that finds a flow is never more than half full, so that a look-up ends',
    (limits) => limits.GATHERED_FLOW_PLACE_COUNT >= 2 * limits.GATHERED_FLOW_COUNT_MAX,
  ),
  powerOfTwo('GATHERED_FLOW_PLACE_COUNT'),
  atMost('GATHERED_FLOW_COUNT_MAX', 'GATHERED_PACKET_COUNT_MAX', 'a flow has a packet'),
  below('STAGED_BYTES_MAX', 'STAGING_BYTES', 'there is room for more than one'),
  powerOfTwo('LISTENER_COUNT_MAX'),
  relation(['LISTENER_COUNT_MAX'], 'the listeners of streams are numbered from 0x10000 on', (limits) => {
    return limits.LISTENER_COUNT_MAX <= 0x10000
  }),
  atMost('DATAGRAM_LENGTH_MAX', 'SCRATCH_BYTES', 'any datagram can be sent on with its header'),
  atMost('SCRATCH_BYTES', 'SCRATCH_PIECE_BYTES', 'a piece has room for one packet at least'),
  atMost('SCRATCH_BYTES', 'RELAY_QUEUE_BYTES_MAX', 'the longest packet may wait'),
  atMost('RELAY_QUEUE_BYTES_MAX', 'LISTENER_QUEUE_BYTES_MAX', 'a listener sends for all relays'),
  atMost('RELAY_BUFFER_BYTES', 'LISTENER_BUFFER_BYTES', 'a listener receives for all relays'),
]

export const REPORT_RELATIONS: readonly Relation[] = [
  below('REFUSAL_LINES_OF_SOURCE_PER_SECOND_MAX', 'REFUSAL_LINES_PER_SECOND_MAX', 'a noisy source hides no other'),
  below(
    'CONNECTION_LINES_OF_SOURCE_PER_SECOND_MAX',
    'CONNECTION_LINES_PER_SECOND_MAX',
    'a noisy source hides no other',
  ),
  below('REFUSALS_OF_SOURCE_PER_SECOND_MAX', 'REFUSALS_PER_SECOND_MAX', 'a noisy source hides no other'),
  below('STRANGER_REFUSALS_PER_SECOND_MAX', 'REFUSALS_PER_SECOND_MAX', 'made-up names hide no user'),
  below(
    'STRANGER_REFUSALS_OF_SOURCE_PER_SECOND_MAX',
    'REFUSALS_OF_SOURCE_PER_SECOND_MAX',
    'made-up names hide no user behind the same address',
  ),
  below(
    'STRANGER_REFUSALS_OF_SOURCE_PER_SECOND_MAX',
    'STRANGER_REFUSALS_PER_SECOND_MAX',
    'a noisy source hides no other',
  ),
  below(
    'CONNECTION_REFUSALS_OF_SOURCE_PER_SECOND_MAX',
    'CONNECTION_REFUSALS_PER_SECOND_MAX',
    'a noisy source hides no other',
  ),
  below(
    'CONNECTION_LINES_PER_SECOND_MAX',
    'CONNECTION_REFUSALS_PER_SECOND_MAX',
    'the main thread chooses which ones have a line',
  ),
  below('DIGEST_ENTRY_OF_SOURCE_COUNT_MAX', 'DIGEST_ENTRY_COUNT_MAX', 'one source does not fill the room of a reason'),
  below('CONTROL_REQUEST_BYTES_MAX', 'CONTROL_ANSWER_BYTES_MAX', 'questions are short'),
  below('REFUSAL_LINES_PER_SECOND_MAX', 'REFUSALS_PER_SECOND_MAX', 'the main thread chooses which ones have a line'),
  atMost('REFUSALS_PER_SECOND_MAX', 'REFUSAL_RING_COUNT', 'the ring explains a whole second of a flood'),
  atMost('REFUSAL_TEXT_LENGTH_MAX', 'USERNAME_LENGTH_MAX', 'a name is cut, and never made longer'),
  atMost('RELAY_COUNT_MAX', 'REPORT_WAITING_COUNT_MAX', 'the end of all relays of a worker at once is reported'),
  below('REPORT_BATCH_COUNT_MAX', 'REPORT_WAITING_COUNT_MAX', 'what is not read is bounded by number'),
  atMost('BATCH_OF_TICK_COUNT_MAX', 'BATCH_UNREAD_COUNT_MAX', 'a tick does not use up what may be unread'),
  relation(
    ['WORKER_ANSWER_MILLISECONDS_MAX', 'TICK_MILLISECONDS_MAX'],
    'a worker has looked for commands many times before it is said to hang',
    (limits) => limits.WORKER_ANSWER_MILLISECONDS_MAX >= 20 * limits.TICK_MILLISECONDS_MAX,
  ),
  relation(
    ['LOCK_TAKEOVER_MILLISECONDS', 'WORKER_ANSWER_MILLISECONDS_MAX'],
    'a lock is taken over before the worker that waits for it is said to hang',
    (limits) => limits.LOCK_TAKEOVER_MILLISECONDS < limits.WORKER_ANSWER_MILLISECONDS_MAX,
  ),
  relation(
    ['WORKER_RESTART_SECONDS_MAX', 'WORKER_LIFETIME_MILLISECONDS_LONG'],
    'who waited for the longest time counts its deaths anew only after it has lived',
    (limits) => limits.WORKER_RESTART_SECONDS_MAX * 1000 < limits.WORKER_LIFETIME_MILLISECONDS_LONG,
  ),
  below('FILE_BYTES_MAX', 'USERS_FILE_BYTES_MAX', 'there are many users'),
  relation(
    ['USERS_FILE_BYTES_MAX'],
    'its text is a string that V8 can make',
    (limits) => limits.USERS_FILE_BYTES_MAX < 2 ** 29 - 24,
  ),
]
