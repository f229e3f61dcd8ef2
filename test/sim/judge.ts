// Judges every input of the core by its effects, and keeps the wire model up to date. One method per kind of input.
import * as stun from '../../src/stun/constants.js'
import { TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import { DROP_NESTED_CLIENT } from '../../src/turn/drop-reasons.js'
import type { DeletionCause } from '../../src/turn/output.js'
import type { Effect, RecordingObserver } from '../support/recording-output.js'
import { keyOf } from './address-text.js'
import type { Coverage } from './coverage.js'
import { expectedAnswer } from './expected-answer.js'
import { ensure, fail } from './failure.js'
import { RequestJudge, theAnswer } from './request-judge.js'
import type { SentRequest } from './sent-request.js'
import type { OpeningModel, WireModel } from './wire-model.js'

export class Judge {
  readonly #model: WireModel
  readonly #observer: RecordingObserver
  readonly #coverage: Coverage
  readonly #requests: RequestJudge

  constructor(model: WireModel, observer: RecordingObserver, coverage: Coverage) {
    this.#model = model
    this.#observer = observer
    this.#coverage = coverage
    this.#requests = new RequestJudge(model, coverage)
  }

  judgeRequest(request: SentRequest, drop: number, effects: readonly Effect[]): void {
    const model = this.#model
    const expected = expectedAnswer(model, request)
    const before = model.allocations.get(request.key)
    const isEnd = request.method === stun.METHOD_REFRESH && request.lifetimeSeconds === 0 && expected === 0
    this.#noteDeletions(isEnd ? 'refresh' : null)
    this.#noteSockets(request, null, effects)
    const answer = theAnswer(effects, request)
    const got = answer?.code ?? (effects.some(({ kind }) => kind === 'open') ? 'open' : 'silence')
    ensure(got === expected, () => `${request.id} (method ${request.method}): got ${got}, expected ${expected}`)
    ensure((drop === 0) === (expected !== 'silence'), () => `${request.id}: drop ${drop}, expected ${expected}`)
    if (expected === 'silence') this.#coverage.count('opening: request repeated meanwhile')
    if (answer !== null) this.#requests.judgeAnswer(request, answer, before)
    if (request.token !== '' && expected === stun.ERROR_INSUFFICIENT_CAPACITY) this.#countBadToken(request)
  }

  /** A socket has opened, or not: it has left the book-keeping of sockets already. */
  judgeReport(relayId: number, effects: readonly Effect[]): void {
    const model = this.#model
    this.#noteDeletions(null)
    const opening = this.#openingOf(relayId)
    if (opening === null) {
      ensure(effects.length === 0, () => `a report for relay ${relayId}, which is closed, had effects`)
      this.#coverage.count('opening: reported after the close')
      return
    }
    const { request } = opening
    this.#noteSockets(request, relayId, effects)
    const sockets = [...opening.relayIds].map((id) => model.sockets.byRelay.get(id))
    const isDecided = sockets.every((socket) => socket?.isLive !== false)
    const answer = theAnswer(effects, request)
    ensure((answer !== null) === isDecided, () => `${request.id}: answered ${answer !== null}, decided ${isDecided}`)
    if (answer === null) return
    const isOpen = sockets.some((socket) => socket !== undefined)
    const expected = isOpen ? 0 : stun.ERROR_INSUFFICIENT_CAPACITY
    ensure(answer.code === expected, () => `${request.id}: got ${answer.code} for its sockets, expected ${expected}`)
    this.#requests.judgeAnswer(request, answer, undefined)
    if (!isOpen) {
      model.openings.delete(opening.key)
      this.#coverage.count('opening: failed')
      if (request.token !== '') this.#coverage.count('reservation: opening failed')
    }
  }

  judgeClosed(key: string, effects: readonly Effect[]): void {
    this.#noteDeletions('client-closed')
    this.#onlyCloses(effects)
    if (this.#model.openings.delete(key)) this.#coverage.count('opening: client went away')
    ensure(!this.#model.allocations.has(key), () => `${key}: its allocation outlived the connection`)
  }

  judgeStopped(effects: readonly Effect[]): void {
    this.#noteDeletions('stopped')
    this.#onlyCloses(effects)
    this.#model.openings.clear()
    ensure(this.#model.allocations.size === 0, () => 'an allocation outlived the stop')
  }

  judgeTick(effects: readonly Effect[]): void {
    const model = this.#model
    this.#noteDeletions('expired')
    this.#onlyCloses(effects)
    for (const { key, relays } of model.allocations.values()) {
      for (const { advertised, expiresAt } of relays.values()) {
        // Expiry is looked at once a second.
        const latest = Math.ceil(expiresAt / TICKS_PER_SECOND) * TICKS_PER_SECOND
        ensure(model.now < latest, () => `relay ${advertised} of ${key} outlived its time`)
      }
    }
    for (const reservation of model.reservations.values()) {
      if (reservation.expiresAt > model.now) continue
      model.reservations.delete(reservation.token)
      this.#coverage.count('reservation: expired')
    }
  }

  /** A request whose source is, or was until just now, a relay of this server. */
  judgeNested(from: string, drop: number, effects: readonly Effect[]): void {
    this.#noteDeletions(null)
    const { sockets } = this.#model
    if (sockets.at(sockets.boundNameOf(from))?.isLive === true) {
      ensure(drop === DROP_NESTED_CLIENT && effects.length === 0, () => `a nested client was heard (drop ${drop})`)
      this.#coverage.count('client: nested')
      return
    }
    // A stranger with somebody else's request: it gets an answer, and nothing else.
    const isAnswer = effects.length === 1 && effects[0].kind === 'message'
    ensure(
      drop === 0 && isAnswer,
      () => `a stranger's request led to ${effects.map(({ kind }) => kind)} (drop ${drop})`,
    )
  }

  /** Takes the observer's news of deletions, which must be of this cause; null: none may have happened. */
  #noteDeletions(allowed: DeletionCause | null): void {
    const { model, coverage } = { model: this.#model, coverage: this.#coverage }
    for (const { relay, cause } of this.#observer.relaysDeleted.splice(0)) {
      const allocation = model.allocationOfRelay(relay.id) ?? fail(`relay ${relay.id} ended, of no allocation`)
      this.#checkCause(cause, allowed, [allocation.relays.get(relay.id)?.expiresAt ?? 0])
      model.halve(allocation, relay.id)
      coverage.count(`relay: one of two ended by ${cause}`)
    }
    for (const { allocation, cause } of this.#observer.deleted.splice(0)) {
      const key = keyOf(allocation.fiveTuple)
      const ended = model.allocations.get(key) ?? fail(`the end of an allocation of ${key}, which has none`)
      this.#checkCause(
        cause,
        allowed,
        [...ended.relays.values()].map((relay) => relay.expiresAt),
      )
      model.endAllocation(key)
      coverage.count(`allocation: ended by ${cause}`)
    }
  }

  #checkCause(cause: DeletionCause, allowed: DeletionCause | null, expiries: readonly number[]): void {
    ensure(cause === allowed, () => `a deletion by ${cause}, expected ${allowed}`)
    const { now } = this.#model
    ensure(cause !== 'expired' || expiries.every((at) => at <= now), () => `expired at ${now}, not at ${expiries}`)
  }

  /** Sockets that a request or a report asked for (again), and those that it closed. */
  #noteSockets(request: SentRequest, retriedId: number | null, effects: readonly Effect[]): void {
    const model = this.#model
    for (const effect of effects) {
      if (effect.kind === 'close') model.sockets.close(effect.relayId)
      if (effect.kind !== 'open') continue
      const { bound } = model.sockets.open(effect.relayId, effect.address)
      if (retriedId !== null) {
        ensure(effect.relayId === retriedId, () => `the failure of relay ${retriedId} opened ${effect.relayId}`)
        this.#coverage.count('opening: tried again')
        continue
      }
      const { key, token } = request
      const opening = model.openings.get(key) ?? { key, request, relayIds: new Set<number>() }
      opening.relayIds.add(effect.relayId)
      model.openings.set(key, opening)
      if (token === '') continue
      ensure(model.reservations.get(token)?.bound === bound, () => `${request.id}: its token is not for ${bound}`)
    }
    // Only now: its port was compared with the reservation's.
    if (model.openings.get(request.key)?.request === request) model.reservations.delete(request.token)
  }

  #onlyCloses(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'close') this.#model.sockets.close(effect.relayId)
      else fail(`an end led to ${effect.kind}`)
    }
  }

  #openingOf(relayId: number): OpeningModel | null {
    for (const opening of this.#model.openings.values()) if (opening.relayIds.has(relayId)) return opening
    return null
  }

  #countBadToken({ token, username }: SentRequest): void {
    const owner = this.#model.reservations.get(token)?.username
    if (owner !== undefined && owner !== username) this.#coverage.count('reservation: wrong user tried it')
  }
}
