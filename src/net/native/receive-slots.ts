// Where datagrams arrive: one array of struct mmsghdr, each with a slot of 64 KiB (a buffer that UDP_GRO has coalesced may be that
// long), room for the source's address and for control messages. On the hot path.
//
//   slot   [ headroom 64 | datagram, or segments of equal size and a last shorter one … 65,536 | tail 64 ]
//
// A header may be written into the headroom of a lone datagram. Slots are not 64 KiB apart but a little more: otherwise their
// beginnings would all compete for the same few lines of the processor's cache.
import { DATAGRAM_LENGTH_MAX } from '../../limits/engines.js'
import { TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import {
  CMSGHDR,
  EAGAIN,
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
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_TRUNC,
  MSGHDR,
  SOL_UDP,
  UDP_GRO,
} from './layout.js'
import type { Libc } from './libc.js'
import { readIPv6, readNetworkWord, readSocketAddress } from './socket-address.js'

export const RECEIVE_HEADROOM = 64
const TAIL = 64
const SLOT_STRIDE = RECEIVE_HEADROOM + DATAGRAM_LENGTH_MAX + TAIL + 64
const NAME_STRIDE = 32
const CONTROL_LENGTH = 128
/** Bytes from one control message to the next one's alignment. */
const CONTROL_ALIGNMENT = 8

/** Arena bytes that this many slots take. */
export function receiveSlotsLength(count: number): number {
  return count * (SLOT_STRIDE + MMSGHDR.size + IOVEC.size + NAME_STRIDE + CONTROL_LENGTH) + 5 * 64
}

export class ReceiveSlots {
  readonly count: number
  // What parse() found in a slot.
  /** Offsets in the arena. */
  start = 0
  end = 0
  /** Bytes of a segment; all but the last have it. */
  segmentLength = 0
  /** DSCP and ECN, as in the IP header. */
  trafficClass = 0
  readonly source = new TransportAddress()
  /** The address that was asked, without port; of family 0 unless the socket tells. */
  readonly local = new TransportAddress()

  readonly #arena: Arena
  readonly #libc: Libc
  readonly #headers: number
  readonly #names: number
  readonly #controls: number
  readonly #data: number

  constructor(libc: Libc, arena: Arena, count: number) {
    this.count = count
    this.#libc = libc
    this.#arena = arena
    this.#headers = arena.reserve(count * MMSGHDR.size)
    this.#names = arena.reserve(count * NAME_STRIDE)
    this.#controls = arena.reserve(count * CONTROL_LENGTH)
    const iovecs = arena.reserve(count * IOVEC.size)
    this.#data = arena.reserve(count * SLOT_STRIDE) + RECEIVE_HEADROOM
    for (let slot = 0; slot < count; slot++) {
      const header = this.#headers + slot * MMSGHDR.size
      const iovec = iovecs + slot * IOVEC.size
      arena.storePointer(header + MSGHDR.msg_name, this.#names + slot * NAME_STRIDE)
      arena.storePointer(header + MSGHDR.msg_iov, iovec)
      arena.storePointer(header + MSGHDR.msg_control, this.#controls + slot * CONTROL_LENGTH)
      arena.words[(header + MSGHDR.msg_iovlen) >> 2] = 1
      arena.storePointer(iovec + IOVEC.iov_base, this.#data + slot * SLOT_STRIDE)
      arena.words[(iovec + IOVEC.iov_len) >> 2] = DATAGRAM_LENGTH_MAX
      this.#reset(header)
    }
  }

  /** Receives into the slots from `first` on, `count` messages at most. Returns how many, or -1 (see errno). */
  receive(fd: number, first: number, count: number): number {
    const messages = this.#arena.pointerAt(this.#headers + first * MMSGHDR.size)
    const received = this.#libc.recvmmsg(fd, messages, count, MSG_DONTWAIT, 0)
    if (received >= 0 || this.#libc.errno() === EAGAIN) return received
    // The ICMP error of an earlier packet is reported in place of what has arrived, once.
    return this.#libc.recvmmsg(fd, messages, count, MSG_DONTWAIT, 0)
  }

  /** Reads what arrived in this slot and makes its header ready for the next message. False for what cannot be used. */
  parse(slot: number): boolean {
    const { words } = this.#arena
    const header = this.#headers + slot * MMSGHDR.size
    const length = words[(header + MMSGHDR.msg_len) >> 2]
    const flags = words[(header + MSGHDR.msg_flags) >> 2]
    const controlLength = words[(header + MSGHDR.msg_controllen) >> 2]
    this.start = this.#data + slot * SLOT_STRIDE
    this.end = this.start + length
    this.segmentLength = length
    this.trafficClass = 0
    this.local.family = 0
    this.#reset(header)
    // Without its control messages a coalesced buffer would pass for one datagram.
    if ((flags & (MSG_TRUNC | MSG_CTRUNC)) !== 0) return false
    if (length < 0 || length > DATAGRAM_LENGTH_MAX || controlLength < 0 || controlLength > CONTROL_LENGTH) return false
    if (controlLength > 0) this.#parseControl(this.#controls + slot * CONTROL_LENGTH, controlLength)
    return readSocketAddress(this.#arena, this.#names + slot * NAME_STRIDE, this.source)
  }

  #reset(header: number): void {
    const { words } = this.#arena
    words[(header + MSGHDR.msg_namelen) >> 2] = NAME_STRIDE
    words[(header + MSGHDR.msg_controllen) >> 2] = CONTROL_LENGTH
    words[(header + MSGHDR.msg_flags) >> 2] = 0
  }

  #parseControl(control: number, controlLength: number): void {
    const { bytes, words } = this.#arena
    const controlEnd = control + controlLength
    let at = control
    while (at + CMSGHDR.size <= controlEnd) {
      const length = words[at >> 2]
      if (length < CMSGHDR.size || at + length > controlEnd) return
      const level = words[(at + CMSGHDR.cmsg_level) >> 2]
      const type = words[(at + CMSGHDR.cmsg_type) >> 2]
      const data = at + CMSGHDR.size
      if (level === SOL_UDP && type === UDP_GRO) {
        const segmentLength = words[data >> 2]
        if (segmentLength > 0 && segmentLength < this.segmentLength) this.segmentLength = segmentLength
      } else if ((level === IPPROTO_IP && type === IP_TOS) || (level === IPPROTO_IPV6 && type === IPV6_TCLASS)) {
        this.trafficClass = bytes[data]
      } else if (level === IPPROTO_IP && type === IP_PKTINFO) {
        // The destination, or this machine's address where that was a broadcast.
        this.local.setIPv4(readNetworkWord(bytes, data + IN_PKTINFO.ipi_spec_dst), 0)
      } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
        readIPv6(bytes, data + IN6_PKTINFO.ipi6_addr, this.local, 0)
      }
      at += (length + CONTROL_ALIGNMENT - 1) & ~(CONTROL_ALIGNMENT - 1)
    }
  }
}
