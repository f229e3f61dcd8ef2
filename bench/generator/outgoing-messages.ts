// Datagrams to send with sendmmsg, or bursts of equal ones (UDP_SEGMENT). Built once: to send again, the caller changes payload bytes only.
import {
  CMSGHDR,
  controlSpace,
  IN_PKTINFO,
  IP_PKTINFO,
  IPPROTO_IP,
  MMSGHDR,
  MSG_DONTWAIT,
  MSGHDR,
  SOCKADDR_IN,
  SOL_UDP,
  UDP_SEGMENT,
} from '../../src/net/native/layout.js'
import type { Endpoint } from './endpoint.js'
import { type Kernel, orNothing } from './kernel.js'
import { CONTROL_LENGTH, MessageArray } from './message-array.js'

/** One datagram to send, or a burst of equal ones. */
export interface OutgoingMessage {
  /** Where to, as words of struct sockaddr_in. */
  readonly portWord: number
  readonly hostWord: number
  /** The address to send from, as a word of struct in_addr; 0: the socket's own. */
  readonly sourceHostWord: number
  /** The bytes, in the arena. */
  readonly start: number
  readonly segmentLength: number
  readonly segmentCount: number
}

export class OutgoingMessages extends MessageArray {
  readonly #endpoint: Endpoint

  constructor(kernel: Kernel, endpoint: Endpoint, messages: readonly OutgoingMessage[]) {
    super(kernel, messages.length)
    this.#endpoint = endpoint
    for (const [index, message] of messages.entries()) this.set(index, message)
  }

  /** Sends messages `first` to `first + count - 1`. Returns how many the kernel took. */
  send(first: number, count: number): number {
    const pointer = this.kernel.arena.pointerAt(this.headers + first * MMSGHDR.size)
    const sent = this.kernel.libc.sendmmsg(this.#endpoint.fd, pointer, count, MSG_DONTWAIT)
    return orNothing(this.kernel, sent, 'sendmmsg')
  }

  /** Changes a message. */
  set(index: number, message: OutgoingMessage): void {
    const { words } = this
    const name = (this.names + index * SOCKADDR_IN.size) >> 2
    words[name] = message.portWord
    words[name + 1] = message.hostWord
    this.setBuffer(index, message.start, message.segmentLength * message.segmentCount)
    let control = this.controls + index * CONTROL_LENGTH
    const controlStart = control
    if (message.sourceHostWord !== 0) {
      const data = this.#storeControl(control, IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size)
      words[(data + IN_PKTINFO.ipi_spec_dst) >> 2] = message.sourceHostWord
      control += controlSpace(IN_PKTINFO.size)
    }
    if (message.segmentCount > 1) {
      const data = this.#storeControl(control, SOL_UDP, UDP_SEGMENT, 2)
      words[data >> 2] = message.segmentLength
      control += controlSpace(2)
    }
    words[(this.headers + index * MMSGHDR.size + MSGHDR.msg_controllen) >> 2] = control - controlStart
  }

  /** Returns where the data goes. */
  #storeControl(at: number, level: number, type: number, dataLength: number): number {
    this.words[(at + CMSGHDR.cmsg_len) >> 2] = CMSGHDR.size + dataLength
    this.words[(at + CMSGHDR.cmsg_level) >> 2] = level
    this.words[(at + CMSGHDR.cmsg_type) >> 2] = type
    return at + CMSGHDR.size
  }
}
