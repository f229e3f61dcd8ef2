// Waiting for what announces itself by no event: a file that another process writes, or a server that reads one.
import { setTimeout as delay } from 'node:timers/promises'

const INTERVAL_MILLISECONDS = 50

/** Asks again and again until the answer is true. Rejects with `what` after `milliseconds`. */
export async function until(ask: () => boolean | Promise<boolean>, what: string, milliseconds = 60_000): Promise<void> {
  const end = performance.now() + milliseconds
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`)
    await delay(INTERVAL_MILLISECONDS)
  }
}
