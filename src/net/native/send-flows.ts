// What is to be sent at the end of a round: packets in the order in which the core sent them, gathered by flow (source socket and
// destination), and flows by source. Packets that arrived interleaved leave together; within a flow the order stays.
// On the hot path.
//
//   source ─► flow ─► flow            packets of a flow are a list:  header? payload padding?
//              └► packet ─► packet ─► …
import {
  GATHERED_FLOW_COUNT_MAX,
  GATHERED_FLOW_PLACE_COUNT,
  GATHERED_PACKET_COUNT_MAX,
  LISTENER_COUNT_MAX,
} from '../../limits/engines.js'
import { RELAY_COUNT_MAX } from '../../limits/turn.js'
import { hashTransportAddress, TransportAddress } from '../../stun/address.js'

const TABLE_MASK = GATHERED_FLOW_PLACE_COUNT - 1

export class SendFlows {
  packetCount = 0
  flowCount = 0
  sourceCount = 0
  // By packet: arena offsets and bytes; the header's length may be 0; next of the same flow, or -1.
  readonly headerStarts = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  readonly headerLengths = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  readonly starts = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  readonly lengths = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  readonly paddings = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  /** Not a property of the flow: one packet that a router has marked (ECN) must not change places with the others. */
  readonly trafficClasses = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  readonly nextPackets = new Int32Array(GATHERED_PACKET_COUNT_MAX)
  // By flow.
  readonly destinations: TransportAddress[] = []
  readonly firstPackets = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  /** The next flow of the same source, or -1. */
  readonly nextFlows = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  // By place in the list of sources that have something to send.
  readonly sources = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  readonly firstFlows = new Int32Array(GATHERED_FLOW_COUNT_MAX)

  readonly #flowSources = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  readonly #lastPackets = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  readonly #lastFlows = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  /** By source: its place in the list + 1, or 0. */
  readonly #places = new Int32Array(RELAY_COUNT_MAX + LISTENER_COUNT_MAX)
  /** Open addressing: flow + 1, or 0; and where each flow stands in it. */
  readonly #table = new Int32Array(GATHERED_FLOW_PLACE_COUNT)
  readonly #tableSlots = new Int32Array(GATHERED_FLOW_COUNT_MAX)
  #latestFlow = -1

  constructor() {
    for (let flow = 0; flow < GATHERED_FLOW_COUNT_MAX; flow++) this.destinations.push(new TransportAddress())
  }

  get isFull(): boolean {
    return this.packetCount === GATHERED_PACKET_COUNT_MAX || this.flowCount === GATHERED_FLOW_COUNT_MAX
  }

  /** Adds a packet; there must be room. The payload is arena bytes that stay as they are until the packets are sent. */
  add(
    source: number,
    destination: TransportAddress,
    trafficClass: number,
    headerStart: number,
    headerLength: number,
    start: number,
    length: number,
    padding: number,
  ): void {
    const packet = this.packetCount++
    this.headerStarts[packet] = headerStart
    this.headerLengths[packet] = headerLength
    this.starts[packet] = start
    this.lengths[packet] = length
    this.paddings[packet] = padding
    this.trafficClasses[packet] = trafficClass
    this.nextPackets[packet] = -1
    const latest = this.#latestFlow
    if (latest >= 0 && this.#isFlow(latest, source, destination)) this.#append(latest, packet)
    else this.#addToOtherFlow(source, destination, packet)
  }

  /** All has been sent. */
  clear(): void {
    for (let flow = 0; flow < this.flowCount; flow++) this.#table[this.#tableSlots[flow]] = 0
    for (let place = 0; place < this.sourceCount; place++) this.#places[this.sources[place]] = 0
    this.packetCount = 0
    this.flowCount = 0
    this.sourceCount = 0
    this.#latestFlow = -1
  }

  #addToOtherFlow(source: number, destination: TransportAddress, packet: number): void {
    const hash = hashTransportAddress(destination) ^ Math.imul(source, 0x2c1b3c6d)
    let slot = (hash ^ (hash >>> 12)) & TABLE_MASK
    while (this.#table[slot] !== 0) {
      const flow = this.#table[slot] - 1
      if (this.#isFlow(flow, source, destination)) {
        this.#append(flow, packet)
        return
      }
      slot = (slot + 1) & TABLE_MASK
    }
    const flow = this.flowCount++
    this.#table[slot] = flow + 1
    this.#tableSlots[flow] = slot
    this.#flowSources[flow] = source
    this.destinations[flow].copyFrom(destination)
    this.firstPackets[flow] = packet
    this.#lastPackets[flow] = packet
    this.nextFlows[flow] = -1
    this.#latestFlow = flow
    this.#addToSource(source, flow)
  }

  #addToSource(source: number, flow: number): void {
    const place = this.#places[source] - 1
    if (place >= 0) {
      this.nextFlows[this.#lastFlows[place]] = flow
      this.#lastFlows[place] = flow
      return
    }
    const newPlace = this.sourceCount++
    this.#places[source] = newPlace + 1
    this.sources[newPlace] = source
    this.firstFlows[newPlace] = flow
    this.#lastFlows[newPlace] = flow
  }

  #append(flow: number, packet: number): void {
    this.nextPackets[this.#lastPackets[flow]] = packet
    this.#lastPackets[flow] = packet
    this.#latestFlow = flow
  }

  #isFlow(flow: number, source: number, destination: TransportAddress): boolean {
    return this.#flowSources[flow] === source && this.destinations[flow].equals(destination)
  }
}
