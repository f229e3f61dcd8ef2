// The part that sending and receiving share: an array of struct mmsghdr, each with one name, one iovec and room for control messages.
import { controlSpace, IN_PKTINFO, IOVEC, MMSGHDR, MSGHDR, SOCKADDR_IN } from '../../src/net/native/layout.js'
import type { Kernel } from './kernel.js'

/** IP_PKTINFO, and UDP_GRO or UDP_SEGMENT. */
export const CONTROL_LENGTH = controlSpace(IN_PKTINFO.size) + controlSpace(4)

export class MessageArray {
  readonly count: number
  protected readonly kernel: Kernel
  protected readonly words: Int32Array
  protected readonly headers: number
  protected readonly names: number
  protected readonly controls: number
  readonly #iovecs: number

  constructor(kernel: Kernel, count: number) {
    const { arena } = kernel
    this.count = count
    this.kernel = kernel
    this.words = arena.words
    this.headers = arena.reserve(count * MMSGHDR.size)
    this.names = arena.reserve(count * SOCKADDR_IN.size)
    this.controls = arena.reserve(count * CONTROL_LENGTH)
    this.#iovecs = arena.reserve(count * IOVEC.size)
    for (let index = 0; index < count; index++) {
      const header = this.headers + index * MMSGHDR.size
      arena.storePointer(header + MSGHDR.msg_name, this.names + index * SOCKADDR_IN.size)
      this.words[(header + MSGHDR.msg_namelen) >> 2] = SOCKADDR_IN.size
      arena.storePointer(header + MSGHDR.msg_iov, this.#iovecs + index * IOVEC.size)
      this.words[(header + MSGHDR.msg_iovlen) >> 2] = 1
      arena.storePointer(header + MSGHDR.msg_control, this.controls + index * CONTROL_LENGTH)
    }
  }

  protected setBuffer(index: number, start: number, length: number): void {
    const iovec = this.#iovecs + index * IOVEC.size
    this.kernel.arena.storePointer(iovec + IOVEC.iov_base, start)
    this.words[(iovec + IOVEC.iov_len) >> 2] = length
  }
}
