// Waiting for a server's event with a deadline. Call it before what causes the event, await it after. An event may come some time after the
// answer to what caused it, and after events of what was before: say which one is meant.
import { on } from 'node:events'
import type { TurnServer } from '../../src/index.js'
import type { TurnServerEvents } from '../../src/server/server-events.js'

const EVENT_MILLISECONDS_MAX = 60_000

/** The arguments of the next event of this name that is accepted. */
export async function nextEvent<Name extends keyof TurnServerEvents>(
  server: TurnServer,
  name: Name,
  accepts: (...values: TurnServerEvents[Name]) => boolean = () => true,
): Promise<TurnServerEvents[Name]> {
  const signal = AbortSignal.timeout(EVENT_MILLISECONDS_MAX)
  for await (const values of on(server, name, { signal }) as AsyncIterable<TurnServerEvents[Name]>) {
    if (accepts(...values)) return values
  }
  throw new Error(`no ${name}`)
}
