// The user stores outside this process that the settings name, each loaded only where it is wanted, in the order in which they are asked.
import type { OutsideStore } from '../auth/outside-store.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import { type RedisAccess, redisAccessOf } from '../stores/redis-access.js'
import { webhookOptionsOf } from '../stores/webhook-options.js'

/** What the stores are made of: where it is the same, they stay. Has secrets. Throws TurndError for a file that cannot be used. */
export function outsideStoresKey(settings: Settings): string {
  return JSON.stringify([redisAccessOf(settings), webhookOptionsOf(settings)])
}

/** Throws TurndError for what is the operator's to mend; a store that is down is no error. */
export async function openOutsideStores(settings: Settings, logger: Logger): Promise<OutsideStore[]> {
  const [redis, webhook] = [redisAccessOf(settings), webhookOptionsOf(settings)]
  const stores: OutsideStore[] = []
  if (redis !== null) stores.push(await openRedis(settings.realm, redis, logger))
  if (webhook !== null) stores.push(new (await import('../stores/webhook.js')).WebhookStore(webhook))
  return stores
}

async function openRedis(realm: string, access: RedisAccess, logger: Logger): Promise<OutsideStore> {
  const { RedisUsers } = await import('../stores/redis-users.js')
  return new RedisUsers(realm, access, redisLog(`--redis ${access.server.shown}`, logger))
}

/** The first thing that is wrong, and that all is well again: what is wrong next has the same reason mostly. */
function redisLog(store: string, logger: Logger): (problem: string | null) => void {
  let isTold = false
  return (problem) => {
    if (problem === null && isTold) logger.info({ event: 'redis-well', store }, `${store}: all is well again`)
    if (problem !== null && !isTold) {
      const rest = 'until then users and TURN REST secrets are those that it has told'
      logger.warn({ event: 'redis-problem', store, problem }, `${store}: ${problem}; ${rest}`)
    }
    isTold = problem !== null
  }
}
