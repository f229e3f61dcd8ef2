// How the bounds of our own client relate. Part of relations.ts.
import { atMost, below, type Relation, relation } from './relation.js'

export const CLIENT_RELATIONS: readonly Relation[] = [
  relation(
    ['CLIENT_RETRANSMIT_MILLISECONDS', 'CLIENT_TRANSMISSION_COUNT_MAX', 'CLIENT_ANSWER_MILLISECONDS_MAX'],
    'the last transmission has 16 times the first wait for its answer (Rm of RFC 8489 §6.2.1)',
    (limits) => {
      const waits = 2 ** (limits.CLIENT_TRANSMISSION_COUNT_MAX - 1) - 1 + 16
      return waits * limits.CLIENT_RETRANSMIT_MILLISECONDS === limits.CLIENT_ANSWER_MILLISECONDS_MAX
    },
  ),
  relation(
    ['CLIENT_REQUEST_LENGTH_MAX', 'USERNAME_LENGTH_MAX', 'CLIENT_REALM_LENGTH_MAX', 'CLIENT_NONCE_LENGTH_MAX'],
    'a request has room for credentials, whatever realm and nonce the server sends',
    (limits) => {
      const texts = limits.USERNAME_LENGTH_MAX + limits.CLIENT_REALM_LENGTH_MAX + limits.CLIENT_NONCE_LENGTH_MAX
      return texts + 256 <= limits.CLIENT_REQUEST_LENGTH_MAX
    },
  ),
  atMost('CLIENT_CHANNEL_COUNT_MAX', 'CHANNEL_COUNT_DEFAULT', 'a server with the default options grants them'),
  below(
    'CLIENT_CLOSE_MILLISECONDS_MAX',
    'CLIENT_OPEN_MILLISECONDS_MAX',
    'nobody waits longer for an end than for a beginning',
  ),
]
