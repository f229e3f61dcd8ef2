// The relations between bounds of the admin plane.
import { atMost, below, type Relation, relation } from './relation.js'

export const ADMIN_RELATIONS: readonly Relation[] = [
  below('ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX', 'ADMIN_CONNECTION_COUNT_MAX', 'one source must not have all places'),
  below('EVENT_STREAM_COUNT_MAX', 'ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX', 'who has all streams can still ask'),
  atMost('ADMIN_HEAD_MILLISECONDS_MAX', 'ADMIN_REQUEST_MILLISECONDS_MAX', 'a head is a part of its request'),
  below(
    'ADMIN_KEEP_ALIVE_MILLISECONDS_MAX',
    'ADMIN_SILENCE_MILLISECONDS_MAX',
    'who waits between requests is not silent',
  ),
  below('EVENT_HEARTBEAT_MILLISECONDS', 'ADMIN_SILENCE_MILLISECONDS_MAX', 'a stream without events is not silent'),
  below('ADMIN_CHECK_MILLISECONDS', 'ADMIN_HANDSHAKE_MILLISECONDS_MAX', 'a deadline is looked at before it is over'),
  atMost('ADMIN_CONNECTION_COUNT_MAX', 'ADMIN_SOURCE_COUNT_MAX', 'whoever is connected is kept track of'),
  below(
    'LOGIN_FAILURES_PER_MINUTE_MAX',
    'LOGIN_FAILURES_OF_ALL_PER_MINUTE_MAX',
    'one source must not shut out all others',
  ),
  below('LOGIN_LINES_OF_SOURCE_PER_SECOND_MAX', 'LOGIN_LINES_PER_SECOND_MAX', 'a noisy source hides no other'),
  below('SESSION_OF_USER_COUNT_MAX', 'SESSION_COUNT_MAX', 'one user must not end the sessions of all others'),
  relation(
    ['LOGIN_LINK_LIFETIME_SECONDS', 'SESSION_LIFETIME_SECONDS'],
    'a link that lies about is good for less time than the session it was made for',
    (limits) => limits.LOGIN_LINK_LIFETIME_SECONDS < limits.SESSION_LIFETIME_SECONDS,
  ),
  atMost('LOGGED_NAME_LENGTH_MAX', 'ADMIN_NAME_LENGTH_MAX', 'a name is cut, and never made longer'),
  below(
    'USERNAME_LENGTH_MAX',
    'ADMIN_NAME_LENGTH_MAX',
    'a name that is too long gets that far, and a sentence of its own',
  ),
  below('EVENT_RETRY_MILLISECONDS', 'EVENT_HEARTBEAT_MILLISECONDS', 'who was dropped is back before others know'),
  atMost('CLIENT_PAGE_COUNT_DEFAULT', 'CLIENT_PAGE_COUNT_MAX', 'what comes unasked may be asked for'),
]
