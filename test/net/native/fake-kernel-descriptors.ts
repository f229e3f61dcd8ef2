// The descriptors of the fake kernel, and its sockets by address. Numbers are given away again at once, the lowest first, as a kernel
// does: a stale number, or a stale event, hits a stranger.
import type { TransportAddress } from '../../../src/stun/address.js'
import { formatHost } from '../../../src/stun/address.js'
import { demand } from './fake-kernel-memory.js'
import type { FakeEpoll, FakeEventFd } from './fake-kernel-poll.js'
import type { FakeSocket } from './fake-kernel-socket.js'

export type Descriptor = FakeSocket | FakeEpoll | FakeEventFd

/** 0, 1 and 2 are taken. */
const FIRST_FD = 3

export class KernelDescriptors {
  /** IP addresses of this machine, textual: wildcard sockets answer on all of them, and may send from them. */
  localHosts: readonly string[] = []
  /** Moves with each epoll_wait. */
  round = 0
  readonly #open = new Map<number, Descriptor>()
  readonly #bound = new Map<string, FakeSocket>()
  /** In which round a number was closed last. */
  readonly #closedIn = new Map<number, number>()

  get size(): number {
    return this.#open.size
  }

  /** Makes a descriptor of the lowest free number. */
  open(make: (fd: number) => Descriptor): Descriptor {
    let fd = FIRST_FD
    while (this.#open.has(fd)) fd++
    const descriptor = make(fd)
    this.#open.set(fd, descriptor)
    return descriptor
  }

  /** Had this number another owner in this round? */
  isReused(fd: number): boolean {
    return this.#closedIn.get(fd) === this.round
  }

  close(fd: number): void {
    const descriptor = this.#open.get(fd)
    demand(descriptor !== undefined, () => `close(${fd}), which is not open`)
    this.#open.delete(fd)
    this.#closedIn.set(fd, this.round)
    if (descriptor.kind === 'socket') {
      descriptor.isClosed = true
      this.#bound.delete(descriptor.boundText)
    }
    for (const epoll of this.epolls()) epoll.remove(fd)
  }

  find<Kind extends Descriptor['kind']>(fd: number, kind: Kind): Extract<Descriptor, { kind: Kind }> {
    const descriptor = this.#open.get(fd)
    demand(descriptor?.kind === kind, () => `descriptor ${fd} is ${descriptor?.kind ?? 'closed'}, not of kind ${kind}`)
    return descriptor as Extract<Descriptor, { kind: Kind }>
  }

  /** What epoll can watch. */
  findWatchable(fd: number): FakeSocket | FakeEventFd {
    const descriptor = this.#open.get(fd)
    const isWatchable = descriptor !== undefined && descriptor.kind !== 'epoll'
    demand(isWatchable, () => `descriptor ${fd}, which cannot be watched, is ${descriptor?.kind ?? 'closed'}`)
    return descriptor as FakeSocket | FakeEventFd
  }

  epolls(): FakeEpoll[] {
    return [...this.#open.values()].filter((descriptor) => descriptor.kind === 'epoll')
  }

  isBound(address: TransportAddress): boolean {
    return this.#bound.has(address.toString())
  }

  bind(socket: FakeSocket, address: TransportAddress): void {
    socket.bound = address
    socket.boundText = address.toString()
    this.#bound.set(socket.boundText, socket)
  }

  isLocal(host: TransportAddress): boolean {
    return this.localHosts.includes(formatHost(host))
  }

  /** The socket that gets what is sent to this address, or null. */
  socketAt(address: TransportAddress): FakeSocket | null {
    const exact = this.#bound.get(address.toString())
    if (exact !== undefined) return exact
    const wildcard = address.family === 6 ? `[::]:${address.port}` : `0.0.0.0:${address.port}`
    return this.isLocal(address) ? (this.#bound.get(wildcard) ?? null) : null
  }
}
