// Clients that are sent to another server (RFC 8489 §10, RFC 8656 §7.2 step 12): 300 with ALTERNATE-SERVER, for an Allocate and nothing else, so that who
// has an allocation keeps it. Without a server for the client the answer is what it would be otherwise.
//
// Whoever has signed the Allocate gets a signed 300. One without credentials gets it in place of the challenge, unsigned, where everybody is sent
// away: a browser that has been challenged here takes the nonce along, and gives up when the other server calls it stale.
import type { RefusalReason } from '../log/refusals.js'
import { ATTRIBUTE_RESERVATION_TOKEN, ERROR_INSUFFICIENT_CAPACITY, METHOD_ALLOCATE } from '../stun/constants.js'
import type { TurnCore } from './core.js'
import type { Exchange, Request } from './request.js'
import { respondError, respondTryAlternate } from './respond.js'

/** Why there is no room for an allocation, and what the log says of a client that is sent elsewhere for it. */
const REDIRECTIONS = {
  draining: 'redirected-draining',
  licence: 'redirected-full',
  'no-relay-port': 'redirected-full',
  'relay-failed': 'redirected-full',
} as const satisfies Partial<Record<RefusalReason, RefusalReason>>

/** A request that is about to be challenged. True: it has been answered. */
export function redirectStranger(core: TurnCore, { allocation, exchange, message }: Request): boolean {
  if (core.alternates.list.length === 0 || exchange.method !== METHOD_ALLOCATE || allocation !== null) return false
  // What is reserved is here alone.
  if (message.has(ATTRIBUTE_RESERVATION_TOKEN)) return false
  if (core.isDraining) return redirect(core, exchange, 'redirected-draining')
  if (core.quotas.isAbove(100)) return redirect(core, exchange, 'redirected-full')
  return redirectByLoad(core, exchange)
}

/** True: as many allocations as are to be here are here, and the request has been answered. */
export function redirectByLoad(core: TurnCore, exchange: Exchange): boolean {
  const { alternateAbovePercent } = core.rules
  // At 100 it is the quota's to say, which knows how many places are asked for.
  if (core.alternates.list.length === 0 || alternateAbovePercent >= 100) return false
  return core.quotas.isAbove(alternateAbovePercent) && redirect(core, exchange, 'redirected-load')
}

/** There is no room here: 300, or 508. @param hasToken what it wants is reserved here, and nowhere else */
export function respondNoRoom(
  core: TurnCore,
  exchange: Exchange,
  reason: keyof typeof REDIRECTIONS,
  hasToken: boolean,
): void {
  if (!hasToken && redirect(core, exchange, REDIRECTIONS[reason])) return
  respondError(core, exchange, ERROR_INSUFFICIENT_CAPACITY, reason)
}

function redirect(core: TurnCore, exchange: Exchange, reason: RefusalReason): boolean {
  const place = core.alternates.choose(exchange.client, core.random)
  if (place === null) return false
  respondTryAlternate(core, exchange, reason, place)
  return true
}
