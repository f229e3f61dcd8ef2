// The errors that the kernel keeps for a relay socket (IP_RECVERR): ICMP messages about packets that it sent, and packets that were
// longer than the path allows and must not be fragmented (RFC 8656 §11.5).
import { FAMILY_IPV6, TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import {
  CMSGHDR,
  controlSpace,
  EMSGSIZE,
  IOVEC,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSGHDR,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
  SOCK_EXTENDED_ERR,
} from './layout.js'
import type { Libc } from './libc.js'
import { readSocketAddress } from './socket-address.js'

const NAME_LENGTH = 32
const CONTROL_LENGTH = 256
/** The packet that caused the error is not looked at. */
const DATA_LENGTH = 64
const DESTINATION_UNREACHABLE_IPV4 = 3
const FRAGMENTATION_NEEDED = 4
const PACKET_TOO_BIG_IPV6 = 2

/** Arena bytes that it takes. */
export const ERROR_QUEUE_LENGTH = 5 * 64 + MSGHDR.size + IOVEC.size + NAME_LENGTH + CONTROL_LENGTH + DATA_LENGTH

export class ErrorQueue {
  // What next() found.
  /** Where the packet was sent to. */
  readonly peer = new TransportAddress()
  icmpType = 0
  icmpCode = 0
  /** The MTU, where the type and code have one. */
  errorData = 0
  readonly #libc: Libc
  readonly #arena: Arena
  readonly #header: number
  readonly #name: number
  readonly #control: number

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc
    this.#arena = arena
    this.#header = arena.reserve(MSGHDR.size)
    this.#name = arena.reserve(NAME_LENGTH)
    this.#control = arena.reserve(CONTROL_LENGTH)
    const iovec = arena.reserve(IOVEC.size)
    arena.storePointer(this.#header + MSGHDR.msg_name, this.#name)
    arena.storePointer(this.#header + MSGHDR.msg_iov, iovec)
    arena.storePointer(this.#header + MSGHDR.msg_control, this.#control)
    arena.words[(this.#header + MSGHDR.msg_iovlen) >> 2] = 1
    arena.storePointer(iovec + IOVEC.iov_base, arena.reserve(DATA_LENGTH))
    arena.words[(iovec + IOVEC.iov_len) >> 2] = DATA_LENGTH
  }

  /** Takes an entry. Returns false if there is none; `icmpType` is 0 if it was about something else. */
  next(fd: number): boolean {
    const { words } = this.#arena
    words[(this.#header + MSGHDR.msg_namelen) >> 2] = NAME_LENGTH
    words[(this.#header + MSGHDR.msg_controllen) >> 2] = CONTROL_LENGTH
    this.icmpType = 0
    const pointer = this.#arena.pointerAt(this.#header)
    if (this.#libc.recvmsg(fd, pointer, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false
    const controlEnd = this.#control + words[(this.#header + MSGHDR.msg_controllen) >> 2]
    let at = this.#control
    while (at + CMSGHDR.size + SOCK_EXTENDED_ERR.size <= controlEnd) {
      const length = words[at >> 2]
      if (length < CMSGHDR.size) break
      const level = words[(at + CMSGHDR.cmsg_level) >> 2]
      const type = words[(at + CMSGHDR.cmsg_type) >> 2]
      const isError = (level === IPPROTO_IP && type === IP_RECVERR) || (level === IPPROTO_IPV6 && type === IPV6_RECVERR)
      if (isError && readSocketAddress(this.#arena, this.#name, this.peer)) this.#read(at + CMSGHDR.size)
      at += controlSpace(length - CMSGHDR.size)
    }
    return true
  }

  #read(error: number): void {
    const { bytes, words } = this.#arena
    const origin = bytes[error + SOCK_EXTENDED_ERR.ee_origin]
    const info = words[(error + SOCK_EXTENDED_ERR.ee_info) >> 2]
    if (origin === SO_EE_ORIGIN_ICMP || origin === SO_EE_ORIGIN_ICMP6) {
      this.icmpType = bytes[error + SOCK_EXTENDED_ERR.ee_type]
      this.icmpCode = bytes[error + SOCK_EXTENDED_ERR.ee_code]
      this.errorData = info
    } else if (origin === SO_EE_ORIGIN_LOCAL && words[error >> 2] === EMSGSIZE) {
      // This machine is the router that cannot pass it on.
      const isIPv6 = this.peer.family === FAMILY_IPV6
      this.icmpType = isIPv6 ? PACKET_TOO_BIG_IPV6 : DESTINATION_UNREACHABLE_IPV4
      this.icmpCode = isIPv6 ? 0 : FRAGMENTATION_NEEDED
      this.errorData = info
    }
  }
}
