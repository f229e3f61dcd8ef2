// The Redis server of --redis: it answers, lets this server read, and has users or secrets of the realm.
import { errorText } from '../../auth/private-file.js'
import { printable } from '../../config/printable.js'
import type { RedisAccess } from '../../stores/redis-access.js'
import type { RedisSurvey } from '../../stores/redis-survey.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import { counted } from '../durations.js'
import { faultOf } from '../two-parts.js'
import { fileRemedy, notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

const OPTION_OF_SETTING: Readonly<Record<string, string>> = {
  'max-bps': '--max-bps',
  'user-quota': '--user-quota',
  'total-quota': '--max-allocations',
  'allowed-peer-ip': '--allow-peer',
  'denied-peer-ip': '--deny-peer',
}

/** @param found what is in it; or why nobody knows, a sentence of the store */
export function judgeRedis(shown: string, realm: string, found: RedisSurvey | string): Judgement[] {
  if (typeof found === 'string') {
    const { remedy, text } = faultOf(`--redis ${shown}: ${found}`, 'See "Users in Redis" in docs/operations.md')
    return [fault('the Redis server that knows the users cannot be asked', text, remedy)]
  }
  const { passwordCount, secretCount, settings, userCount } = found
  const judgements = [contentOf(shown, realm, found)]
  if (passwordCount > 0) {
    judgements.push(
      warning(
        `${counted(passwordCount, 'user')} in Redis ${passwordCount === 1 ? 'has a password' : 'have passwords'} in the clear, which coturn has not read since 4.4 and this server does not read`,
        `Write ${passwordCount === 1 ? 'it' : 'each'} again with turnadmin -a, which makes a key`,
      ),
    )
  }
  if (settings.length > 0 && userCount + secretCount > 0) {
    judgements.push(
      warning(
        `Redis has settings of realm ${printable(realm)} that this server does not read: ${settings.join(', ')}`,
        `Give ${settings.map((name) => OPTION_OF_SETTING[name]).join(', ')}`,
      ),
    )
  }
  return judgements
}

function contentOf(
  shown: string,
  realm: string,
  { isCounted, isWhole, otherRealms, secretCount, userCount }: RedisSurvey,
): Judgement {
  if (!isCounted) {
    const secrets = `${secretCount === 0 ? 'no TURN REST secret' : counted(secretCount, 'TURN REST secret')} of realm ${printable(realm)}`
    return well(
      `--redis ${shown} can be read, and has ${secrets}; users are not counted, since this server may not SCAN`,
    )
  }
  const where = isWhole ? '' : ' among the keys that were looked at'
  if (userCount + secretCount > 0) {
    const kinds = [
      ...(userCount > 0 ? [counted(userCount, 'user')] : []),
      ...(secretCount > 0 ? [counted(secretCount, 'TURN REST secret')] : []),
    ]
    return well(`--redis ${shown} has ${kinds.join(' and ')} of realm ${printable(realm)}${where}`)
  }
  const others = otherRealms.length === 0 ? '' : `, but of ${otherRealms.map(printable).join(', ')}`
  return warning(
    `--redis ${shown} has neither users nor TURN REST secrets of realm ${printable(realm)}${where}${others}`,
    otherRealms.length === 0
      ? 'Mend the database in --redis, or add users with turnadmin -a'
      : 'Mend --realm: keys hold for one realm',
  )
}

export const redis: Check<InsideScene> = {
  id: 'redis',
  needs: ['configuration'],
  async run({ patienceMs, running, settings }, signal) {
    const { realm, redis: server } = settings
    if (server === null) return []
    // A running server tells its options without what is secret in them.
    if (server.password === '') {
      return notChecked(`the password of --redis ${server.shown} is known to the server alone: give its options`)
    }
    // With the library, which nobody else needs.
    const [{ redisAccessOf }, { surveyRedis }] = await Promise.all([
      import('../../stores/redis-access.js'),
      import('../../stores/redis-survey.js'),
    ])
    let access: RedisAccess | null
    try {
      access = redisAccessOf(settings)
    } catch (error) {
      return notReadable(error, running.length > 0) ?? faultOf(errorText(error), fileRemedy(error, 'Mend that file'))
    }
    if (access === null) return []
    const within = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    return judgeRedis(server.shown, realm, await surveyRedis(realm, access, within).catch(errorText))
  },
}
