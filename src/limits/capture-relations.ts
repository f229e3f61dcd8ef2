// How the bounds of captures relate. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const CAPTURE_RELATIONS: readonly Relation[] = [
  atMost('CAPTURE_SECONDS_DEFAULT', 'CAPTURE_SECONDS_MAX', 'what is not said is not more than what may be'),
  atMost('CAPTURE_BYTES_DEFAULT', 'CAPTURE_BYTES_MAX', 'what is not said is not more than what may be'),
  below('CAPTURE_BYTES_MIN', 'CAPTURE_BYTES_DEFAULT', 'what is not said is more than the least'),
  atMost('CAPTURE_BYTES_MAX', 'CAPTURE_MEMORY_BYTES_MAX', 'the largest file finds room'),
  atMost('CAPTURE_RUNNING_COUNT_MAX', 'CAPTURE_KEPT_COUNT_MAX', 'who runs is kept'),
  relation(
    ['CAPTURE_RUNNING_COUNT_MAX', 'CAPTURE_BYTES_DEFAULT', 'CAPTURE_MEMORY_BYTES_MAX'],
    'as many as may run at once find room, unless they ask for more',
    (limits) => limits.CAPTURE_RUNNING_COUNT_MAX * limits.CAPTURE_BYTES_DEFAULT <= limits.CAPTURE_MEMORY_BYTES_MAX,
  ),
  relation(
    ['CAPTURED_LENGTH_MAX', 'CAPTURE_BATCH_BYTES'],
    'a message has room for several packets',
    (limits) => 4 * limits.CAPTURED_LENGTH_MAX <= limits.CAPTURE_BATCH_BYTES,
  ),
  relation(
    ['CAPTURED_LENGTH_MAX'],
    'the length of what is kept has 16 bits',
    (limits) => limits.CAPTURED_LENGTH_MAX <= 0xffff,
  ),
]
