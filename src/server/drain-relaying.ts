// The drain of a server: new allocations are refused, or their clients sent to other servers; the present ones may go on for a while.
import type { Logger } from '../log/logger.js'
import type { AlternateServers } from './alternates.js'
import type { Relaying } from './relaying.js'

/** How often it is looked whether the last allocation has ended. */
const LOOK_INTERVAL_MS = 50

/** Resolves when no allocation is left, the time is over, or the wait is given up. */
export async function drainRelaying(
  { alternates, relaying }: { readonly alternates: AlternateServers; readonly relaying: Relaying },
  timeoutSeconds: number,
  logger: Logger,
  isGivenUp: () => boolean,
): Promise<void> {
  await relaying.drain()
  const count = relaying.allocationCount()
  const rest = count === 0 ? 'nothing is left to wait for' : `${count} may go on for ${timeoutSeconds} s`
  const others = alternates.described()
  const fate = alternates.list.some(({ addresses }) => addresses.length > 0)
    ? `clients are sent to ${others.join(', ')}`
    : `allocations are refused${others.length === 0 ? '' : `, since nobody can be sent to ${others.join(', ')}`}`
  const more = others.length === 0 ? {} : { alternates: others }
  logger.info({ event: 'draining', allocations: count, timeoutSeconds, ...more }, `draining: new ${fate}, ${rest}`)
  if (count > 0) await allocationsEnded(relaying, timeoutSeconds, isGivenUp)
}

function allocationsEnded(relaying: Relaying, timeoutSeconds: number, isGivenUp: () => boolean): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000
  return new Promise((resolve) => {
    // Looked at, not reported: an allocation that never opened ends without an event.
    const timer = setInterval(() => {
      if (relaying.allocationCount() > 0 && performance.now() < deadline && !isGivenUp()) return
      clearInterval(timer)
      resolve()
    }, LOOK_INTERVAL_MS)
  })
}
