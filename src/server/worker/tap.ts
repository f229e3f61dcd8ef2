// Stands between a core and what is around it while packets are recorded, and is nowhere while none are: the way of a packet has no question for it.
//
//   clients ─► tap ─► core ─► tap ─► engine ─► clients and peers
//   peers ───► tap ─┘
import type { PeerHandler } from '../../net/engine.js'
import type { StreamCore } from '../../net/stream/client-streams-options.js'
import type { TransportAddress } from '../../stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../stun/channel-data.js'
import type { TurnCore } from '../../turn/core.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { TurnOutput } from '../../turn/output.js'
import { RECORD_INBOUND, RECORD_OF_PEER } from './capture-records.js'
import type { Recorder } from './recorder.js'

const NOTHING = new Uint8Array(0)

export class Tap implements TurnOutput, StreamCore, PeerHandler {
  /** Few: each of them looks at every packet. */
  recorders: readonly Recorder[] = []
  readonly #core: TurnCore
  readonly #output: TurnOutput
  readonly #channelDataHeader = new Uint8Array(CHANNEL_DATA_HEADER_LENGTH)

  /** @param output where the core's effects went, and go on to */
  constructor(core: TurnCore, output: TurnOutput) {
    this.#core = core
    this.#output = output
  }

  // To the core.

  handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    this.#recordOfClient(RECORD_INBOUND, client, NOTHING, 0, bytes, start, end)
    return this.#core.handleClientFrame(client, bytes, start, end)
  }

  handlePeerDatagram(relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): number {
    this.#recordOfPeer(RECORD_INBOUND | RECORD_OF_PEER, relayId, peer, bytes, start, end)
    return this.#core.handlePeerDatagram(relayId, peer, bytes, start, end)
  }

  handleClientClosed(client: FiveTuple): void {
    this.#core.handleClientClosed(client)
  }

  hasAllocation(client: FiveTuple): boolean {
    return this.#core.hasAllocation(client)
  }

  // From the core.

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    this.#recordOfClient(0, client, NOTHING, 0, bytes, start, end)
    this.#output.sendToClient(client, bytes, start, end)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#recordOfClient(0, client, header, headerEnd, bytes, start, end, -(headerEnd + end - start) & 3)
    this.#output.sendDataIndication(client, header, headerEnd, bytes, start, end)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    const header = this.#channelDataHeader
    writeChannelDataHeader(header, 0, channelNumber, end - start)
    this.#recordOfClient(0, client, header, header.length, bytes, start, end)
    this.#output.sendChannelData(client, channelNumber, bytes, start, end)
  }

  sendToPeer(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    this.#recordOfPeer(RECORD_OF_PEER, relayId, peer, bytes, start, end)
    this.#output.sendToPeer(relayId, peer, bytes, start, end, dontFragment)
  }

  openRelay(relayId: number, address: TransportAddress): void {
    this.#output.openRelay(relayId, address)
  }

  closeRelay(relayId: number): void {
    this.#output.closeRelay(relayId)
  }

  closeClient(client: FiveTuple): void {
    this.#output.closeClient(client)
  }

  #recordOfClient(
    flags: number,
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    padding = 0,
  ): void {
    for (const recorder of this.recorders) {
      if (!recorder.isAboutClient(client)) continue
      recorder.record(flags, client.client, header, headerEnd, bytes, start, end, padding)
    }
  }

  #recordOfPeer(
    flags: number,
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    for (const recorder of this.recorders) {
      if (recorder.isAboutRelay(relayId)) recorder.record(flags, peer, NOTHING, 0, bytes, start, end)
    }
  }
}
