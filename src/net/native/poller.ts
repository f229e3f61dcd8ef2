// epoll: which sockets have something to receive, and the eventfd by which another thread interrupts the wait. On the hot path.
// An event carries the relay's id, not its file descriptor: in the same round the number may have become another socket's.
import { READY_COUNT_MAX } from '../../limits/engines.js'
import type { Arena } from './arena.js'
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_EVENT,
  EPOLLIN,
} from './layout.js'
import type { Libc } from './libc.js'

export const READY_LISTENER = 0
export const READY_RELAY = 1
const READY_WAKE = 2
const READY_OTHER = 3
const COUNTER_LENGTH = 8

/** Arena bytes that it takes. */
export const POLLER_LENGTH = READY_COUNT_MAX * EPOLL_EVENT.size + EPOLL_EVENT.size + COUNTER_LENGTH + 3 * 64

export class Poller {
  readonly fd: number
  readonly wakeFd: number
  // What read() found.
  /** READY_LISTENER or READY_RELAY; anything else is not for the engine. */
  kind = 0
  /** The listener's index, or the relay's id. */
  id = 0
  /** EPOLLIN, EPOLLERR. */
  events = 0
  readonly #libc: Libc
  readonly #arena: Arena
  readonly #events: number
  readonly #control: number
  readonly #counter: number

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc
    this.#arena = arena
    this.#events = arena.reserve(READY_COUNT_MAX * EPOLL_EVENT.size)
    this.#control = arena.reserve(EPOLL_EVENT.size)
    this.#counter = arena.reserve(COUNTER_LENGTH)
    this.fd = libc.epoll_create1(EPOLL_CLOEXEC)
    this.wakeFd = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    if (this.wakeFd < 0) this.#fail('eventfd')
    if (!this.#add(this.wakeFd, READY_WAKE, 0)) this.#fail('epoll_ctl')
  }

  addListener(fd: number, index: number): void {
    if (!this.#add(fd, READY_LISTENER, index)) this.#fail('epoll_ctl')
  }

  /** Of one client: false if the kernel has no memory for it. */
  addWay(fd: number, listenerId: number): boolean {
    return this.#add(fd, READY_LISTENER, listenerId)
  }

  /** Of a socket that stays open in another thread. */
  remove(fd: number): void {
    this.#libc.epoll_ctl(this.fd, EPOLL_CTL_DEL, fd, this.#arena.pointerAt(this.#control))
  }

  /** False if the kernel has no memory for it, see errno. A socket that is closed leaves by itself. */
  addRelay(fd: number, relayId: number): boolean {
    return this.#add(fd, READY_RELAY, relayId)
  }

  /** Something that only ends the wait while it is readable, like another epoll instance. */
  addOther(fd: number): void {
    if (!this.#add(fd, READY_OTHER, 0)) this.#fail('epoll_ctl')
  }

  /** Waits for events, at most so long. Returns how many there are to read(). */
  wait(timeoutMilliseconds: number): number {
    const events = this.#arena.pointerAt(this.#events)
    return this.#libc.epoll_wait(this.fd, events, READY_COUNT_MAX, timeoutMilliseconds)
  }

  read(index: number): void {
    const { bytes, words } = this.#arena
    const at = this.#events + index * EPOLL_EVENT.size
    // The events are the low byte of their word; on x86-64 entries are packed, but all of their words stand at multiples of 4.
    this.events = bytes[at]
    this.id = words[(at + EPOLL_EVENT.data) >> 2]
    this.kind = words[(at + EPOLL_EVENT.data + 4) >> 2]
    if (this.kind === READY_WAKE) {
      this.#libc.read(this.wakeFd, this.#arena.pointerAt(this.#counter), COUNTER_LENGTH)
    }
  }

  close(): void {
    this.#libc.close(this.wakeFd)
    this.#libc.close(this.fd)
  }

  #add(fd: number, kind: number, id: number): boolean {
    const { words } = this.#arena
    words[this.#control >> 2] = EPOLLIN
    words[(this.#control + EPOLL_EVENT.data) >> 2] = id
    words[(this.#control + EPOLL_EVENT.data + 4) >> 2] = kind
    return this.#libc.epoll_ctl(this.fd, EPOLL_CTL_ADD, fd, this.#arena.pointerAt(this.#control)) === 0
  }

  /** Without this the worker could only spin, or be deaf: it ends instead, and is started again later. */
  #fail(call: string): never {
    const errno = this.#libc.errno()
    this.close()
    throw new Error(`${call} failed with errno ${errno}`)
  }
}
