// How the bounds of the doctor relate. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const DOCTOR_RELATIONS: readonly Relation[] = [
  atMost('DOCTOR_ANSWER_SECONDS_DEFAULT', 'DOCTOR_ANSWER_SECONDS_MAX', 'what is not said is not more than what may be'),
  relation(
    ['DOCTOR_ANSWER_SECONDS_MAX', 'DOCTOR_ANSWER_COUNT_MAX', 'DOCTOR_WORK_MILLISECONDS_MAX'],
    'the longest run is over within a minute',
    (limits) =>
      limits.DOCTOR_ANSWER_SECONDS_MAX * 1000 * limits.DOCTOR_ANSWER_COUNT_MAX + limits.DOCTOR_WORK_MILLISECONDS_MAX <=
      60_000,
  ),
  below('DOCTOR_AMPLIFICATION_WARNING_PERCENT', 'DOCTOR_AMPLIFICATION_FAULT_PERCENT', 'a warning comes before a fault'),
  relation(
    ['DOCTOR_SEND_AGAIN_MILLISECONDS', 'DOCTOR_SEND_AGAIN_COUNT', 'DOCTOR_ANSWER_SECONDS_DEFAULT'],
    'the last chance of a test packet comes long before patience ends',
    (limits) => {
      const waits = (2 ** limits.DOCTOR_SEND_AGAIN_COUNT - 1) * limits.DOCTOR_SEND_AGAIN_MILLISECONDS
      return 1.5 * waits <= limits.DOCTOR_ANSWER_SECONDS_DEFAULT * 1000
    },
  ),
  relation(
    ['DOCTOR_COMMAND_MILLISECONDS_MAX', 'DOCTOR_WORK_MILLISECONDS_MAX'],
    'two commands of the system may hang one after the other',
    (limits) => 2 * limits.DOCTOR_COMMAND_MILLISECONDS_MAX <= limits.DOCTOR_WORK_MILLISECONDS_MAX,
  ),
]
