// Sends what a round has gathered: runs of equal length to one destination as one message that the kernel cuts into packets
// (UDP_SEGMENT), the rest batched, one sendmmsg per source socket. Headers are written in front of lone payloads, or stand beside
// them as parts of their own; no payload byte is copied. On the hot path.
import {
  GATHERED_FLOW_COUNT_MAX,
  SEND_MESSAGE_COUNT_MAX,
  STAGED_BYTES_MAX,
  STAGING_BYTES,
} from '../../limits/engines.js'
import type { TransportAddress } from '../../stun/address.js'
import {
  COUNTER_BYTES_SENT,
  COUNTER_GSO_SEGMENTS,
  COUNTER_GSO_SENDS,
  COUNTER_PACKETS_SENT,
  COUNTER_SEND_CALLS,
  COUNTER_SEND_QUEUE_DROPS,
  COUNTER_SOCKET_ERRORS,
} from '../counters.js'
import type { Arena } from './arena.js'
import { GsoRests } from './gso-rests.js'
import { EAGAIN, EINTR, EINVAL, EIO, EMSGSIZE, ENOBUFS, UDP_SEGMENT_COUNT_MAX } from './layout.js'
import type { Libc } from './libc.js'
import { SEND_BATCH_LENGTH, SendBatch } from './send-batch.js'
import { SendFlows } from './send-flows.js'
import type { SendSources } from './send-sources.js'
import { writeSocketAddress } from './socket-address.js'

/** Bytes of a segmented send, whichever family: 65,535 less the headers of IPv4 and UDP, and room for those of IPv6. */
const SEGMENTED_LENGTH_MAX = 65_487
const PARTS_OF_PACKET_MAX = 3
const NAME_STRIDE = 32
const PADDING_LENGTH = 4
/** How often a message is tried again. More than once, because in a storm of ICMP errors the next one comes between two calls. */
const RETRY_COUNT_MAX = 4

/** Arena bytes that the queue takes. */
export const SEND_QUEUE_LENGTH =
  SEND_BATCH_LENGTH + STAGING_BYTES + GATHERED_FLOW_COUNT_MAX * NAME_STRIDE + PADDING_LENGTH + 3 * 64

export class SendQueue {
  readonly #arena: Arena
  readonly #libc: Libc
  readonly #sources: SendSources
  readonly #counters: Float64Array
  readonly #usesGso: boolean
  readonly #flows = new SendFlows()
  readonly #batch: SendBatch
  readonly #rests = new GsoRests()
  readonly #staging: number
  readonly #names: number
  readonly #zeros: number
  #staged = 0
  // By message of the batch: what is needed to count it, and to send it again in single packets.
  readonly #messagePackets = new Int32Array(SEND_MESSAGE_COUNT_MAX)
  readonly #messageCounts = new Int32Array(SEND_MESSAGE_COUNT_MAX)
  readonly #messageBytes = new Int32Array(SEND_MESSAGE_COUNT_MAX)
  readonly #messageFlows = new Int32Array(SEND_MESSAGE_COUNT_MAX)
  /** Where the batch is being built: the present flow (-1: all is done) and its next packet. */
  #flow = -1
  #packet = -1
  /** The present time in ticks of the core: GSO rests for a while where it failed. */
  now = 0

  constructor(libc: Libc, arena: Arena, sources: SendSources, counters: Float64Array, usesGso: boolean) {
    this.#libc = libc
    this.#arena = arena
    this.#sources = sources
    this.#counters = counters
    this.#usesGso = usesGso
    this.#batch = new SendBatch(libc, arena)
    this.#staging = arena.reserve(STAGING_BYTES)
    this.#names = arena.reserve(GATHERED_FLOW_COUNT_MAX * NAME_STRIDE)
    this.#zeros = arena.reserve(PADDING_LENGTH)
  }

  /** Makes sure that the next packet, and this many bytes that are staged for it, find room. */
  makeRoom(stagedLength: number): void {
    if (this.#flows.isFull || this.#staged + stagedLength + STAGED_BYTES_MAX > STAGING_BYTES) this.flush()
  }

  /** Reserves bytes until the next flush, after makeRoom. Returns their offset. */
  stage(length: number): number {
    const start = this.#staging + this.#staged
    this.#staged += length
    return start
  }

  /** Queues a packet, after makeRoom: header? payload padding?, all of them arena bytes that stay until the next flush. */
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
    this.#flows.add(source, destination, trafficClass, headerStart, headerLength, start, length, padding)
  }

  /** Sends everything. */
  flush(): void {
    const flows = this.#flows
    if (flows.packetCount > 0) {
      for (let place = 0; place < flows.sourceCount; place++) {
        const source = flows.sources[place]
        this.#flow = flows.firstFlows[place]
        this.#packet = flows.firstPackets[this.#flow]
        while (this.#flow >= 0) {
          this.#build(source)
          this.#send(source)
        }
      }
      flows.clear()
    }
    this.#staged = 0
  }

