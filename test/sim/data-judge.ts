// Judges application data: what a client's frame or a peer's datagram must lead to, and that nothing else came of it.
import * as stun from '../../src/stun/constants.js'
import { Received } from '../support/core-client.js'
import type { Effect } from '../support/recording-output.js'
import { familyOf, hostOf, keyOf } from './address-text.js'
import type { Coverage } from './coverage.js'
import { ensure, fail } from './failure.js'
import type { Payloads } from './payload.js'
import type { WireModel } from './wire-model.js'

/** ChannelData, or with channelNumber 0 a Send indication to `peer`. */
export interface ClientData {
  readonly kind: 'client-data'
  readonly key: string
  readonly channelNumber: number
  readonly peer: string
  /** The peer's bound name: where the client wants it to go. */
  readonly intended: string
  readonly payload: Uint8Array
}

/** A datagram at a relay socket; `source` is what the socket sees, `sentBy` and `intended` what the sender knows. */
export interface PeerData {
  readonly kind: 'peer-data'
  readonly relayId: number
  readonly destination: string
  readonly source: string
  readonly sentBy: string
  readonly intended: string
  readonly payload: Uint8Array
}

export class DataJudge {
  readonly #model: WireModel
  readonly #payloads: Payloads
  readonly #coverage: Coverage

  constructor(model: WireModel, payloads: Payloads, coverage: Coverage) {
    this.#model = model
    this.#payloads = payloads
    this.#coverage = coverage
  }

  judgeClientData(input: ClientData, drop: number, effects: readonly Effect[]): void {
    const expected = this.#expectedSend(input)
    const what = `${input.key} to ${input.peer}, channel ${input.channelNumber}`
    if (expected === null) {
      ensure(effects.length === 0, () => `${what}: relayed without a live permission, channel, relay or allowed peer`)
      ensure(drop !== 0, () => `${what}: dropped without a reason`)
      this.#coverage.count('client to peer: withheld')
      return
    }
    ensure(effects.length === 1 && drop === 0, () => `${what}: not relayed (drop ${drop}, ${effects.length} effects)`)
    const [effect] = effects
    ensure(effect.kind === 'to-peer', () => `${what}: led to ${effect.kind}`)
    ensure(effect.relayId === expected.relayId, () => `${what}: left from relay ${effect.relayId}`)
    ensure(effect.peer === expected.target, () => `${what}: went to ${effect.peer}, not ${expected.target}`)
    ensure(effect.host === hostOf(effect.peer), () => `${what}: host '${effect.host}' for ${effect.peer}`)
    ensure(isSame(effect.payload, input.payload), () => `${what}: the payload changed`)
    this.#payloads.check(effect.payload, input.key, input.intended)
    // A channel may have been bound anew while ChannelData was on its way: only the number was in it.
    ensure(input.channelNumber > 0 || effect.peer === input.intended, () => `${what}: went astray to ${effect.peer}`)
    this.#coverage.count('client to peer: sent')
    if (input.payload.length === 0) this.#coverage.count('client to peer: empty')
    if (this.#model.sockets.at(effect.peer) !== null) this.#coverage.count('client to peer: hairpin')
  }

  judgePeerData(input: PeerData, drop: number, effects: readonly Effect[]): void {
    const expected = this.#expectedDelivery(input)
    const what = `${input.source} to ${input.destination}`
    if (expected === null) {
      ensure(effects.length === 0, () => `${what}: delivered without a live permission, relay or allowed peer`)
      ensure(drop !== 0, () => `${what}: dropped without a reason`)
      this.#coverage.count('peer to client: withheld')
      return
    }
    ensure(effects.length === 1 && drop === 0, () => `${what}: not delivered (drop ${drop}, ${effects.length} effects)`)
    const delivered = readDelivery(effects[0])
    ensure(delivered.key === expected.key, () => `${what}: delivered to ${delivered.key}, not ${expected.key}`)
    ensure(
      delivered.channelNumber === expected.channelNumber,
      () => `${what}: on channel ${delivered.channelNumber}, not ${expected.channelNumber}`,
    )
    if (delivered.channelNumber === 0) {
      ensure(delivered.peer === expected.peer, () => `${what}: named ${delivered.peer}, not ${expected.peer}`)
    }
    ensure(isSame(delivered.payload, input.payload), () => `${what}: the payload changed`)
    this.#payloads.check(delivered.payload, input.sentBy, input.intended)
    this.#coverage.count(`peer to client: ${delivered.channelNumber === 0 ? 'indication' : 'channel data'}`)
    if (expected.peer !== input.source || this.#model.sockets.at(input.source) !== null) {
      this.#coverage.count('peer to client: hairpin')
    }
  }

  #expectedSend({ key, channelNumber, peer }: ClientData): { relayId: number; target: string } | null {
    const model = this.#model
    const allocation = model.allocations.get(key)
    if (allocation === undefined) return null
    const target = channelNumber === 0 ? peer : model.channelOf(allocation, channelNumber)?.peer
    if (target === undefined) return null
    if (channelNumber === 0 && !model.hasPermission(allocation, hostOf(target))) return null
    const relay = model.relayOfFamily(allocation, familyOf(target))
    if (relay === null || !model.isPeerAllowed(allocation, target)) return null
    return { relayId: relay.relayId, target: model.sockets.boundNameOf(target) }
  }

  #expectedDelivery({ relayId, source }: PeerData): { key: string; peer: string; channelNumber: number } | null {
    const model = this.#model
    const allocation = model.allocationOfRelay(relayId)
    if (allocation === null || model.sockets.byRelay.get(relayId)?.isLive !== true) return null
    const hairpin = model.sockets.at(source)
    const peer = hairpin?.isLive === true ? hairpin.advertised : source
    if (!model.hasPermission(allocation, hostOf(peer)) || !model.isPeerAllowed(allocation, peer)) return null
    return { key: allocation.key, peer, channelNumber: model.channelNumberOf(allocation, peer) }
  }
}

function readDelivery(effect: Effect): { key: string; channelNumber: number; peer: string; payload: Uint8Array } {
  if (effect.kind === 'channel-data') {
    return { key: keyOf(effect.client), channelNumber: effect.channelNumber, peer: '', payload: effect.payload }
  }
  if (effect.kind !== 'message') return fail(`a peer's datagram led to ${effect.kind}`)
  const message = new Received(effect.bytes)
  const { messageClass, method } = message.view
  ensure(
    messageClass === stun.CLASS_INDICATION && method === stun.METHOD_DATA,
    () => `not a Data indication: ${method}`,
  )
  return {
    key: keyOf(effect.client),
    channelNumber: 0,
    peer: message.addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS)[0],
    payload: message.value(stun.ATTRIBUTE_DATA),
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
