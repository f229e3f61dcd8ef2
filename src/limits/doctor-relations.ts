// How the bounds of the doctor relate. Part of relations.ts.
import { atMost, type Relation, relation } from './relation.js'

export const DOCTOR_RELATIONS: readonly Relation[] = [
  atMost('DOCTOR_ANSWER_SECONDS_DEFAULT', 'DOCTOR_ANSWER_SECONDS_MAX', 'what is not said is not more than what may be'),
  relation(
    ['DOCTOR_ANSWER_SECONDS_MAX', 'DOCTOR_RUN_MILLISECONDS_MAX'],
    'the first answer, and a packet that does not arrive and then does, are waited for within a run',
    (limits) => 3 * limits.DOCTOR_ANSWER_SECONDS_MAX * 1000 <= limits.DOCTOR_RUN_MILLISECONDS_MAX,
  ),
  relation(
    ['DOCTOR_COMMAND_MILLISECONDS_MAX', 'DOCTOR_RUN_MILLISECONDS_MAX'],
    'two commands of the system may hang one after the other',
    (limits) => 2 * limits.DOCTOR_COMMAND_MILLISECONDS_MAX < limits.DOCTOR_RUN_MILLISECONDS_MAX,
  ),
]
