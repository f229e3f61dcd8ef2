// How the bounds of --auth-webhook relate. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const WEBHOOK_RELATIONS: readonly Relation[] = [
  atMost('LOOKUP_CONCURRENT_COUNT_MAX', 'WEBHOOK_CONNECTION_COUNT_MAX', 'a look-up that has its turn is sent'),
  below('WEBHOOK_IDLE_COUNT_MAX', 'WEBHOOK_CONNECTION_COUNT_MAX', 'a burst opens connections that do not stay'),
  atMost('STORE_TEXT_LENGTH_MAX', 'WEBHOOK_ANSWER_BYTES_MAX', 'what is shown of an answer is a part of it'),
  relation(
    ['WEBHOOK_TOKEN_LENGTH_MAX', 'WEBHOOK_HEAD_BYTES_MAX'],
    'a token fits a header as web servers take it',
    (limits) => 2 * limits.WEBHOOK_TOKEN_LENGTH_MAX <= limits.WEBHOOK_HEAD_BYTES_MAX,
  ),
]
