// Arrays of struct mmsghdr: many datagrams with one recvmmsg or sendmmsg call. Built once; per packet only lengths and ports change.
import type { Arena } from './arena.js'
import * as libc from './libc.js'
import { readPort, SOCKADDR_LENGTH, storeAddress, type UdpSocket } from './socket.js'

// Offsets of the LP64 layout: struct msghdr (56 bytes), struct mmsghdr (64), struct iovec (16).
const MMSGHDR_LENGTH = 64
const NAME_LENGTH = 8
const IOVEC_POINTER = 16
const IOVEC_COUNT = 24
const RECEIVED_LENGTH = 56
const IOVEC_LENGTH = 16

class Batch {
  readonly count: number
  protected readonly arena: Arena
  protected readonly headers: number
  protected readonly iovecs: number
  protected readonly names: number

  constructor(arena: Arena, count: number) {
    this.arena = arena
    this.count = count
    this.headers = arena.reserve(count * MMSGHDR_LENGTH)
    this.iovecs = arena.reserve(count * IOVEC_LENGTH)
    this.names = arena.reserve(count * SOCKADDR_LENGTH)
    for (let index = 0; index < count; index++) {
      const header = this.headers + index * MMSGHDR_LENGTH
      arena.storePointer(header, this.names + index * SOCKADDR_LENGTH)
      arena.words[(header + NAME_LENGTH) >> 2] = SOCKADDR_LENGTH
      arena.storePointer(header + IOVEC_POINTER, this.iovecs + index * IOVEC_LENGTH)
      arena.words[(header + IOVEC_COUNT) >> 2] = 1
    }
  }

  protected setBuffer(index: number, offset: number, length: number): void {
    const iovec = this.iovecs + index * IOVEC_LENGTH
    this.arena.storePointer(iovec, offset)
    this.arena.words[(iovec + 8) >> 2] = length
  }
}

const SLOT_LENGTH = 2048

export class ReceiveBatch extends Batch {
  readonly #slots: number

  constructor(arena: Arena, count: number) {
    super(arena, count)
    this.#slots = arena.reserve(count * SLOT_LENGTH)
    for (let index = 0; index < count; index++) this.setBuffer(index, this.start(index), SLOT_LENGTH)
  }

  /** Receives what is there now. Returns how many datagrams. */
  receive(socket: UdpSocket): number {
    const pointer = this.arena.pointerAt(this.headers)
    const received = libc.recvmmsg(socket.fd, pointer, this.count, libc.MSG_DONTWAIT, 0)
    return libc.orNothing(received, 'recvmmsg')
  }

  /** Where the datagram lies in the arena. */
  start(index: number): number {
    return this.#slots + index * SLOT_LENGTH
  }

  length(index: number): number {
    return this.arena.words[(this.headers + index * MMSGHDR_LENGTH + RECEIVED_LENGTH) >> 2]
  }

  sourcePort(index: number): number {
    return readPort(this.arena, this.names + index * SOCKADDR_LENGTH)
  }
}

export class SendBatch extends Batch {
  /** Puts a datagram, which lies in the arena, into a place of the batch. */
  set(index: number, start: number, length: number, port: number): void {
    storeAddress(this.arena, this.names + index * SOCKADDR_LENGTH, port)
    this.setBuffer(index, start, length)
  }

  /** Sends the first `count`. Returns how many the kernel took. */
  send(socket: UdpSocket, count: number): number {
    const pointer = this.arena.pointerAt(this.headers)
    return libc.orNothing(libc.sendmmsg(socket.fd, pointer, count, libc.MSG_DONTWAIT), 'sendmmsg')
  }
}
