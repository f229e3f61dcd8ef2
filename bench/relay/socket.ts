// UDP sockets of the load generator on 127.0.0.1, their addresses in memory, and waiting for many of them.
import type { Arena } from './arena.js'
import * as libc from './libc.js'

export const SOCKADDR_LENGTH = 16
const LOOPBACK = [127, 0, 0, 1]
const BUFFER_BYTES = 4 << 20
const POLLIN = 1

/** Writes a struct sockaddr_in of 127.0.0.1 and this port. */
export function storeAddress(arena: Arena, at: number, port: number): void {
  arena.words[at >> 2] = libc.AF_INET
  arena.bytes[at + 2] = port >> 8
  arena.bytes[at + 3] = port
  arena.bytes.set(LOOPBACK, at + 4)
}

export function readPort(arena: Arena, at: number): number {
  return (arena.bytes[at + 2] << 8) | arena.bytes[at + 3]
}

export class UdpSocket {
  readonly fd: number
  readonly port: number
  readonly #arena: Arena
  readonly #scratch: number

  /** Binds an ephemeral port of 127.0.0.1. */
  constructor(arena: Arena) {
    this.#arena = arena
    this.#scratch = arena.reserve(64)
    const address = this.#scratch
    const length = this.#scratch + 32
    this.fd = libc.must(libc.socket(libc.AF_INET, libc.SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), 'socket')
    storeAddress(arena, address, 0)
    libc.must(libc.bindAddress(this.fd, arena.pointerAt(address), SOCKADDR_LENGTH), 'bind')
    arena.words[length >> 2] = SOCKADDR_LENGTH
    libc.must(libc.getsockname(this.fd, arena.pointerAt(address), arena.pointerAt(length)), 'getsockname')
    this.port = readPort(arena, address)
    this.#setOption(libc.SO_RCVBUF, BUFFER_BYTES)
    this.#setOption(libc.SO_SNDBUF, BUFFER_BYTES)
  }

  connect(port: number): void {
    storeAddress(this.#arena, this.#scratch, port)
    libc.must(libc.connect(this.fd, this.#arena.pointerAt(this.#scratch), SOCKADDR_LENGTH), 'connect')
  }

  /** Waits for something to receive. Returns false after the timeout. */
  waitReadable(timeoutMs: number): boolean {
    const at = this.#scratch >> 2
    this.#arena.words[at] = this.fd
    this.#arena.words[at + 1] = POLLIN
    return libc.orNothing(libc.poll(this.#arena.pointerAt(this.#scratch), 1, timeoutMs), 'poll') > 0
  }

  close(): void {
    libc.close(this.fd)
  }

  #setOption(option: number, value: number): void {
    this.#arena.words[this.#scratch >> 2] = value
    const pointer = this.#arena.pointerAt(this.#scratch)
    libc.must(libc.setsockopt(this.fd, libc.SOL_SOCKET, option, pointer, 4), 'setsockopt')
  }
}

// struct epoll_event is packed on x86-64 only.
const EVENT_LENGTH = process.arch === 'x64' ? 12 : 16
const EVENT_DATA = EVENT_LENGTH - 8
const EVENT_COUNT = 64

/** Tells which of many sockets have something to receive. */
export class ReadySockets {
  readonly #arena: Arena
  readonly #fd: number
  readonly #events: number

  constructor(arena: Arena, sockets: readonly UdpSocket[]) {
    this.#arena = arena
    this.#events = arena.reserve(EVENT_LENGTH * EVENT_COUNT)
    this.#fd = libc.must(libc.epollCreate(0), 'epoll_create1')
    for (const [index, socket] of sockets.entries()) {
      arena.words[this.#events >> 2] = libc.EPOLLIN
      arena.words[(this.#events + EVENT_DATA) >> 2] = index
      const event = arena.pointerAt(this.#events)
      libc.must(libc.epollControl(this.#fd, libc.EPOLL_CTL_ADD, socket.fd, event), 'epoll_ctl')
    }
  }

  /** Returns how many are ready now, without waiting. */
  find(): number {
    const pointer = this.#arena.pointerAt(this.#events)
    return libc.orNothing(libc.epollWait(this.#fd, pointer, EVENT_COUNT, 0), 'epoll_wait')
  }

  /** The index of the socket of the n-th one that find() found. */
  at(n: number): number {
    return this.#arena.words[(this.#events + n * EVENT_LENGTH + EVENT_DATA) >> 2]
  }

  close(): void {
    libc.close(this.#fd)
  }
}
