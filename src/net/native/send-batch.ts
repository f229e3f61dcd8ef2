// Messages for one sendmmsg call: struct mmsghdr with the destination, scattered parts and control messages. Built once; per
// message only lengths and the lower halves of pointers change. On the hot path.
//
//   message ─► name          the flow's socket address
//           ─► iovecs        [header, payload, padding, header, payload, …]
//           ─► control       [UDP_SEGMENT][traffic class][source address]; the first is skipped for a single packet
import { SEND_MESSAGE_COUNT_MAX, SEND_PART_COUNT_MAX } from '../../limits/engines.js'
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import {
  CMSGHDR,
  controlSpace,
  IN_PKTINFO,
  IN6_PKTINFO,
  IOVEC,
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  MMSGHDR,
  MSG_DONTWAIT,
  MSGHDR,
  SOL_UDP,
  UDP_SEGMENT,
} from './layout.js'
import type { Libc } from './libc.js'
import { writeNetworkWord } from './socket-address.js'

const SEGMENT_SPACE = controlSpace(2)
const CONTROL_STRIDE = 128

/** Arena bytes that a batch takes. */
export const SEND_BATCH_LENGTH =
  SEND_MESSAGE_COUNT_MAX * (MMSGHDR.size + CONTROL_STRIDE) + SEND_PART_COUNT_MAX * IOVEC.size + 3 * 64

export class SendBatch {
  /** Messages that are complete. */
  count = 0
  #partCount = 0
  readonly #libc: Libc
  readonly #arena: Arena
  readonly #headers: number
  readonly #iovecs: number
  readonly #controls: number
  #control = 0
  #controlEnd = 0

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc
    this.#arena = arena
    this.#headers = arena.reserve(SEND_MESSAGE_COUNT_MAX * MMSGHDR.size)
    this.#controls = arena.reserve(SEND_MESSAGE_COUNT_MAX * CONTROL_STRIDE)
    this.#iovecs = arena.reserve(SEND_PART_COUNT_MAX * IOVEC.size)
    // Upper halves of pointers, and the control message that every segmented message begins with, stay as they are.
    for (let part = 0; part < SEND_PART_COUNT_MAX; part++) arena.storePointer(this.#iovecs + part * IOVEC.size, 0)
    for (let message = 0; message < SEND_MESSAGE_COUNT_MAX; message++) {
      const header = this.#headers + message * MMSGHDR.size
      arena.storePointer(header + MSGHDR.msg_name, 0)
      arena.storePointer(header + MSGHDR.msg_iov, 0)
      arena.storePointer(header + MSGHDR.msg_control, 0)
      this.#writeControlHeader(this.#controls + message * CONTROL_STRIDE, CMSGHDR.size + 2, SOL_UDP, UDP_SEGMENT)
    }
  }

  clear(): void {
    this.count = 0
    this.#partCount = 0
  }

  /** Is there room for a message of this many parts? */
  hasRoom(partCount: number): boolean {
    return this.count < SEND_MESSAGE_COUNT_MAX && this.#partCount + partCount <= SEND_PART_COUNT_MAX
  }

  /** Adds a part of the present message: arena bytes that stay as they are until send(). */
  addPart(start: number, length: number): void {
    const { words } = this.#arena
    const iovec = this.#iovecs + this.#partCount * IOVEC.size
    this.#arena.storePointerLow(iovec, start)
    words[(iovec + IOVEC.iov_len) >> 2] = length
    this.#partCount++
  }