  /** Fills the batch from the present flow and packet on, which it moves to the first that finds no room. */
  #build(source: number): void {
    const flows = this.#flows
    this.#batch.clear()
    while (this.#flow >= 0) {
      const name = this.#names + this.#flow * NAME_STRIDE
      const nameLength = writeSocketAddress(this.#arena, name, flows.destinations[this.#flow])
      while (this.#packet >= 0) {
        const count = this.#runLength(this.#flow, this.#packet)
        if (!this.#batch.hasRoom(count * PARTS_OF_PACKET_MAX)) return
        this.#addMessage(source, name, nameLength, count)
      }
      this.#flow = flows.nextFlows[this.#flow]
      if (this.#flow >= 0) this.#packet = flows.firstPackets[this.#flow]
    }
  }

  /** How many packets, from this one on, one message may carry: of one class and length, but the last may be shorter. */
  #runLength(flow: number, first: number): number {
    const flows = this.#flows
    const segmentLength = this.#lengthOf(first)
    if (!this.#usesGso || segmentLength === 0) return 1
    let packet = flows.nextPackets[first]
    if (packet < 0 || this.#rests.isResting(flows.destinations[flow], segmentLength, this.now)) return 1
    const trafficClass = flows.trafficClasses[first]
    let count = 1
    let total = segmentLength
    let length = segmentLength
    while (packet >= 0 && count < UDP_SEGMENT_COUNT_MAX && length === segmentLength) {
      if (flows.trafficClasses[packet] !== trafficClass) break
      length = this.#lengthOf(packet)
      total += length
      if (length > segmentLength || length === 0 || total > SEGMENTED_LENGTH_MAX) break
      count++
      packet = flows.nextPackets[packet]
    }
    return count
  }

  /** Adds a message of the next `count` packets of the present flow. */
  #addMessage(source: number, name: number, nameLength: number, count: number): void {
    const flows = this.#flows
    const batch = this.#batch
    const message = batch.count
    const first = this.#packet
    let packet = first
    let partCount = 0
    let total = 0
    for (let index = 0; index < count; index++) {
      partCount += this.#addParts(packet)
      total += this.#lengthOf(packet)
      packet = flows.nextPackets[packet]
    }
    const segmentLength = count > 1 ? this.#lengthOf(first) : 0
    const isIPv6 = this.#sources.isIPv6[source] === 1
    const trafficClass = flows.trafficClasses[first]
    batch.addMessage(partCount, name, nameLength, isIPv6, segmentLength, trafficClass, this.#sources.localOf(source))
    this.#messageFlows[message] = this.#flow
    this.#messagePackets[message] = first
    this.#messageCounts[message] = count
    this.#messageBytes[message] = total
    this.#packet = packet
  }

  /** Returns how many parts the packet has: none if it is empty. */
  #addParts(packet: number): number {
    const flows = this.#flows
    const batch = this.#batch
    let count = 0
    if (flows.headerLengths[packet] > 0) {
      batch.addPart(flows.headerStarts[packet], flows.headerLengths[packet])
      count++
    }
    if (flows.lengths[packet] > 0) {
      batch.addPart(flows.starts[packet], flows.lengths[packet])
      count++
    }
    if (flows.paddings[packet] > 0) {
      batch.addPart(this.#zeros, flows.paddings[packet])
      count++
    }
    return count
  }

  #lengthOf(packet: number): number {
    const flows = this.#flows
    return flows.headerLengths[packet] + flows.lengths[packet] + flows.paddings[packet]
  }

  /** Sends the batch. Where segmentation is refused, the present flow and packet go back there, to be sent singly. */
  #send(source: number): void {
    const batch = this.#batch
    const fd = this.#sources.fds[source]
    let message = 0
    let retryCount = 0
    while (message < batch.count) {
      const sent = batch.send(fd, message)
      this.#counters[COUNTER_SEND_CALLS]++
      if (sent > 0) {
        this.#countSent(message, message + sent)
        message += sent
        retryCount = 0
        continue
      }
      const errno = this.#libc.errno()
      if (errno === EINTR) continue
      const isRefused = this.#isSegmentationRefused(message, errno)
      if (retryCount < (isRefused ? 1 : RETRY_COUNT_MAX) && this.#mayBeOfAnother(source, errno)) {
        retryCount++
        continue
      }
      retryCount = 0
      if (errno === EAGAIN) {
        // The socket's buffer is full: whatever follows would find it full too.
        this.#countLost(COUNTER_SEND_QUEUE_DROPS, message, batch.count)
        return
      }
      if (isRefused) {
        this.#goBackTo(message)
        return
      }
      this.#countLost(errno === ENOBUFS ? COUNTER_SEND_QUEUE_DROPS : COUNTER_SOCKET_ERRORS, message, message + 1)
      message++
    }
  }

  /** May the errno be the ICMP error of an earlier packet, to whomever, which the call has now reported? Then it is tried again. */
  #mayBeOfAnother(source: number, errno: number): boolean {
    // A packet with the DF bit that is too long is reported to its client, once.
    const isTooLong = errno === EMSGSIZE && this.#sources.dontFragment[source] === 1
    return errno !== EAGAIN && errno !== ENOBUFS && !isTooLong
  }

  #isSegmentationRefused(message: number, errno: number): boolean {
    return this.#messageCounts[message] > 1 && (errno === EINVAL || errno === EIO || errno === EMSGSIZE)
  }

  #goBackTo(message: number): void {
    this.#flow = this.#messageFlows[message]
    this.#packet = this.#messagePackets[message]
    this.#rests.add(this.#flows.destinations[this.#flow], this.#lengthOf(this.#packet), this.now)
  }

  #countSent(message: number, messageEnd: number): void {
    const counters = this.#counters
    for (let index = message; index < messageEnd; index++) {
      const count = this.#messageCounts[index]
      counters[COUNTER_PACKETS_SENT] += count
      counters[COUNTER_BYTES_SENT] += this.#messageBytes[index]
      if (count > 1) {
        counters[COUNTER_GSO_SENDS]++
        counters[COUNTER_GSO_SEGMENTS] += count
      }
    }
  }

  #countLost(counter: number, message: number, messageEnd: number): void {
    for (let index = message; index < messageEnd; index++) this.#counters[counter] += this.#messageCounts[index]
  }
}
