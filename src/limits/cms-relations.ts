// The relations between bounds of the CMS API. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const CMS_RELATIONS: readonly Relation[] = [
  atMost('CMS_HOST_COUNT_MAX', 'CLIENT_ADDRESS_COUNT_MAX', 'no more can be measured than are looked up'),
  atMost('CMS_HOST_COUNT_MAX', 'CMS_MEASURING_COUNT_MAX', 'one object is measured without waiting for itself'),
  below(
    'CMS_MEASURE_FRESH_MILLISECONDS',
    'CMS_MEASURE_INTERVAL_MILLISECONDS',
    'whoever asks may learn more than what is measured anyway',
  ),
  relation(
    [
      'CMS_ANSWER_MILLISECONDS_MAX',
      'CMS_HOST_COUNT_MAX',
      'CMS_MEASURING_COUNT_MAX',
      'CMS_TURN_SERVER_COUNT_MAX',
      'ADMIN_REQUEST_MILLISECONDS_MAX',
    ],
    'a status is answered before its request is given up, if nobody answers at any address of any object and all are asked for',
    (limits) => {
      const addressCount = limits.CMS_TURN_SERVER_COUNT_MAX * limits.CMS_HOST_COUNT_MAX
      // Over UDP and TCP each; one turn is for what began before, or was dropped since.
      const turnCount = 1 + Math.ceil(addressCount / limits.CMS_MEASURING_COUNT_MAX)
      return (1 + 2 * turnCount) * limits.CMS_ANSWER_MILLISECONDS_MAX < limits.ADMIN_REQUEST_MILLISECONDS_MAX
    },
  ),
  relation(
    ['CLIENT_RETRANSMIT_MILLISECONDS', 'CMS_ANSWER_MILLISECONDS_MAX'],
    'one lost packet does not make a server unreachable: a request is sent three times',
    (limits) => 4 * limits.CLIENT_RETRANSMIT_MILLISECONDS <= limits.CMS_ANSWER_MILLISECONDS_MAX,
  ),
  relation(
    ['CMS_TURN_SERVER_COUNT_MAX', 'CMS_ADDRESS_LENGTH_MAX', 'USERNAME_LENGTH_MAX', 'FILE_BYTES_MAX'],
    'the file of all objects can be read again, with every character escaped',
    (limits) => {
      const texts = limits.CMS_ADDRESS_LENGTH_MAX + limits.USERNAME_LENGTH_MAX
      return limits.CMS_TURN_SERVER_COUNT_MAX * (2 * 2 * texts + 512) <= limits.FILE_BYTES_MAX
    },
  ),
  below('CMS_NAME_LENGTH_SHOWN_MAX', 'ADMIN_BODY_BYTES_MAX', 'a name is shortened'),
  below('BASIC_LOGIN_LIFETIME_SECONDS', 'SESSION_LIFETIME_SECONDS', 'what nobody asked for lasts less long'),
]
