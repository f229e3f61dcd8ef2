// Datagrams as recvmmsg hands them over: coalesced ones with the length of their segments (UDP_GRO), and the address that they were sent to.
import {
  CMSGHDR,
  IP_PKTINFO,
  IPPROTO_IP,
  MMSGHDR,
  MSG_DONTWAIT,
  MSG_TRUNC,
  MSGHDR,
  SOCKADDR_IN,
  SOL_UDP,
  UDP_GRO,
} from '../../src/net/native/layout.js'
import type { Endpoint } from './endpoint.js'
import { type Kernel, orNothing } from './kernel.js'
import { CONTROL_LENGTH, MessageArray } from './message-array.js'

/** A datagram of 64 segments may be as long as UDP allows. */
const SLOT_LENGTH = 1 << 16

export class IncomingMessages extends MessageArray {
  readonly #slots: number
  readonly #segmentLengths: Int32Array
  readonly #destinations: Int32Array

  constructor(kernel: Kernel, count: number) {
    super(kernel, count)
    this.#segmentLengths = new Int32Array(count)
    this.#destinations = new Int32Array(count)
    this.#slots = kernel.arena.reserve(count * SLOT_LENGTH)
    for (let index = 0; index < count; index++) this.setBuffer(index, this.start(index), SLOT_LENGTH)
  }

  /** Receives what is there now, without waiting. Returns how many messages. */
  receive(endpoint: Endpoint): number {
    const { words, headers } = this
    for (let index = 0; index < this.count; index++) {
      const header = headers + index * MMSGHDR.size
      words[(header + MSGHDR.msg_controllen) >> 2] = CONTROL_LENGTH
      words[(header + MSGHDR.msg_namelen) >> 2] = SOCKADDR_IN.size
    }
    const pointer = this.kernel.arena.pointerAt(headers)
    const result = this.kernel.libc.recvmmsg(endpoint.fd, pointer, this.count, MSG_DONTWAIT, 0)
    const received = orNothing(this.kernel, result, 'recvmmsg')
    for (let index = 0; index < received; index++) this.#readControl(index)
    return received
  }

  /** Where the bytes lie in the arena. */
  start(index: number): number {
    return this.#slots + index * SLOT_LENGTH
  }

  /** All segments together; 0 if a part was cut off. */
  length(index: number): number {
    const header = this.headers + index * MMSGHDR.size
    const isTruncated = (this.words[(header + MSGHDR.msg_flags) >> 2] & MSG_TRUNC) !== 0
    return isTruncated ? 0 : this.words[(header + MMSGHDR.msg_len) >> 2]
  }

  /** The length of every segment but the last. */
  segmentLength(index: number): number {
    return this.#segmentLengths[index]
  }

  /** Family and port of the source, as in struct sockaddr_in. */
  sourcePortWord(index: number): number {
    return this.words[(this.names + index * SOCKADDR_IN.size) >> 2]
  }

  sourceHostWord(index: number): number {
    return this.words[((this.names + index * SOCKADDR_IN.size) >> 2) + 1]
  }

  /** Our own address that it was sent to, as in struct in_addr; 0 if the socket is not a wildcard one. */
  destinationHostWord(index: number): number {
    return this.#destinations[index]
  }

  #readControl(index: number): void {
    const { words } = this
    this.#segmentLengths[index] = this.length(index)
    this.#destinations[index] = 0
    let at = this.controls + index * CONTROL_LENGTH
    const end = at + words[(this.headers + index * MMSGHDR.size + MSGHDR.msg_controllen) >> 2]
    while (at + CMSGHDR.size <= end) {
      const level = words[(at + CMSGHDR.cmsg_level) >> 2]
      const type = words[(at + CMSGHDR.cmsg_type) >> 2]
      const data = (at + CMSGHDR.size) >> 2
      if (level === SOL_UDP && type === UDP_GRO) this.#segmentLengths[index] = words[data]
      else if (level === IPPROTO_IP && type === IP_PKTINFO) this.#destinations[index] = words[data + 2]
      at += (words[(at + CMSGHDR.cmsg_len) >> 2] + 7) & ~7
    }
  }
}
