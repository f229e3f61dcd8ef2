// Judges application data: what a client's frame or a peer's datagram must lead to, and that nothing else came of it.
import * as stun from '../../src/stun/constants.js'
import { DROP_ICMP_LIMIT } from '../../src/turn/drop-reasons.js'
import { Received } from '../support/core-client.js'
import type { Effect } from '../support/recording-output.js'
import { familyOf, hostOf, keyOf } from './address-text.js'
import type { Coverage } from './coverage.js'
import { ensure, fail } from './failure.js'
import type { ClientData, IcmpError, PeerData } from './inputs.js'
import type { Payloads } from './payload.js'
import type { WireModel } from './wire-model.js'

export class DataJudge {
  readonly #model: WireModel
  readonly #payloads: Payloads
  readonly #coverage: Coverage
  readonly #supportsDontFragment: boolean

  constructor(model: WireModel, payloads: Payloads, coverage: Coverage, supportsDontFragment: boolean) {
    this.#supportsDontFragment = supportsDontFragment
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
    ensure((effect.dontFragment === true) === input.dontFragment, () => `${what}: DF bit ${effect.dontFragment}`)
    if (input.dontFragment) this.#coverage.count('client to peer: DONT-FRAGMENT')
    this.#payloads.check(effect.payload, input.key, input.intended)
    // A channel may have been bound anew while ChannelData was on its way: only the number was in it.
    ensure(input.channelNumber > 0 || effect.peer === input.intended, () => `${what}: went astray to ${effect.peer}`)
    this.#coverage.count('client to peer: sent')
    if (input.payload.length === 0) this.#coverage.count('client to peer: empty')
    if (this.#model.sockets.at(effect.peer) !== null) this.#coverage.count('client to peer: hairpin')
  }

  judgePeerData(relayId: number, input: PeerData, drop: number, effects: readonly Effect[]): void {
    const expected = this.#expectedDelivery(relayId, input.source)
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

  /** An ICMP error for what a relay had sent (RFC 8656 §11.5). */
  judgeIcmp(relayId: number, error: IcmpError, drop: number, effects: readonly Effect[]): void {
    const expected = isRelayedError(error) ? this.#expectedDelivery(relayId, error.peer) : null
    const what = `ICMP type ${error.type} of ${error.peer} at relay ${relayId}`
    // How many it takes is tested in test/turn/peer-icmp.test.ts.
    if (drop === DROP_ICMP_LIMIT) {
      ensure(expected !== null && effects.length === 0, () => `${what}: over the limit, and yet told`)
      return
    }
    ensure((drop === 0) === (expected !== null), () => `${what}: drop ${drop}`)
    if (expected === null) {
      ensure(effects.length === 0, () => `${what}: told without a live permission, relay or allowed peer`)
      this.#coverage.count('ICMP error: withheld')
      return
    }
    const [effect] = effects
    ensure(
      effects.length === 1 && effect.kind === 'message',
      () => `${what}: led to ${effects.map(({ kind }) => kind)}`,
    )
    const message = new Received(effect.bytes)
    const isIndication = message.view.messageClass === stun.CLASS_INDICATION && message.view.method === stun.METHOD_DATA
    ensure(isIndication && !message.has(stun.ATTRIBUTE_DATA), () => `${what}: not an indication without data`)
    ensure(keyOf(effect.client) === expected.key, () => `${what}: told to ${keyOf(effect.client)}`)
    const [peer] = message.addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS)
    ensure(peer === expected.peer, () => `${what}: named ${peer}, not ${expected.peer}`)
    const value = Buffer.from(message.value(stun.ATTRIBUTE_ICMP))
    const told = `${value.readUInt16BE(2) >> 9}/${value.readUInt16BE(2) & 0x1ff}/${value.readUInt32BE(4)}`
    const wanted = `${error.type}/${error.code}/${hasMtu(error) ? error.info : 0}`
    ensure(told === wanted, () => `${what}: told as ${told}, not ${wanted}`)
    this.#coverage.count('ICMP error: told')
  }

  #expectedSend({ key, channelNumber, peer, dontFragment }: ClientData): { relayId: number; target: string } | null {
    const model = this.#model
    if (dontFragment && !this.#supportsDontFragment) return null
    const allocation = model.allocations.get(key)
    if (allocation === undefined) return null
    const target = channelNumber === 0 ? peer : model.channelOf(allocation, channelNumber)?.peer
    if (target === undefined) return null
    if (channelNumber === 0 && !model.hasPermission(allocation, hostOf(target))) return null
    const relay = model.relayOfFamily(allocation, familyOf(target))
    if (relay === null || !model.isPeerAllowed(allocation, target)) return null
    return { relayId: relay.relayId, target: model.sockets.boundNameOf(target) }
  }

  #expectedDelivery(relayId: number, source: string): { key: string; peer: string; channelNumber: number } | null {
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

/** Destination unreachable, time exceeded; over IPv6 packet too big. */
function isRelayedError({ peer, type }: IcmpError): boolean {
  return (familyOf(peer) === 6 ? [1, 2, 3] : [3, 11]).includes(type)
}

function hasMtu({ peer, type, code }: IcmpError): boolean {
  return familyOf(peer) === 6 ? type === 2 : type === 3 && code === 4
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
