// The relations between bounds of user stores outside this process. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const OUTSIDE_RELATIONS: readonly Relation[] = [
  atMost('LOOKUP_TTL_SECONDS_DEFAULT', 'LOOKUP_TTL_SECONDS_MAX', 'what is not said is not more than what may be'),
  atMost('LOOKUP_OUTAGE_SECONDS_DEFAULT', 'LOOKUP_OUTAGE_SECONDS_MAX', 'what is not said is not more than what may be'),
  atMost('LOOKUP_SECONDS_DEFAULT', 'LOOKUP_SECONDS_MAX', 'what is not said is not more than what may be'),
  below(
    'LOOKUP_REFUSAL_SECONDS_MAX',
    'LOOKUP_TTL_SECONDS_DEFAULT',
    'who is known is asked for less often than who is refused',
  ),
  atMost('PARKED_OF_SOURCE_COUNT_MAX', 'PARKED_COUNT_MAX', 'a source has a share of the places'),
  atMost('PARKED_COUNT_MAX', 'LOOKUP_WAITING_COUNT_MAX', 'all that one worker may ask for is asked'),
  atMost('LOOKUP_CONCURRENT_COUNT_MAX', 'LOOKUP_WAITING_COUNT_MAX', 'those that are asked have been waiting'),
  relation(
    ['STORE_PATIENCE_MILLISECONDS', 'LOOKUP_SECONDS_DEFAULT'],
    'a store that says nothing at all is silent',
    (limits) => limits.STORE_PATIENCE_MILLISECONDS < limits.LOOKUP_SECONDS_DEFAULT * 1000,
  ),
  below(
    'STORE_REST_SECONDS',
    'LOOKUP_REFUSAL_SECONDS_MAX',
    'a store is asked again before what it said last is too old',
  ),
  relation(
    ['LOOKUP_SECONDS_MAX', 'PARKED_EXTRA_SECONDS', 'CLIENT_ANSWER_MILLISECONDS_MAX'],
    'a client still waits when its request is answered or given up',
    (limits) =>
      (limits.LOOKUP_SECONDS_MAX + limits.PARKED_EXTRA_SECONDS) * 1000 < limits.CLIENT_ANSWER_MILLISECONDS_MAX,
  ),
]
