// How the bounds of third-party authorization relate. Part of relations.ts.
import { atMost, type Relation, relation } from './relation.js'

/** Two lengths of two bytes, the timestamp and the lifetime. */
const FIXED_BYTES = 16

export const OAUTH_RELATIONS: readonly Relation[] = [
  atMost('OAUTH_KID_LENGTH_MAX', 'USERNAME_LENGTH_MAX', 'a key id is the user name of a request'),
  relation(
    ['TOKEN_LENGTH_MIN', 'TOKEN_NONCE_BYTES', 'TOKEN_MAC_KEY_BYTES_MIN', 'TOKEN_TAG_BYTES'],
    'the shortest token has the shortest key',
    (limits) =>
      limits.TOKEN_LENGTH_MIN ===
      FIXED_BYTES + limits.TOKEN_NONCE_BYTES + limits.TOKEN_MAC_KEY_BYTES_MIN + limits.TOKEN_TAG_BYTES,
  ),
  relation(
    ['TOKEN_LENGTH_MAX', 'TOKEN_NONCE_BYTES', 'TOKEN_MAC_KEY_BYTES_MAX', 'TOKEN_TAG_BYTES'],
    'the longest token has the longest key',
    (limits) =>
      limits.TOKEN_LENGTH_MAX ===
      FIXED_BYTES + limits.TOKEN_NONCE_BYTES + limits.TOKEN_MAC_KEY_BYTES_MAX + limits.TOKEN_TAG_BYTES,
  ),
]
