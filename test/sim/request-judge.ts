// Judges answers: to whom, which, and what they change in the wire model.
import * as stun from '../../src/stun/constants.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { CHANNEL_LIFETIME_TICKS, PERMISSION_LIFETIME_TICKS, TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import { Received } from '../support/core-client.js'
import type { Effect } from '../support/recording-output.js'
import { familyOf, hostOf, keyOf } from './address-text.js'
import { judgeAllocated } from './allocate-judge.js'
import type { Coverage } from './coverage.js'
import { monotonicSeconds } from './expected-answer.js'
import { ensure } from './failure.js'
import type { SentRequest } from './sent-request.js'
import type { AllocationModel, WireModel } from './wire-model.js'

/** The one answer among the effects of a request or of a socket's report, or null; no other message may be there. */
export function theAnswer(effects: readonly Effect[], request: SentRequest): Received | null {
  const messages = effects.filter((effect) => effect.kind === 'message')
  ensure(
    effects.every(({ kind }) => kind === 'message' || kind === 'open' || kind === 'close'),
    () => `a request led to ${effects.map(({ kind }) => kind)}`,
  )
  ensure(messages.length <= 1, () => `${messages.length} answers to one request`)
  if (messages.length === 0) return null
  const [{ client, bytes }] = messages
  ensure(keyOf(client) === request.key, () => `an answer to ${request.key} went to ${keyOf(client)}`)
  const answer = new Received(bytes)
  const isOfRequest =
    answer.view.method === request.method &&
    Buffer.compare(answer.transactionId, request.bytes.subarray(8, 20)) === 0 &&
    (answer.view.messageClass === stun.CLASS_SUCCESS || answer.view.messageClass === stun.CLASS_ERROR)
  ensure(isOfRequest, () => `${request.id}: answered another request`)
  return answer
}

export class RequestJudge {
  readonly #model: WireModel
  readonly #coverage: Coverage

  constructor(model: WireModel, coverage: Coverage) {
    this.#model = model
    this.#coverage = coverage
  }

  /** An answer whose code is as expected. `before`: the allocation as it was when the request came. */
  judgeAnswer(request: SentRequest, answer: Received, before: AllocationModel | undefined): void {
    checkProtection(request, answer)
    this.#noteNonce(request, answer)
    if (answer.code !== 0) {
      this.#compareWithFirst(request, answer)
      return
    }
    if (request.method !== stun.METHOD_BINDING && request.method !== stun.METHOD_ALLOCATE) {
      ensure(before !== undefined, () => `${request.id}: success without an allocation`)
      if (request.method === stun.METHOD_REFRESH) this.#refreshed(request, answer, before)
      else if (request.method === stun.METHOD_CREATE_PERMISSION) this.#permitted(request, before)
      else this.#bound(request, before)
    }
    if (request.method === stun.METHOD_ALLOCATE) judgeAllocated(this.#model, this.#coverage, request, answer)
    else this.#compareWithFirst(request, answer)
    if (request.method === stun.METHOD_ALLOCATE || request.method === stun.METHOD_BINDING) {
      const [mapped] = answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS)
      ensure(request.key.startsWith(`${mapped} `), () => `${request.id}: mapped to ${mapped}`)
    }
  }

  /** Duplicates of a request that are answered alike are answered with the same bytes; challenges have a new nonce each. */
  #compareWithFirst(request: SentRequest, answer: Received): void {
    if (answer.has(stun.ATTRIBUTE_NONCE)) return
    const id = `${request.id} ${answer.code}`
    const first = this.#model.answers.get(id)
    if (first === undefined) {
      this.#model.answers.set(id, answer.bytes)
      return
    }
    ensure(Buffer.compare(first, answer.bytes) === 0, () => `${id}: a duplicate got another answer`)
    this.#coverage.count('answer: same again')
  }

  #noteNonce(request: SentRequest, answer: Received): void {
    if (!answer.has(stun.ATTRIBUTE_NONCE)) return
    const address = request.key.slice(0, request.key.indexOf(' '))
    this.#model.nonces.set(answer.text(stun.ATTRIBUTE_NONCE), { address, seconds: monotonicSeconds(this.#model) })
  }

  #refreshed(request: SentRequest, answer: Received, allocation: AllocationModel): void {
    const { family, lifetimeSeconds } = request
    const granted = lifetimeSeconds === 0 ? 0 : grantedSeconds(lifetimeSeconds)
    ensure(answer.lifetime === granted, () => `${request.id}: lifetime ${answer.lifetime}, not ${granted}`)
    const relays = [...allocation.relays.values()].filter((relay) => family === 0 || relay.family === family)
    if (granted === 0) {
      const isGone = this.#model.allocations.get(request.key) !== allocation || relays.length === 0
      ensure(isGone, () => `${request.id}: a relay survived its Refresh 0`)
    }
    for (const relay of relays) relay.expiresAt = this.#model.now + granted * TICKS_PER_SECOND
  }

  #permitted(request: SentRequest, allocation: AllocationModel): void {
    const expiresAt = this.#model.now + PERMISSION_LIFETIME_TICKS
    for (const peer of request.peers) allocation.permissions.set(hostOf(peer), expiresAt)
    this.#coverage.count('permission: installed', request.peers.length)
  }

  #bound(request: SentRequest, allocation: AllocationModel): void {
    const { now } = this.#model
    const [peer] = request.peers
    for (const [number, channel] of allocation.channels) {
      if (channel.expiresAt <= now) allocation.channels.delete(number)
    }
    allocation.channels.set(request.channelNumber, { peer, expiresAt: now + CHANNEL_LIFETIME_TICKS })
    allocation.permissions.set(hostOf(peer), now + PERMISSION_LIFETIME_TICKS)
    this.#coverage.count(`channel: bound`)
    if (familyOf(peer) === 6) this.#coverage.count('channel: bound over IPv6')
  }
}

/** RFC 8656 §7.2: at least the default of 600 s, at most 3600 s. */
export function grantedSeconds(lifetimeSeconds: number): number {
  return lifetimeSeconds < 0 ? 600 : Math.min(Math.max(lifetimeSeconds, 600), 3600)
}

/** Integrity of the request's variant once the request was found authentic, none before; FINGERPRINT as the client does. */
function checkProtection(request: SentRequest, { view, code }: Received): void {
  const isChallenge = code === stun.ERROR_UNAUTHENTICATED || code === stun.ERROR_STALE_NONCE
  const isKeyShown = !isChallenge && request.method !== stun.METHOD_BINDING
  const isSha256 = request.integrity === 'sha256'
  const hasSha1 = view.messageIntegrityStart >= 0
  const hasSha256 = view.messageIntegritySha256Start >= 0
  ensure(
    hasSha1 === (isKeyShown && !isSha256) && hasSha256 === (isKeyShown && isSha256),
    () => `${request.id}: integrity of the wrong kind in answer ${code}`,
  )
  if (isKeyShown) {
    const isValid = isSha256 ? isMessageIntegritySha256Valid : isMessageIntegrityValid
    ensure(isValid(view, request.integrityKey), () => `${request.id}: wrong integrity in answer ${code}`)
  }
  const hasFingerprint = view.fingerprintStart >= 0
  ensure(hasFingerprint === request.fingerprint, () => `${request.id}: FINGERPRINT ${hasFingerprint}`)
  ensure(!hasFingerprint || isFingerprintValid(view), () => `${request.id}: wrong FINGERPRINT`)
}
