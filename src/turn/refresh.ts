// Refresh (RFC 8656 §8.2): a longer life, or with LIFETIME 0 the end, of an allocation or of one family of a dual one.
import {
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  ERROR_BAD_REQUEST,
  ERROR_PEER_ADDRESS_FAMILY_MISMATCH,
} from '../stun/constants.js'
import { FAMILY_ABSENT, FAMILY_MALFORMED, readFamily } from './address-family.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from './allocation.js'
import type { TurnCore } from './core.js'
import { deleteRelay } from './lifecycle.js'
import { grantedLifetimeSeconds, requestedLifetimeSeconds } from './lifetime.js'
import { lifetimeOf, takeSession } from './ownership.js'
import type { Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'

/** What a good Refresh asks for. */
export interface RefreshWish {
  readonly relays: readonly Relay[]
  /** 0: they are to end. */
  readonly lifetimeSeconds: number
}

export function handleRefresh(core: TurnCore, request: Request, allocation: Allocation): void {
  const wish = readRefresh(core, request, allocation)
  if (wish === null) return
  refresh(core, allocation, wish)
  beginSuccess(core, request.exchange).writeUint32(ATTRIBUTE_LIFETIME, wish.lifetimeSeconds)
  sendAnswer(core, request.exchange)
}

/** Null: it has been refused. */
export function readRefresh(core: TurnCore, request: Request, allocation: Allocation): RefreshWish | null {
  const { message, exchange } = request
  const family = readFamily(message, ATTRIBUTE_REQUESTED_ADDRESS_FAMILY)
  const requestedSeconds = requestedLifetimeSeconds(message)
  if (family === FAMILY_MALFORMED || requestedSeconds < 0) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
    return null
  }
  const relays = relaysOf(allocation, family)
  if (relays.length === 0) {
    respondError(core, exchange, ERROR_PEER_ADDRESS_FAMILY_MISMATCH, 'peer-family-mismatch')
    return null
  }
  takeSession(allocation, exchange.session)
  const lifetimeSeconds =
    requestedSeconds === 0 ? 0 : lifetimeOf(core, exchange, grantedLifetimeSeconds(requestedSeconds))
  return { relays, lifetimeSeconds }
}

export function refresh(core: TurnCore, allocation: Allocation, { lifetimeSeconds, relays }: RefreshWish): void {
  for (const relay of relays) {
    if (lifetimeSeconds === 0) {
      deleteRelay(core, relay, 'refresh')
    } else {
      relay.expiresAt = core.now + lifetimeSeconds * TICKS_PER_SECOND
      core.expiry.schedule(relay)
    }
  }
  if (lifetimeSeconds > 0) allocation.forgetExpired(core.now)
}

/** The relays that the request is about: all without a family, none if the allocation lacks the family. */
function relaysOf(allocation: Allocation, family: number): Relay[] {
  const { relay4, relay6 } = allocation
  return [relay4, relay6].filter(
    (relay): relay is Relay => relay !== null && (family === FAMILY_ABSENT || relay.address.family === family),
  )
}
