// A Linux kernel as far as the native engine calls it, over the engine's own arena: UDP sockets with GRO, GSO, control messages and error
// queues, epoll, eventfd. No real socket and no real time: datagrams come in by arrive() and go out to the watcher.
// It is a memory-safety test too: what a real kernel would answer with EFAULT, or silently take, is a KernelFault.
//
//   -descriptors  numbers, sockets by address       -memory  checked reads and writes of structs     -receive  recvmmsg, recvmsg
//   -socket       options, queue with GRO, errors   -faults  what goes wrong, and when               -send     sendmmsg with GSO
//   -poll         epoll, eventfd
import { Arena } from '../../../src/net/native/arena.js'
import {
  AF_INET,
  AF_INET6,
  EADDRINUSE,
  EAGAIN,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLL_EVENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  MMSGHDR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSGHDR,
  SO_RCVBUFFORCE,
  SO_REUSEPORT,
  SO_SNDBUFFORCE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  UIO_MAXIOV,
} from '../../../src/net/native/layout.js'
import type { Libc } from '../../../src/net/native/libc.js'
import { KernelDescriptors } from './fake-kernel-descriptors.js'
import { ENOPROTOOPT, EPERM } from './fake-kernel-errno.js'
import { type FakeKernelFaults, NO_FAULTS } from './fake-kernel-faults.js'
import { demand, KernelMemory } from './fake-kernel-memory.js'
import { FakeEpoll, FakeEventFd, readEventFd } from './fake-kernel-poll.js'
import { KernelReceiver } from './fake-kernel-receive.js'
import { datagramsOf, readOutgoing, sendErrorOf } from './fake-kernel-send.js'
import { type ArrivingDatagram, FakeSocket, type SocketError } from './fake-kernel-socket.js'
import type { FakeKernelWatcher } from './fake-kernel-watcher.js'

/** An address as a process has it: nothing about it is special, but offsets cannot pass for pointers. */
const ARENA_BASE = 0x7f3a_4000_0000
const FIRST_EPHEMERAL_PORT = 40_000

export class FakeKernel implements Libc {
  readonly arena: Arena
  /** What the calls meet. */
  faults: FakeKernelFaults = NO_FAULTS
  watcher: Partial<FakeKernelWatcher> = {}
  readonly descriptors = new KernelDescriptors()
  readonly #memory: KernelMemory
  readonly #receiver: KernelReceiver
  #burst = 0
  #nextPort = FIRST_EPHEMERAL_PORT
  #errno = 0

  constructor(arenaLength: number) {
    const memory = new ArrayBuffer(arenaLength)
    this.arena = new Arena(memory, ARENA_BASE)
    this.#memory = new KernelMemory(this.arena.bytes, ARENA_BASE)
    this.#receiver = new KernelReceiver(this.#memory)
  }

  // The network's side.

  /** Datagrams of one burst may be coalesced; a new burst begins. */
  beginBurst(): void {
    this.#burst++
  }

