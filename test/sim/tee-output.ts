// The core's output when there is an engine: every effect is recorded, announced to the rim, and then the engine's to carry out.
import type { TransportAddress } from '../../src/stun/address.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import type { TurnOutput } from '../../src/turn/output.js'
import type { RecordingOutput } from '../support/recording-output.js'
import { type DatagramEffect, isDatagram } from './inputs.js'
import type { Rim } from './rim.js'

export class TeeOutput implements TurnOutput {
  readonly #recording: RecordingOutput
  readonly #engine: TurnOutput
  readonly #rim: Rim
  readonly #announce: (effect: DatagramEffect, isData: boolean) => void
  readonly #client = new FiveTuple()

  /** @param announce called with a datagram's effect before the engine is; data carry the traffic class of what they came in */
  constructor(
    recording: RecordingOutput,
    engine: TurnOutput,
    rim: Rim,
    announce: (effect: DatagramEffect, isData: boolean) => void,
  ) {
    this.#recording = recording
    this.#engine = engine
    this.#rim = rim
    this.#announce = announce
  }

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    this.#recording.sendToClient(client, bytes, start, end)
    this.#announceLast(false)
    this.#engine.sendToClient(this.#engineClient(client), bytes, start, end)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#recording.sendDataIndication(client, header, headerEnd, bytes, start, end)
    this.#announceLast(true)
    this.#engine.sendDataIndication(this.#engineClient(client), header, headerEnd, bytes, start, end)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    this.#recording.sendChannelData(client, channelNumber, bytes, start, end)
    this.#announceLast(true)
    this.#engine.sendChannelData(this.#engineClient(client), channelNumber, bytes, start, end)
  }

  sendToPeer(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    this.#recording.sendToPeer(relayId, peer, bytes, start, end, dontFragment)
    this.#announceLast(true)
    this.#engine.sendToPeer(relayId, peer, bytes, start, end, dontFragment)
  }

  openRelay(relayId: number, address: TransportAddress): void {
    this.#recording.openRelay(relayId, address)
    this.#rim.expectRelay(relayId, address.toString())
    this.#engine.openRelay(relayId, address)
  }

  closeRelay(relayId: number): void {
    this.#recording.closeRelay(relayId)
    this.#engine.closeRelay(relayId)
  }

  closeClient(client: FiveTuple): void {
    this.#recording.closeClient(client)
    this.#engine.closeClient(this.#engineClient(client))
  }

  #announceLast(isData: boolean): void {
    const effect = this.#recording.effects.at(-1)
    if (effect !== undefined && isDatagram(effect)) this.#announce(effect, isData)
  }

  #engineClient(client: FiveTuple): FiveTuple {
    const copy = this.#client.copyFrom(client)
    copy.listenerId = this.#rim.engineListenerId(client)
    return copy
  }
}
