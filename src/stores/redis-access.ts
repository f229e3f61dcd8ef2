// What the options say of the Redis server, with the files that they name.
import { loadSecretFile } from '../auth/secret-file.js'
import { readAuthorities } from '../config/authorities.js'
import { TurndError } from '../config/errors.js'
import type { RedisServer } from '../config/redis-server.js'
import type { Settings } from '../config/settings.js'

export interface RedisAccess {
  readonly server: RedisServer
  /** Of the URL or of its file. */
  readonly password: string | null
  /** PEM text of the authorities that may have signed its certificate; null: the well-known ones. */
  readonly ca: string | null
}

/** Null without one. Throws TurndError for a file that cannot be used. */
export function redisAccessOf({ redis, redisCa, redisPasswordFile }: Settings): RedisAccess | null {
  if (redis === null) return null
  return {
    server: redis,
    password: redisPasswordFile === null ? redis.password : passwordOf(redisPasswordFile),
    ca: redisCa === null || !redis.isTls ? null : readAuthorities(redisCa, '--redis-ca'),
  }
}

function passwordOf(path: string): string {
  const [password, ...others] = loadSecretFile(path, '--redis-password-file')
  if (others.length === 0) return password
  throw new TurndError(
    'TURND_ERR_SECRET_FILE',
    `--redis-password-file ${path} has ${others.length + 1} lines: leave the one of the password`,
  )
}
