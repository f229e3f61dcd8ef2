// The calls of the self-test with their results checked: sockets on loopback, options, batches, and waiting with a deadline.
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_EVENT,
  EPOLLIN,
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_RECVERR,
  IP_RECVTOS,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCKADDR_IN,
  SOCKADDR_IN6,
} from './layout.js'
import type { Libc } from './libc.js'
import type { GuardedMemory } from './self-test-memory.js'
import type { Messages, Received } from './self-test-messages.js'

/** Loopback answers in microseconds; this is for a machine that is busy with something else. */
const WAIT_MILLISECONDS_MAX = 500

/** What differs between the families. Addresses are bytes in network order. */
export interface Family {
  readonly name: 'IPv4' | 'IPv6'
  readonly domain: number
  readonly sockaddr: { readonly size: number; readonly port: number; readonly address: number }
  readonly wildcard: readonly number[]
  readonly loopback: readonly number[]
  /** Another address of this machine that needs no configuration; IPv6 has none. */
  readonly otherLoopback: readonly number[]
  readonly level: number
  readonly receivePacketInfo: number
  readonly packetInfo: {
    readonly type: number
    readonly size: number
    readonly asked: number
    readonly source: number
  }
  readonly receiveTos: number
  readonly tos: number
  readonly receiveErrors: number
  readonly mtuDiscover: number
  /** Of "port unreachable": RFC 792, RFC 4443 §3.1. */
  readonly portUnreachable: { readonly origin: number; readonly type: number; readonly code: number }
}

export const IPV4: Family = {
  name: 'IPv4',
  domain: AF_INET,
  sockaddr: { size: SOCKADDR_IN.size, port: SOCKADDR_IN.sin_port, address: SOCKADDR_IN.sin_addr },
  wildcard: [0, 0, 0, 0],
  loopback: [127, 0, 0, 1],
  otherLoopback: [127, 0, 0, 2],
  level: IPPROTO_IP,
  receivePacketInfo: IP_PKTINFO,
  packetInfo: {
    type: IP_PKTINFO,
    size: IN_PKTINFO.size,
    asked: IN_PKTINFO.ipi_addr,
    source: IN_PKTINFO.ipi_spec_dst,
  },
  receiveTos: IP_RECVTOS,
  tos: IP_TOS,
  receiveErrors: IP_RECVERR,
  mtuDiscover: IP_MTU_DISCOVER,
  portUnreachable: { origin: SO_EE_ORIGIN_ICMP, type: 3, code: 3 },
}

const LOOPBACK_IPV6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

export const IPV6: Family = {
  name: 'IPv6',
  domain: AF_INET6,
  sockaddr: { size: SOCKADDR_IN6.size, port: SOCKADDR_IN6.sin6_port, address: SOCKADDR_IN6.sin6_addr },
  wildcard: LOOPBACK_IPV6.map(() => 0),
  loopback: LOOPBACK_IPV6,
  otherLoopback: LOOPBACK_IPV6,
  level: IPPROTO_IPV6,
  receivePacketInfo: IPV6_RECVPKTINFO,
  packetInfo: {
    type: IPV6_PKTINFO,
    size: IN6_PKTINFO.size,
    asked: IN6_PKTINFO.ipi6_addr,
    source: IN6_PKTINFO.ipi6_addr,
  },
  receiveTos: IPV6_RECVTCLASS,
  tos: IPV6_TCLASS,
  receiveErrors: IPV6_RECVERR,
  mtuDiscover: IPV6_MTU_DISCOVER,
  portUnreachable: { origin: SO_EE_ORIGIN_ICMP6, type: 1, code: 4 },
}

/** The address as the kernel reads it. */
export function socketAddress(family: Family, host: readonly number[], port: number): Uint8Array {
  const name = new Uint8Array(family.sockaddr.size)
  const view = new DataView(name.buffer)
  view.setUint16(0, family.domain, true)
  view.setUint16(family.sockaddr.port, port)
  name.set(host, family.sockaddr.address)
  return name
}

/** A socket that is bound; `name` is its address. */
export interface Socket {
  readonly fd: number
  readonly name: Uint8Array
  readonly port: number
}

export class Kernel {
  readonly libc: Libc
  readonly memory: GuardedMemory
  readonly #epoll: number
  readonly #scratch: number
  readonly #event: number

