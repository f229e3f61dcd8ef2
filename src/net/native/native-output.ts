// The sending half of the native engine: what the core sends is gathered in a queue until the end of the round. On the hot path.
import type { TransportAddress } from '../../stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../stun/channel-data.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { TurnOutput } from '../../turn/output.js'
import type { Arena } from './arena.js'
import type { RelaySockets } from './relay-sockets.js'
import type { SendQueue } from './send-queue.js'
import type { SendSources } from './send-sources.js'

/** Bytes that a loop copies faster than a call, which makes an object: 0.1 µs. DTLS sends more. */
const LOOP_LENGTH_MAX = 64

/** Payloads that the core hands in are ranges of the arena, in the slot that is being received. */
export class NativeOutput implements TurnOutput {
  protected readonly arena: Arena
  protected readonly sources: SendSources
  protected readonly queue: SendQueue
  protected readonly relays: RelaySockets
  /** What is being received: its DSCP and ECN, and whether it lies in its slot alone. */
  protected trafficClass = 0
  protected isLone = false

  constructor(arena: Arena, sources: SendSources, queue: SendQueue, relays: RelaySockets) {
    this.arena = arena
    this.sources = sources
    this.queue = queue
    this.relays = relays
  }

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.queue.makeRoom(length)
    const staged = this.queue.stage(length)
    this.#copy(bytes, start, end, staged)
    this.queue.add(this.sources.ofListener(client.listenerId), client.client, 0, 0, 0, staged, length, 0)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    _bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const headerStart = this.#headerStart(headerEnd, start)
    this.#copy(header, 0, headerEnd, headerStart)
    this.#addFramed(client, headerStart, headerEnd, start, end, -(end - start) & 3)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, _bytes: Uint8Array, start: number, end: number): void {
    const headerStart = this.#headerStart(CHANNEL_DATA_HEADER_LENGTH, start)
    writeChannelDataHeader(this.arena.bytes, headerStart, channelNumber, end - start)
    this.#addFramed(client, headerStart, CHANNEL_DATA_HEADER_LENGTH, start, end, 0)
  }

  sendToPeer(
    relayId: number,
    peer: TransportAddress,
    _bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void {
    const source = this.relaySource(relayId, dontFragment)
    if (source < 0) return
    this.queue.makeRoom(0)
    this.queue.add(source, peer, this.trafficClass, 0, 0, start, end - start, 0)
  }

  openRelay(relayId: number, address: TransportAddress): void {
    this.relays.open(relayId, address)
  }

  closeRelay(relayId: number): void {
    if (this.sources.ofRelay(relayId) < 0) return
    // What it has to send goes out before its socket, whose number may be another's at once, is closed.
    this.queue.flush()
    this.relays.close(relayId)
  }

  closeClient(): void {
    // UDP clients have no connection.
  }

  /** The source of a relay, with the DF bit as wanted; -1 if there is none. */
  protected relaySource(relayId: number, dontFragment: boolean): number {
    const source = this.sources.ofRelay(relayId)
    if (source >= 0 && (this.sources.dontFragment[source] === 1) !== dontFragment) {
      // What is queued was meant to leave as things are.
      this.queue.flush()
      this.relays.setDontFragment(source, dontFragment)
    }
    return source
  }

  /** Where the header of this payload is to be written: before a lone one, beside one whose neighbours share its buffer. */
  #headerStart(headerLength: number, start: number): number {
    this.queue.makeRoom(headerLength)
    return this.isLone ? start - headerLength : this.queue.stage(headerLength)
  }

  #addFramed(
    client: FiveTuple,
    headerStart: number,
    headerLength: number,
    start: number,
    end: number,
    padding: number,
  ): void {
    const source = this.sources.ofListener(client.listenerId)
    const queue = this.queue
    if (!this.isLone) {
      queue.add(source, client.client, this.trafficClass, headerStart, headerLength, start, end - start, padding)
      return
    }
    for (let index = 0; index < padding; index++) this.arena.bytes[end + index] = 0
    queue.add(source, client.client, this.trafficClass, 0, 0, headerStart, end + padding - headerStart, 0)
  }

  #copy(from: Uint8Array, start: number, end: number, to: number): void {
    const { bytes } = this.arena
    if (end - start > LOOP_LENGTH_MAX) bytes.set(from.subarray(start, end), to)
    else for (let index = start; index < end; index++) bytes[to + index - start] = from[index]
  }
}
