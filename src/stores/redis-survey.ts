// What is in a Redis database, for the doctor: a look at as many of its keys as nobody minds.
import { ErrorReply } from '@redis/client'
import { REDIS_SCAN_COUNT, REDIS_SCAN_ROUND_COUNT_MAX } from '../limits/redis.js'
import type { RedisAccess } from './redis-access.js'
import { type RedisClient, RedisConnection } from './redis-connection.js'
import { REALMS_PATTERN, realmKeyOf, secretsKey, userKey } from './redis-layout.js'

export interface RedisSurvey {
  /** Of the realm; about, where keys move while they are counted. */
  readonly userCount: number
  readonly secretCount: number
  /** Users with a password in the clear. */
  readonly passwordCount: number
  /** Settings of the realm that coturn reads. */
  readonly settings: readonly string[]
  /** Other realms that have users or secrets, a few. */
  readonly otherRealms: readonly string[]
  /** Was every key looked at? */
  readonly isWhole: boolean
  /** false: this server may read what it needs, and may not see which keys there are. */
  readonly isCounted: boolean
}

const OTHER_REALM_COUNT_MAX = 3
const SOMEBODY = 'turnd-doctor'

/** Rejects with a RedisFailure. */
export async function surveyRedis(realm: string, access: RedisAccess, signal: AbortSignal): Promise<RedisSurvey> {
  // What the server does itself: it may do no more, if somebody is careful.
  const read = async (client: RedisClient) => void (await client.get(userKey(realm, SOMEBODY) ?? ''))
  const connection = new RedisConnection(access, { read, noteState: () => {} })
  try {
    await connection.ask(read, signal)
    const { length: secretCount } = await connection.ask((client) => client.sMembers(secretsKey(realm)), signal)
    const found = { userCount: 0, passwordCount: 0, settings: new Set<string>(), otherRealms: new Set<string>() }
    let cursor = '0'
    let isCounted = true
    for (let round = 0; round < REDIS_SCAN_ROUND_COUNT_MAX; round++) {
      const options = { MATCH: REALMS_PATTERN, COUNT: REDIS_SCAN_COUNT }
      const reply = await connection.ask((client) => scan(client, cursor, options), signal)
      isCounted = reply !== null
      if (reply === null) break
      for (const key of reply.keys) note(key)
      cursor = reply.cursor
      if (cursor === '0') break
    }
    const { otherRealms, passwordCount, settings, userCount } = found
    return {
      ...{ userCount, secretCount, passwordCount, settings: [...settings].sort() },
      ...{ otherRealms: [...otherRealms].sort(), isWhole: cursor === '0', isCounted },
    }

    function note(text: string): void {
      const key = realmKeyOf(text)
      if (key === null) return
      if (key.realm === realm && key.kind === 'setting') found.settings.add(key.setting)
      else if (key.realm === realm && key.kind === 'user') found.userCount++
      else if (key.realm === realm && key.kind === 'password') found.passwordCount++
      else if (key.realm !== realm && key.kind !== 'setting' && found.otherRealms.size < OTHER_REALM_COUNT_MAX) {
        found.otherRealms.add(key.realm)
      }
    }
  } finally {
    await connection.close()
  }
}

type ScanOptions = Parameters<RedisClient['scan']>[1]

/** null: it may not. */
async function scan(client: RedisClient, cursor: string, options: ScanOptions) {
  try {
    return await client.scan(cursor, options)
  } catch (error) {
    if (error instanceof ErrorReply && error.message.startsWith('NOPERM')) return null
    throw error
  }
}
