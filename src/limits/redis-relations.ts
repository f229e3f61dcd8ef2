// How the bounds of the connection to Redis relate. Part of relations.ts.
import { atMost, below, type Relation } from './relation.js'

export const REDIS_RELATIONS: readonly Relation[] = [
  below('REDIS_PAUSE_MILLISECONDS_MIN', 'REDIS_PAUSE_MILLISECONDS_MAX', 'the pause grows from try to try'),
  atMost(
    'REDIS_SILENCE_MILLISECONDS_MAX',
    'REDIS_OPEN_MILLISECONDS_MAX',
    'a server that answers at all has the time to do so for the first time',
  ),
]