  constructor(libc: Libc, memory: GuardedMemory) {
    this.libc = libc
    this.memory = memory
    this.#scratch = memory.reserve('address and its length', SOCKADDR_IN6.size + 4)
    this.#event = memory.reserve('event', EPOLL_EVENT.size)
    this.#epoll = this.call('epoll_create1', libc.epoll_create1(EPOLL_CLOEXEC))
  }

  /** Throws if the result says that the call failed. */
  call(what: string, result: number): number {
    if (result < 0) throw new Error(`${what} failed with errno ${this.libc.errno()}`)
    return result
  }

  /** A UDP socket on this address and a free port. */
  open(family: Family, host: readonly number[]): Socket {
    const { libc, memory } = this
    const fd = this.call('socket', libc.socket(family.domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
    if (family === IPV6) this.setOption(fd, family.level, IPV6_V6ONLY, 1)
    const name = socketAddress(family, host, 0)
    const pointer = memory.pointerAt(this.#scratch)
    memory.bytes.set(name, this.#scratch)
    this.call('bind', libc.bind(fd, pointer, name.length))
    const lengthAt = this.#scratch + SOCKADDR_IN6.size
    memory.view.setUint32(lengthAt, SOCKADDR_IN6.size, true)
    this.call('getsockname', libc.getsockname(fd, pointer, memory.pointerAt(lengthAt)))
    const port = memory.view.getUint16(this.#scratch + family.sockaddr.port)
    const actual = memory.bytes.slice(this.#scratch, this.#scratch + memory.view.getUint32(lengthAt, true))
    if (port === 0 || !isEqual(actual, socketAddress(family, host, port)))
      throw new Error('getsockname gave another address')
    return { fd, name: actual, port }
  }

  /** Returns what setsockopt returned. */
  trySetOption(fd: number, level: number, name: number, value: number): number {
    this.memory.view.setInt32(this.#scratch, value, true)
    return this.libc.setsockopt(fd, level, name, this.memory.pointerAt(this.#scratch), 4)
  }

  setOption(fd: number, level: number, name: number, value: number): void {
    this.call(`setsockopt(${level}, ${name})`, this.trySetOption(fd, level, name, value))
  }

  /** Lets `wait` watch this descriptor for input, and for errors, until it is closed. */
  watch(fd: number): void {
    this.memory.bytes.fill(0, this.#event, this.#event + EPOLL_EVENT.size)
    this.memory.view.setUint32(this.#event, EPOLLIN, true)
    this.call('epoll_ctl', this.libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.memory.pointerAt(this.#event)))
  }

  /** Waits until a watched descriptor has something, up to the deadline; false when nothing came. */
  wait(milliseconds = WAIT_MILLISECONDS_MAX): boolean {
    const pointer = this.memory.pointerAt(this.#event)
    return this.call('epoll_wait', this.libc.epoll_wait(this.#epoll, pointer, 1, milliseconds)) > 0
  }

  /** Sends the first `count` messages with one call, or throws. */
  send(fd: number, messages: Messages, count: number): void {
    const sent = this.call('sendmmsg', this.libc.sendmmsg(fd, messages.pointer, count, MSG_DONTWAIT))
    if (sent !== count) throw new Error(`sendmmsg sent ${sent} of ${count} messages`)
  }

  /**
   * Hands every message that comes from one of `sources` to `accept`, until that returns true: all is there. False when the
   * deadline comes first. Other messages are dropped: strangers may send to any port.
   */
  receive(
    fd: number,
    messages: Messages,
    sources: readonly Uint8Array[],
    accept: (message: Received) => boolean,
  ): boolean {
    const deadline = performance.now() + WAIT_MILLISECONDS_MAX
    let isDone = false
    while (!isDone && performance.now() < deadline && this.wait()) {
      messages.clear()
      const count = this.libc.recvmmsg(fd, messages.pointer, messages.count, MSG_DONTWAIT, 0)
      if (count < 0 && this.libc.errno() === EAGAIN) continue
      this.call('recvmmsg', count)
      for (let index = 0; index < count; index++) {
        const message = messages.received(index)
        if (sources.some((name) => isEqual(name, message.name))) isDone = accept(message)
      }
    }
    return isDone
  }
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
