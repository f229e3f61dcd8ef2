// The soak's sockets: many UDP sockets on 127.0.0.1 with one set of buffers, each call for as many datagrams as there are, so that the load
// costs less than the server. Only where withoutKoffi() is false.
import { type Arena, allocateArena } from '../../src/net/native/arena.js'
import * as layout from '../../src/net/native/layout.js'
import type { Libc } from '../../src/net/native/libc.js'
import { kernel } from '../support/kernel-io.js'

export const DATAGRAM_COUNT_MAX = 64
const SLOT_LENGTH = 2048
const EVENT_COUNT_MAX = 256
/** A burst leaves as one message that the kernel cuts (UDP_SEGMENT). */
const BURST_LENGTH_MAX = 65_507
const SEGMENT_CONTROL_LENGTH = layout.controlSpace(2)
const BUFFER_BYTES = 1024 * 1024
const LOOPBACK = [127, 0, 0, 1]
const ARENA_LENGTH = 1024 * 1024

export interface LoadSocket {
  readonly fd: number
  readonly port: number
}

export class LoadIo {
  readonly #libc: Libc
  readonly #arena: Arena
  readonly #epollFd: number
  readonly #events: number
  readonly #event: number
  readonly #messages: number
  readonly #iovecs: number
  readonly #names: number
  readonly #slots: number
  readonly #outMessage: number
  readonly #outIovec: number
  readonly #outName: number
  readonly #outControl: number
  /** Where a burst is written before sendBurst. */
  readonly burst: number