  /**
   * Completes the present message, which has the last `partCount` parts.
   * @param name the arena offset of the destination's socket address
   * @param segmentLength bytes of a packet (UDP_SEGMENT), or 0 for a message that is one packet
   * @param trafficClass DSCP and ECN
   * @param local the source address of a wildcard socket; null where the socket is bound to one
   */
  addMessage(
    partCount: number,
    name: number,
    nameLength: number,
    isIPv6: boolean,
    segmentLength: number,
    trafficClass: number,
    local: TransportAddress | null,
  ): void {
    const { words } = this.#arena
    const header = this.#headers + this.count * MMSGHDR.size
    const control = this.#controls + this.count * CONTROL_STRIDE
    this.#control = control + SEGMENT_SPACE
    this.#controlEnd = this.#control
    if (segmentLength > 0) {
      this.#control = control
      words[(control + CMSGHDR.size) >> 2] = segmentLength
    }
    if (trafficClass !== 0) this.#addTrafficClass(isIPv6, trafficClass)
    if (local !== null) this.#addSource(local)
    this.#arena.storePointerLow(header + MSGHDR.msg_name, name)
    words[(header + MSGHDR.msg_namelen) >> 2] = nameLength
    const firstPart = this.#partCount - partCount
    this.#arena.storePointerLow(header + MSGHDR.msg_iov, this.#iovecs + firstPart * IOVEC.size)
    words[(header + MSGHDR.msg_iovlen) >> 2] = partCount
    this.#arena.storePointerLow(header + MSGHDR.msg_control, this.#control)
    words[(header + MSGHDR.msg_controllen) >> 2] = this.#controlEnd - this.#control
    this.count++
  }

  /** Sends the messages from `first` on. Returns how many the kernel took, or -1 (see errno: it is about `first`). */
  send(fd: number, first: number): number {
    const messages = this.#arena.pointerAt(this.#headers + first * MMSGHDR.size)
    return this.#libc.sendmmsg(fd, messages, this.count - first, MSG_DONTWAIT)
  }

  #addTrafficClass(isIPv6: boolean, trafficClass: number): void {
    const at = this.#controlEnd
    this.#writeControlHeader(at, CMSGHDR.size + 4, isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP, isIPv6 ? IPV6_TCLASS : IP_TOS)
    this.#arena.words[(at + CMSGHDR.size) >> 2] = trafficClass
    this.#controlEnd = at + controlSpace(4)
  }

  #addSource(local: TransportAddress): void {
    const { bytes, words } = this.#arena
    const at = this.#controlEnd
    const data = at + CMSGHDR.size
    if (local.family === FAMILY_IPV6) {
      this.#writeControlHeader(at, CMSGHDR.size + IN6_PKTINFO.size, IPPROTO_IPV6, IPV6_PKTINFO)
      writeNetworkWord(bytes, data + IN6_PKTINFO.ipi6_addr, local.word0)
      writeNetworkWord(bytes, data + IN6_PKTINFO.ipi6_addr + 4, local.word1)
      writeNetworkWord(bytes, data + IN6_PKTINFO.ipi6_addr + 8, local.word2)
      writeNetworkWord(bytes, data + IN6_PKTINFO.ipi6_addr + 12, local.word3)
      words[(data + IN6_PKTINFO.ipi6_ifindex) >> 2] = 0
      this.#controlEnd = at + controlSpace(IN6_PKTINFO.size)
      return
    }
    this.#writeControlHeader(at, CMSGHDR.size + IN_PKTINFO.size, IPPROTO_IP, IP_PKTINFO)
    words[(data + IN_PKTINFO.ipi_ifindex) >> 2] = 0
    writeNetworkWord(bytes, data + IN_PKTINFO.ipi_spec_dst, local.word0)
    words[(data + IN_PKTINFO.ipi_addr) >> 2] = 0
    this.#controlEnd = at + controlSpace(IN_PKTINFO.size)
  }

  #writeControlHeader(at: number, length: number, level: number, type: number): void {
    const { words } = this.#arena
    words[(at + CMSGHDR.cmsg_len) >> 2] = length
    words[(at + CMSGHDR.cmsg_len + 4) >> 2] = 0
    words[(at + CMSGHDR.cmsg_level) >> 2] = level
    words[(at + CMSGHDR.cmsg_type) >> 2] = type
  }
}