  /** A datagram reaches the machine. False if nobody listens there. */
  arrive(datagram: ArrivingDatagram): boolean {
    const socket = this.descriptors.socketAt(datagram.to)
    if (socket === null) return false
    socket.arrive(datagram, this.#burst, this.faults.separates())
    this.#wake(socket)
    return true
  }

  /** An error about a datagram that this socket sent. False if the socket does not want to know. */
  arriveError(socket: FakeSocket, error: SocketError): boolean {
    if (socket.isClosed || !socket.hearsOf(error)) return false
    socket.errors.push(error)
    socket.pendingError = error.errno
    this.#wake(socket)
    return true
  }

  /** Another thread writes to an eventfd. */
  signal(fd: number): void {
    const eventFd = this.descriptors.find(fd, 'eventfd')
    eventFd.count++
    this.#wake(eventFd)
  }

  /** Would an epoll_wait return at once? */
  get isReady(): boolean {
    return this.descriptors.epolls().some((epoll) => epoll.isReady)
  }

  // The system calls.

  socket(family: number, type: number, protocol: number): number {
    const isUdp = (family === AF_INET || family === AF_INET6) && (type & 0xf) === SOCK_DGRAM && protocol === 0
    demand(isUdp && (type & SOCK_NONBLOCK) !== 0, () => `socket(${family}, ${type}, ${protocol})`)
    const error = this.faults.openError()
    if (error !== 0) return this.#fail(error)
    const { fd } = this.descriptors.open((number) => new FakeSocket(number, family))
    if (this.descriptors.isReused(fd)) this.#count('descriptor reused in a round')
    return fd
  }

  close(fd: number): number {
    this.descriptors.close(fd)
    return 0
  }

  bind(fd: number, address: number, addressLength: number): number {
    const socket = this.descriptors.find(fd, 'socket')
    const name = { start: this.#memory.at(address, addressLength, 'bind'), length: addressLength }
    const wanted = this.#memory.address(name, socket.family, 'bind')
    demand(socket.bound === null, () => `bind(${fd}), which is bound to ${socket.boundText}`)
    demand(!socket.isIPv6 || socket.option(IPPROTO_IPV6, IPV6_V6ONLY) === 1, () => 'an IPv6 socket that takes IPv4')
    if (wanted.port === 0) wanted.port = this.#nextPort++
    const error = this.faults.bindError(wanted.toString()) || (this.descriptors.isBound(wanted) ? EADDRINUSE : 0)
    if (error !== 0) return this.#fail(error)
    this.descriptors.bind(socket, wanted)
    this.watcher.bound?.(socket)
    return 0
  }

  connect(fd: number, _address: number, _addressLength: number): number {
    throw new Error(`connect(${fd}): one worker has no clients of others`)
  }

  getsockname(fd: number, address: number, lengthPointer: number): number {
    const { bound } = this.descriptors.find(fd, 'socket')
    const lengthAt = this.#memory.at(lengthPointer, 4, 'getsockname')
    const length = this.#memory.uint32(lengthAt)
    const name = { start: this.#memory.at(address, length, 'getsockname'), length }
    demand(bound !== null, () => `getsockname(${fd}), which is not bound`)
    this.#memory.setUint32(lengthAt, this.#memory.writeAddress(name, bound, 'getsockname'))
    return 0
  }

  setsockopt(fd: number, level: number, name: number, value: number, valueLength: number): number {
    const socket = this.descriptors.find(fd, 'socket')
    demand(valueLength === 4, () => `setsockopt(${level}, ${name}) with ${valueLength} bytes`)
    const at = this.#memory.at(value, valueLength, 'setsockopt')
    demand(FakeSocket.knowsOption(level, name), () => `setsockopt(${level}, ${name}), which the fake does not know`)
    if (level === (socket.isIPv6 ? IPPROTO_IP : IPPROTO_IPV6)) return this.#fail(ENOPROTOOPT)
    demand(level !== SOL_SOCKET || name !== SO_REUSEPORT || socket.bound === null, () => 'SO_REUSEPORT after bind')
    // An ordinary user.
    if (level === SOL_SOCKET && (name === SO_RCVBUFFORCE || name === SO_SNDBUFFORCE)) return this.#fail(EPERM)
    socket.setOption(level, name, this.#memory.int32(at))
    return 0
  }

  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number {
    const socket = this.descriptors.find(fd, 'socket')
    demand(flags === MSG_DONTWAIT && timeout === 0, () => `recvmmsg with flags ${flags}, timeout ${timeout}`)
    const headers = this.#headers(messages, count, 'recvmmsg')
    if (this.#receiver.takeAll(headers, 'recvmmsg', this.descriptors.round)) this.#count('slot reused in a round')
    if (socket.pendingError !== 0) return this.#failPending(socket)
    if (socket.queue.length === 0) return this.#fail(EAGAIN)
    const waiting = Math.min(count, socket.queue.length)
    const received = waiting > 1 ? this.faults.receiveCount(waiting) : waiting
    for (const [index, buffer] of socket.queue.splice(0, received).entries()) {
      const fault = this.faults.truncation()
      const what = `recvmmsg, message ${index} of ${count}`
      const slot = this.#memory.message(headers[index], what)
      this.#memory.setUint32(slot.header + MMSGHDR.msg_len, this.#receiver.deliver(socket, slot, buffer, fault, what))
      if (fault !== 0) this.#count('truncated buffer')
      if (buffer.segments.length > 1) this.#count('coalesced buffer')
      this.watcher.received?.(socket, buffer, fault === 0)
    }
    return received
  }

  recvmsg(fd: number, message: number, flags: number): number {
    const socket = this.descriptors.find(fd, 'socket')
    demand(flags === (MSG_ERRQUEUE | MSG_DONTWAIT), () => `recvmsg with flags ${flags}`)
    const slot = this.#memory.message(this.#memory.at(message, MSGHDR.size, 'recvmsg'), 'recvmsg')
    this.#receiver.takeAll([slot.header], 'recvmsg', this.descriptors.round)
    const error = socket.errors.shift()
    if (error === undefined) return this.#fail(EAGAIN)
    socket.pendingError = socket.errors.at(0)?.errno ?? 0
    const length = this.#receiver.deliverError(socket, slot, error, 'recvmsg')
    this.#count('error read')
    this.watcher.receivedError?.(socket, error)
    return length
  }

  sendmmsg(fd: number, messages: number, count: number, flags: number): number {
    const socket = this.descriptors.find(fd, 'socket')
    demand(flags === MSG_DONTWAIT, () => `sendmmsg with flags ${flags}`)
    demand(socket.bound !== null, () => 'sendmmsg on a socket without an address')
    const outgoing = this.#headers(messages, count, 'sendmmsg').map((header, index) => {
      return readOutgoing(this.#memory, socket, header, `sendmmsg, message ${index} of ${count}`)
    })
    const tried = count > 1 ? this.faults.sendCount(count) : 1
    for (let index = 0; index < tried; index++) {
      const error = sendErrorOf(outgoing[index], this.faults, (from) => this.descriptors.isLocal(from))
      if (error === 0) {
        const datagrams = datagramsOf(outgoing[index])
        if (datagrams.length > 1) this.#count('segmented send')
        for (const datagram of datagrams) this.watcher.sent?.(datagram)
        continue
      }
      this.watcher.refused?.(outgoing[index], error)
      if (index === 0) return this.#fail(error)
      // As in Linux, the error is lost: what the next call meets is another matter.
      this.#count('partial send')
      return index
    }
    if (tried < count) this.#count('partial send')
    return tried
  }

  epoll_create1(_flags: number): number {
    return this.descriptors.open((number) => new FakeEpoll(number, this.#memory)).fd
  }

  epoll_ctl(epollFd: number, operation: number, fd: number, event: number): number {
    const epoll = this.descriptors.find(epollFd, 'epoll')
    const target = this.descriptors.findWatchable(fd)
    demand(!epoll.has(fd), () => `epoll_ctl ${operation} of descriptor ${fd}, which is there already`)
    // Closed descriptors leave by themselves.
    demand(operation === EPOLL_CTL_ADD, () => `epoll_ctl ${operation}`)
    const at = this.#memory.at(event, EPOLL_EVENT.size, 'epoll_ctl')
    const error = this.faults.watchError()
    if (error !== 0) return this.#fail(error, 'watch refused')
    epoll.add(target, at)
    return 0
  }

  epoll_wait(epollFd: number, events: number, countMax: number, timeoutMilliseconds: number): number {
    const epoll = this.descriptors.find(epollFd, 'epoll')
    demand(countMax > 0, () => `epoll_wait for ${countMax} events`)
    const at = this.#memory.at(events, countMax * EPOLL_EVENT.size, 'epoll_wait')
    this.descriptors.round++
    const error = this.faults.waitError()
    if (error !== 0) return this.#fail(error, 'wait interrupted')
    const count = epoll.wait(at, countMax)
    demand(count > 0 || timeoutMilliseconds >= 0, () => 'epoll_wait would wait for ever')
    return count
  }

  eventfd(initial: number, flags: number): number {
    demand((flags & EFD_NONBLOCK) !== 0, () => 'an eventfd that blocks')
    return this.descriptors.open((number) => new FakeEventFd(number, initial)).fd
  }

  read(fd: number, buffer: number, length: number): number {
    const eventFd = this.descriptors.find(fd, 'eventfd')
    demand(length >= 8, () => `read of ${length} bytes from an eventfd`)
    const result = readEventFd(eventFd, this.#memory, this.#memory.at(buffer, 8, 'read'))
    return result < 0 ? this.#fail(-result) : result
  }

  write(fd: number, buffer: number, length: number): number {
    const eventFd = this.descriptors.find(fd, 'eventfd')
    demand(length === 8, () => `write of ${length} bytes to an eventfd`)
    eventFd.count += this.#memory.uint64(this.#memory.at(buffer, 8, 'write'))
    this.#wake(eventFd)
    return 8
  }

  errno(): number {
    return this.#errno
  }

  #headers(messages: number, count: number, what: string): number[] {
    demand(count > 0 && count <= UIO_MAXIOV, () => `${what} of ${count} messages`)
    const first = this.#memory.at(messages, count * MMSGHDR.size, what)
    return Array.from({ length: count }, (_, index) => first + index * MMSGHDR.size)
  }

  #wake({ fd }: FakeSocket | FakeEventFd): void {
    for (const epoll of this.descriptors.epolls()) epoll.wake(fd)
  }

  #failPending(socket: FakeSocket): number {
    const error = socket.pendingError
    socket.pendingError = 0
    return this.#fail(error)
  }

  #fail(errno: number, countedAs = ''): number {
    if (countedAs !== '') this.#count(countedAs)
    this.#errno = errno
    return -1
  }

  #count(name: string): void {
    this.watcher.count?.(name)
  }
}
