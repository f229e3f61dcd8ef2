// How coturn keeps users in Redis (turndb/schema.userdb.redis there), of versions 4.0 and later: a string with the hex MD5 key of each user, and a
// set with the TURN REST secrets of each realm.
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import { REDIS_SECRET_LENGTH_MAX } from '../limits/redis.js'
import { AUTH_SECRET_COUNT_MAX } from '../limits/turn.js'
import { RedisNonsense } from './redis-failures.js'

const HEX_KEY = /^[0-9a-f]{32}$/i
/** The last one is what stands for bytes that are no UTF-8. */
const NO_TEXT = /[\u0000-\u001f\u007f-\u009f\ufffd]/

/** Null for a name that no user can have. A name is a part of the key as it is, slashes and stars too: nothing is matched here. */
export function userKey(realm: string, username: string): string | null {
  return Buffer.byteLength(username) > USERNAME_LENGTH_MAX ? null : `turn/realm/${realm}/user/${username}/key`
}

export function secretsKey(realm: string): string {
  return `turn/realm/${realm}/secret`
}

/** A pattern of SCAN for all that realms have. */
export const REALMS_PATTERN = 'turn/realm/*'

export interface RealmKey {
  readonly realm: string
  /** `password`: one in the clear, which coturn read until 4.3. `setting`: something that coturn reads, and this server does not. */
  readonly kind: 'user' | 'password' | 'secrets' | 'setting'
  /** Of the setting; '' otherwise. */
  readonly setting: string
}

/** Null for a key of something else. */
export function realmKeyOf(key: string): RealmKey | null {
  const [, realm, user, setting = ''] =
    /^turn\/realm\/([^/]+)\/(?:user\/.+\/(key|password)|secret|(max-bps|user-quota|total-quota|(?:allowed|denied)-peer-ip))$/s.exec(
      key,
    ) ?? []
  if (realm === undefined) return null
  if (setting !== '') return { realm, kind: 'setting', setting }
  return { realm, kind: user === undefined ? 'secrets' : user === 'key' ? 'user' : 'password', setting }
}

/** Throws a RedisNonsense that does not show the value. A line end is what a shell leaves there. */
export function md5KeyOf(value: string): Uint8Array {
  const digits = value.trimEnd()
  if (HEX_KEY.test(digits)) return Buffer.from(digits, 'hex')
  const what = digits.length === 32 ? 'something that is not hex' : `${digits.length} characters`
  throw new RedisNonsense(
    `has ${what} as the key of this user, and an MD5 key is 32 hex digits: write it again with turnadmin -a, or delete it`,
  )
}

/** In a fixed order. Throws a RedisNonsense: why they are not taken. */
export function secretsOf(members: readonly string[]): string[] {
  if (members.length > AUTH_SECRET_COUNT_MAX) {
    throw new RedisNonsense(`has ${members.length} of them for this realm: leave ${AUTH_SECRET_COUNT_MAX} at most`)
  }
  const isSecret = (text: string) =>
    text !== '' && Buffer.byteLength(text) <= REDIS_SECRET_LENGTH_MAX && !NO_TEXT.test(text)
  const broken = members.filter((text) => !isSecret(text))
  if (broken.length === 0) return [...members].sort()
  throw new RedisNonsense(
    `has those of this realm, of which ${broken.length} cannot be any, being empty, too long or no text: remove them with SREM`,
  )
}
