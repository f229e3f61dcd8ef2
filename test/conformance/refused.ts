// Requests of which only the verdict counts. Used by the sections about authentication.
import type { RefusalReason, TurnServer } from '../../src/index.js'
import { METHOD_ALLOCATE, METHOD_REFRESH } from '../../src/stun/constants.js'
import type { RequestOptions, TurnClient } from '../support/turn-client.js'
import type { Suite } from './suite.js'

/** What a client without an allocation gets for a Refresh that passed authentication. */
export const AUTHENTIC = 437

export async function refreshCode(client: TurnClient, options: RequestOptions = {}): Promise<number> {
  return (await client.request(METHOD_REFRESH, () => {}, options)).code
}

/** Sends an Allocate that is refused for this reason, and waits for the server's event. */
export async function refused(
  suite: Suite,
  server: TurnServer,
  client: TurnClient,
  reason: RefusalReason,
  options: RequestOptions,
) {
  const event = suite.refusal(server, client, reason)
  const answer = await client.request(METHOD_ALLOCATE, () => {}, options)
  return { answer, refusal: await event }
}
