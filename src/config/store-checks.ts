// Whether the options about user databases outside this process fit each other. Each check throws TurndError with one sentence, or returns warnings.
import { fail, type Names } from './setting-names.js'
import type { Settings } from './settings.js'

export function checkRedis({ redis, redisPasswordFile }: Settings, names: Names): void {
  if (redisPasswordFile === null || redis === null || redis.password === null) return
  fail(
    `${names.value('redisPasswordFile')} and the password in ${names.name('redis', 'redisPasswordFile')} are two: leave one of them out`,
  )
}

export function redisWarnings({ redis, redisCa, redisPasswordFile }: Settings, names: Names): string[] {
  const warnings: string[] = []
  if (redisPasswordFile !== null && redis === null) {
    const example = names.name('redis', 'redisPasswordFile', 'redis://HOST')
    warnings.push(`${names.value('redisPasswordFile')} has no effect: it is for a server, such as ${example}`)
  }
  if (redisCa !== null && redis?.isTls !== true) {
    const example = names.name('redis', 'redisCa', 'rediss://HOST')
    warnings.push(`${names.value('redisCa')} has no effect: it is for a server over TLS, such as ${example}`)
  }
  return warnings
}