  constructor() {
    const { koffi, libc } = kernel()
    this.#libc = libc
    const arena = allocateArena(koffi, ARENA_LENGTH)
    this.#arena = arena
    this.#events = arena.reserve(EVENT_COUNT_MAX * layout.EPOLL_EVENT.size)
    this.#event = arena.reserve(layout.EPOLL_EVENT.size)
    this.#messages = arena.reserve(DATAGRAM_COUNT_MAX * layout.MMSGHDR.size)
    this.#iovecs = arena.reserve(DATAGRAM_COUNT_MAX * layout.IOVEC.size)
    this.#names = arena.reserve(DATAGRAM_COUNT_MAX * layout.SOCKADDR_IN.size)
    this.#slots = arena.reserve(DATAGRAM_COUNT_MAX * SLOT_LENGTH)
    this.#outMessage = arena.reserve(layout.MMSGHDR.size)
    this.#outIovec = arena.reserve(layout.IOVEC.size)
    this.#outName = arena.reserve(layout.SOCKADDR_IN.size)
    this.#outControl = arena.reserve(SEGMENT_CONTROL_LENGTH)
    this.burst = arena.reserve(BURST_LENGTH_MAX)
    this.#epollFd = this.#must(libc.epoll_create1(layout.EPOLL_CLOEXEC), 'epoll_create1')
    for (let index = 0; index < DATAGRAM_COUNT_MAX; index++) {
      const message = this.#messages + index * layout.MMSGHDR.size
      this.#link(message, this.#names + index * layout.SOCKADDR_IN.size, this.#iovecs + index * layout.IOVEC.size)
      arena.storePointer(this.#iovecs + index * layout.IOVEC.size, this.start(index))
    }
    this.#link(this.#outMessage, this.#outName, this.#outIovec)
    arena.storePointer(this.#outIovec, this.burst)
    this.#prepareSegmentControl()
  }

  get bytes(): Uint8Array {
    return this.#arena.bytes
  }

  get words(): Int32Array {
    return this.#arena.words
  }

  /** A socket on an ephemeral port, watched under this number. */
  open(number: number): LoadSocket {
    const type = layout.SOCK_DGRAM | layout.SOCK_NONBLOCK | layout.SOCK_CLOEXEC
    const fd = this.#must(this.#libc.socket(layout.AF_INET, type, 0), 'socket')
    const [name, scratch] = [this.#arena.pointerAt(this.#outName), this.#arena.pointerAt(this.#event)]
    this.#arena.words[this.#event >> 2] = BUFFER_BYTES
    for (const option of [layout.SO_RCVBUF, layout.SO_SNDBUF]) {
      this.#must(this.#libc.setsockopt(fd, layout.SOL_SOCKET, option, scratch, 4), 'setsockopt')
    }
    this.#storeName(0)
    this.#must(this.#libc.bind(fd, name, layout.SOCKADDR_IN.size), 'bind')
    this.#arena.words[this.#event >> 2] = layout.SOCKADDR_IN.size
    this.#must(this.#libc.getsockname(fd, name, scratch), 'getsockname')
    const port = this.#readPort(this.#outName)
    const event = Buffer.from(this.bytes.buffer, this.#event, layout.EPOLL_EVENT.size)
    event.writeUInt32LE(layout.EPOLLIN)
    event.writeUInt32LE(number, layout.EPOLL_EVENT.data)
    this.#must(this.#libc.epoll_ctl(this.#epollFd, layout.EPOLL_CTL_ADD, fd, scratch), 'epoll_ctl')
    return { fd, port }
  }

  close(socket: LoadSocket): void {
    this.#libc.close(socket.fd)
  }

  closeAll(): void {
    this.#libc.close(this.#epollFd)
  }

  /** Numbers of the sockets that have something, after at most so long. */
  wait(milliseconds: number): number[] {
    const pointer = this.#arena.pointerAt(this.#events)
    const count = this.#libc.epoll_wait(this.#epollFd, pointer, EVENT_COUNT_MAX, milliseconds)
    const view = Buffer.from(this.bytes.buffer, this.#events, EVENT_COUNT_MAX * layout.EPOLL_EVENT.size)
    const { data, size } = layout.EPOLL_EVENT
    return Array.from({ length: Math.max(0, count) }, (_, index) => view.readUInt32LE(index * size + data))
  }

  /** Receives what is there, up to DATAGRAM_COUNT_MAX. Returns how many datagrams; they stay until the next call. */
  receive({ fd }: LoadSocket): number {
    for (let index = 0; index < DATAGRAM_COUNT_MAX; index++) {
      this.words[(this.#messages + index * layout.MMSGHDR.size + layout.MSGHDR.msg_namelen) >> 2] =
        layout.SOCKADDR_IN.size
      this.#setLength(index, SLOT_LENGTH)
    }
    const pointer = this.#arena.pointerAt(this.#messages)
    return Math.max(0, this.#libc.recvmmsg(fd, pointer, DATAGRAM_COUNT_MAX, layout.MSG_DONTWAIT, 0))
  }

  /** Where a received datagram begins. */
  start(index: number): number {
    return this.#slots + index * SLOT_LENGTH
  }

  length(index: number): number {
    return this.words[(this.#messages + index * layout.MMSGHDR.size + layout.MMSGHDR.msg_len) >> 2]
  }

  sourcePort(index: number): number {
    return this.#readPort(this.#names + index * layout.SOCKADDR_IN.size)
  }

  /** Returns the first `count` received datagrams to where they came from. Returns how many the kernel took. */
  echo({ fd }: LoadSocket, count: number): number {
    for (let index = 0; index < count; index++) this.#setLength(index, this.length(index))
    return Math.max(0, this.#libc.sendmmsg(fd, this.#arena.pointerAt(this.#messages), count, layout.MSG_DONTWAIT))
  }

  /** Sends `count` datagrams of `length` bytes each, which lie one behind the other at `burst`. False if the kernel has no room. */
  sendBurst({ fd }: LoadSocket, port: number, length: number, count: number): boolean {
    this.#storeName(port)
    this.words[(this.#outIovec + layout.IOVEC.iov_len) >> 2] = length * count
    this.words[(this.#outMessage + layout.MSGHDR.msg_controllen) >> 2] = count > 1 ? SEGMENT_CONTROL_LENGTH : 0
    this.words[(this.#outControl + layout.CMSGHDR.size) >> 2] = length
    return this.#libc.sendmmsg(fd, this.#arena.pointerAt(this.#outMessage), 1, layout.MSG_DONTWAIT) === 1
  }

  #link(message: number, name: number, iovec: number): void {
    this.#arena.storePointer(message + layout.MSGHDR.msg_name, name)
    this.words[(message + layout.MSGHDR.msg_namelen) >> 2] = layout.SOCKADDR_IN.size
    this.#arena.storePointer(message + layout.MSGHDR.msg_iov, iovec)
    this.words[(message + layout.MSGHDR.msg_iovlen) >> 2] = 1
  }

  #prepareSegmentControl(): void {
    this.#arena.storePointer(this.#outMessage + layout.MSGHDR.msg_control, this.#outControl)
    this.words[(this.#outControl + layout.CMSGHDR.cmsg_len) >> 2] = layout.CMSGHDR.size + 2
    this.words[(this.#outControl + layout.CMSGHDR.cmsg_level) >> 2] = layout.SOL_UDP
    this.words[(this.#outControl + layout.CMSGHDR.cmsg_type) >> 2] = layout.UDP_SEGMENT
  }

  #setLength(index: number, length: number): void {
    this.words[(this.#iovecs + index * layout.IOVEC.size + layout.IOVEC.iov_len) >> 2] = length
  }

  #storeName(port: number): void {
    this.words[this.#outName >> 2] = layout.AF_INET
    this.bytes[this.#outName + layout.SOCKADDR_IN.sin_port] = port >> 8
    this.bytes[this.#outName + layout.SOCKADDR_IN.sin_port + 1] = port
    this.bytes.set(LOOPBACK, this.#outName + layout.SOCKADDR_IN.sin_addr)
  }

  #readPort(name: number): number {
    return (this.bytes[name + layout.SOCKADDR_IN.sin_port] << 8) | this.bytes[name + layout.SOCKADDR_IN.sin_port + 1]
  }

  #must(result: number, call: string): number {
    if (result < 0) throw new Error(`${call}: errno ${this.#libc.errno()}`)
    return result
  }
}
