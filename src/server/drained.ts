// Waits for the last allocation of a server that drains.

/** How often a drain looks. */
const DRAIN_INTERVAL_MS = 50

/** Resolves when no allocation is left, the time is over, or the wait is given up. */
export function allocationsEnded(timeoutSeconds: number, count: () => number, isGivenUp: () => boolean): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000
  return new Promise((resolve) => {
    // Looked at, not reported: an allocation that never opened ends without an event.
    const timer = setInterval(() => {
      if (count() > 0 && performance.now() < deadline && !isGivenUp()) return
      clearInterval(timer)
      resolve()
    }, DRAIN_INTERVAL_MS)
  })
}
