// Waiting for a server's event with a deadline. Call it before what causes the event, await it after.
import { once } from 'node:events'
import type { TurnServer } from '../../src/index.js'
import type { TurnServerEvents } from '../../src/server/server.js'

const EVENT_MILLISECONDS_MAX = 5_000

/** The arguments of the next event of this name. */
export async function nextEvent<Name extends keyof TurnServerEvents>(
  server: TurnServer,
  name: Name,
): Promise<TurnServerEvents[Name]> {
  const signal = AbortSignal.timeout(EVENT_MILLISECONDS_MAX)
  return (await once(server, name, { signal })) as unknown as TurnServerEvents[Name]
}
