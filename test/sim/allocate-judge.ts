// Judges successful Allocate answers: the relays are the sockets that were opened, and a repeated answer is the same one.
import * as stun from '../../src/stun/constants.js'
import { TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import type { Received } from '../support/core-client.js'
import { portOf } from './address-text.js'
import type { Coverage } from './coverage.js'
import { ensure } from './failure.js'
import { grantedSeconds } from './request-judge.js'
import type { SentRequest } from './sent-request.js'
import { nextPortOf, type RelayModel, type WireModel } from './wire-model.js'

/** RFC 8656 §7.2 step "RESERVATION-TOKEN": at least 30 s. */
const RESERVATION_TICKS = 30 * TICKS_PER_SECOND

export function judgeAllocated(model: WireModel, coverage: Coverage, request: SentRequest, answer: Received): void {
  const existing = model.allocations.get(request.key)
  if (existing !== undefined) {
    ensure(
      existing.request.id === request.id,
      () => `${request.id}: success, but another transaction made the allocation`,
    )
    const isSame = Buffer.compare(existing.answer, answer.bytes) === 0
    ensure(isSame || existing.isHalved, () => `${request.id}: a duplicate got another answer`)
    coverage.count('allocation: answered again')
    return
  }
  const lifetime = grantedSeconds(request.lifetimeSeconds)
  ensure(answer.lifetime === lifetime, () => `${request.id}: lifetime ${answer.lifetime}, not ${lifetime}`)
  const relays = openedRelays(model, request, answer, model.now + lifetime * TICKS_PER_SECOND)
  model.openings.delete(request.key)
  model.allocations.set(request.key, {
    key: request.key,
    request,
    relays,
    permissions: new Map(),
    channels: new Map(),
    answer: answer.bytes,
    isHalved: false,
  })
  noteReservation(model, coverage, request, answer, relays)
  countAllocation(model, coverage, request, answer, relays)
}

/** The relayed transport addresses of the answer, each of which must be a live socket of this opening. */
function openedRelays(
  model: WireModel,
  request: SentRequest,
  answer: Received,
  expiresAt: number,
): Map<number, RelayModel> {
  const opening = model.openings.get(request.key)
  ensure(opening !== undefined && opening.request.id === request.id, () => `${request.id}: success without an opening`)
  const relays = new Map<number, RelayModel>()
  for (const relayId of opening.relayIds) {
    const socket = model.sockets.byRelay.get(relayId)
    if (socket === undefined) continue
    ensure(socket.isLive, () => `${request.id}: answered before relay ${relayId} was open`)
    const { bound, advertised, host } = socket
    relays.set(relayId, { relayId, family: host.family, bound, advertised, expiresAt })
    if (request.evenPort !== 'no') ensure(portOf(bound) % 2 === 0, () => `${request.id}: EVEN-PORT got ${bound}`)
  }
  const advertised = [...relays.values()].map((relay) => relay.advertised).sort()
  const told = [...answer.relayed].sort()
  ensure(told.length > 0 && told.join() === advertised.join(), () => `told ${told}, opened ${advertised}`)
  const isHalf = request.isDual && relays.size === 1
  ensure(answer.has(stun.ATTRIBUTE_ADDRESS_ERROR_CODE) === isHalf, () => `${request.id}: ADDRESS-ERROR-CODE`)
  return relays
}

function noteReservation(
  model: WireModel,
  coverage: Coverage,
  request: SentRequest,
  answer: Received,
  relays: Map<number, RelayModel>,
): void {
  const hasToken = answer.has(stun.ATTRIBUTE_RESERVATION_TOKEN)
  ensure(hasToken === (request.evenPort === 'and-next'), () => `${request.id}: RESERVATION-TOKEN ${hasToken}`)
  if (!hasToken) return
  const token = Buffer.from(answer.value(stun.ATTRIBUTE_RESERVATION_TOKEN)).toString('hex')
  ensure(!model.reservations.has(token), () => `${request.id}: a token was given twice`)
  const [{ bound }] = relays.values()
  const expiresAt = model.now + RESERVATION_TICKS
  model.reservations.set(token, { token, username: request.username, bound: nextPortOf(bound), expiresAt })
  coverage.count('reservation: made')
}

function countAllocation(
  model: WireModel,
  coverage: Coverage,
  request: SentRequest,
  answer: Received,
  relays: Map<number, RelayModel>,
): void {
  coverage.count('allocation: made')
  if (relays.size === 2) coverage.count('allocation: dual')
  if (request.isDual && relays.size === 1) coverage.count('allocation: half of a dual')
  if (request.family === 6) coverage.count('allocation: IPv6')
  if (request.evenPort !== 'no') coverage.count('allocation: even port')
  if (!request.key.endsWith('/0')) coverage.count('allocation: over a stream')
  if (request.token !== '') coverage.count('reservation: claimed')
  const id = `${request.id} allocated`
  if (model.answers.has(id)) coverage.count('allocation: second life of a transaction')
  model.answers.set(id, answer.bytes)
}
