// epoll and eventfd of the fake kernel. Both trigger modes; events come in turns, so that no fd is always first.
import { EAGAIN, EPOLL_EVENT, EPOLLERR, EPOLLIN } from '../../../src/net/native/layout.js'
import { demand, type KernelMemory } from './fake-kernel-memory.js'
import type { FakeSocket } from './fake-kernel-socket.js'

const EPOLLOUT = 0x4
const EPOLLET = 2 ** 31
const KNOWN_EVENTS = EPOLLIN | EPOLLERR | EPOLLOUT

export class FakeEventFd {
  readonly kind = 'eventfd'
  readonly fd: number
  count: number

  constructor(fd: number, initial: number) {
    this.fd = fd
    this.count = initial
  }

  get isReadable(): boolean {
    return this.count > 0
  }

  get hasError(): boolean {
    return false
  }
}

interface Registration {
  readonly target: FakeSocket | FakeEventFd
  readonly events: number
  readonly dataLow: number
  readonly dataHigh: number
  /** The events that were told last: with EPOLLET only new ones are told. */
  told: number
}

export class FakeEpoll {
  readonly kind = 'epoll'
  readonly fd: number
  readonly #memory: KernelMemory
  readonly #registrations = new Map<number, Registration>()
  #turn = 0

  constructor(fd: number, memory: KernelMemory) {
    this.fd = fd
    this.#memory = memory
  }

  has(fd: number): boolean {
    return this.#registrations.has(fd)
  }

  get size(): number {
    return this.#registrations.size
  }

  /** Adds a target with the struct epoll_event at this offset. */
  add(target: FakeSocket | FakeEventFd, event: number): void {
    const events = this.#memory.uint32(event)
    const unknown = events & ~KNOWN_EVENTS & ~EPOLLET
    demand(unknown === 0 && (events & EPOLLIN) !== 0, () => `epoll_ctl: events ${events.toString(16)}`)
    const data = event + EPOLL_EVENT.data
    this.#registrations.set(target.fd, {
      ...{ target, events, told: 0 },
      ...{ dataLow: this.#memory.uint32(data), dataHigh: this.#memory.uint32(data + 4) },
    })
  }

  remove(fd: number): void {
    this.#registrations.delete(fd)
  }

  /** New data: an edge for EPOLLET. */
  wake(fd: number): void {
    const registration = this.#registrations.get(fd)
    if (registration !== undefined) registration.told = 0
  }

  get isReady(): boolean {
    return [...this.#registrations.values()].some((registration) => readyEvents(registration) !== 0)
  }

  /** Writes events from this offset on, `countMax` at most. Returns how many. */
  wait(events: number, countMax: number): number {
    const all = [...this.#registrations.values()]
    const first = all.length === 0 ? 0 : this.#turn++ % all.length
    let count = 0
    for (const registration of [...all.slice(first), ...all.slice(0, first)]) {
      const ready = readyEvents(registration)
      if (ready === 0 || count === countMax) continue
      registration.told |= ready
      const at = events + count++ * EPOLL_EVENT.size
      this.#memory.setUint32(at, ready)
      this.#memory.setUint32(at + EPOLL_EVENT.data, registration.dataLow)
      this.#memory.setUint32(at + EPOLL_EVENT.data + 4, registration.dataHigh)
    }
    return count
  }
}

/** Reads 8 bytes of an eventfd into this offset. Returns -EAGAIN or 8. */
export function readEventFd(eventFd: FakeEventFd, memory: KernelMemory, at: number): number {
  if (eventFd.count === 0) return -EAGAIN
  memory.setUint64(at, eventFd.count)
  eventFd.count = 0
  return 8
}

function readyEvents({ target, events, told }: Registration): number {
  // Errors are told whether they were asked for or not.
  let ready = (target.isReadable ? EPOLLIN : 0) | (events & EPOLLOUT)
  if (target.hasError) ready |= EPOLLERR
  return (events & EPOLLET) !== 0 ? ready & ~told : ready
}
