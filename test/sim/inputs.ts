// What reaches the core in a simulation, and what must leave for it: each input is judged by its effects, each datagram that leaves by
// the effect that asked for it.
import { writeChannelDataHeader } from '../../src/stun/channel-data.js'
import type { FiveTuple } from '../../src/turn/five-tuple.js'
import type { Effect } from '../support/recording-output.js'
import { listenerAddress } from './scenario.js'
import type { SentRequest } from './sent-request.js'
import type { WireModel } from './wire-model.js'

/** A request of a client. */
export interface RequestInput {
  readonly kind: 'request'
  readonly request: SentRequest
}

/** A request whose source is, or was, a relay of ours. */
export interface NestedInput {
  readonly kind: 'nested'
  readonly from: string
}

/** ChannelData, or with channelNumber 0 a Send indication to `peer`. */
export interface ClientData {
  readonly kind: 'client-data'
  readonly key: string
  readonly channelNumber: number
  readonly peer: string
  /** The peer's bound name: where the client wants it to go. */
  readonly intended: string
  readonly payload: Uint8Array
  readonly dontFragment: boolean
}

/** A datagram at a relay socket; `source` is what the socket sees, `sentBy` and `intended` what the sender knows. */
export interface PeerData {
  readonly kind: 'peer-data'
  readonly destination: string
  readonly source: string
  readonly sentBy: string
  readonly intended: string
  readonly payload: Uint8Array
}

/** An ICMP error for what a relay socket had sent to `peer`. */
export interface IcmpError {
  readonly peer: string
  readonly type: number
  readonly code: number
  readonly info: number
}

export type FrameInput = RequestInput | NestedInput | ClientData

/** A datagram as it reached the operating system. */
export interface Arrived<Input> {
  readonly from: string
  readonly bytes: Uint8Array
  /** DSCP and ECN. */
  readonly trafficClass: number
  readonly input: Input
  /** Of a client's frame, numbered as the simulator numbers listeners. */
  readonly client: FiveTuple
}

/** Who sent what a datagram carries, and where it was meant to go. */
export interface Origin {
  readonly sentBy: string
  readonly intended: string
}

export const NOBODY: Origin = { sentBy: '', intended: '' }

export type DatagramEffect = Extract<Effect, { kind: 'message' | 'channel-data' | 'to-peer' }>

/** A datagram that must leave, or has left: textual transport addresses of the wire. */
export interface Departure {
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
  readonly trafficClass: number
  /** Null: as the operating system likes. */
  readonly dontFragment: boolean | null
  readonly effect: DatagramEffect
  readonly origin: Origin
}

export function isDatagram(effect: Effect): effect is DatagramEffect {
  return effect.kind === 'message' || effect.kind === 'channel-data' || effect.kind === 'to-peer'
}

/** What this effect must look like on the wire. */
export function departureOf(effect: DatagramEffect, model: WireModel, origin: Origin, trafficClass: number): Departure {
  if (effect.kind === 'to-peer') {
    const from = model.sockets.byRelay.get(effect.relayId)?.bound ?? 'a closed relay'
    const dontFragment = effect.dontFragment === true
    return { from, to: effect.peer, bytes: effect.payload, trafficClass, dontFragment, effect, origin }
  }
  const { client, listenerId } = effect.client
  const from = listenerAddress(listenerId, client.family === 6 ? 6 : 4)
  const bytes = effect.kind === 'message' ? effect.bytes : channelData(effect.channelNumber, effect.payload)
  return { from, to: client.toString(), bytes, trafficClass, dontFragment: null, effect, origin }
}

/** ChannelData as it is sent over UDP: without padding. */
export function channelData(channelNumber: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length)
  writeChannelDataHeader(frame, 0, channelNumber, payload.length)
  frame.set(payload, 4)
  return frame
}
