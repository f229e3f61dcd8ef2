// The drain of a server: new allocations are refused, the present ones may go on for a while.
import type { Logger } from '../log/logger.js'
import type { Relaying } from './relaying.js'

/** How often it is looked whether the last allocation has ended. */
const LOOK_INTERVAL_MS = 50

/** Resolves when no allocation is left, the time is over, or the wait is given up. */
export async function drainRelaying(
  relaying: Relaying,
  timeoutSeconds: number,
  logger: Logger,
  isGivenUp: () => boolean,
): Promise<void> {
  await relaying.drain()
  const count = relaying.allocationCount()
  const rest = count === 0 ? 'nothing is left to wait for' : `${count} may go on for ${timeoutSeconds} s`
  logger.info(
    { event: 'draining', allocations: count, timeoutSeconds },
    `draining: new allocations are refused, ${rest}`,
  )
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
