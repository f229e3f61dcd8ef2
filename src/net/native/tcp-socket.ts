// Opens TCP sockets through the C library for what Node cannot ask for: several sockets on one port, so that a relay listens on its relayed
// transport address and opens connections from it at the same time; and a second name for a socket, to hand it to another thread.
import { KERNEL_UNSENT_BYTES_MAX } from '../../limits/streams.js'
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import { BIND_SCRATCH_LENGTH, bindSocket } from './bind-socket.js'
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SOL_TCP,
  TCP_NOTSENT_LOWAT,
} from './layout.js'
import type { StreamLibc } from './libc.js'

/** What its own arena needs. */
export const TCP_SOCKETS_ARENA_LENGTH = BIND_SCRATCH_LENGTH
/** Above standard input, output and error. */
const DUPLICATE_FD_MIN = 3

/** A result of -1 is followed by `errno`. */
export class TcpSockets {
  /** Of the last call that failed. */
  errno = 0
  readonly #libc: StreamLibc
  readonly #arena: Arena
  readonly #scratch: number

  constructor(libc: StreamLibc, arena: Arena) {
    this.#libc = libc
    this.#arena = arena
    this.#scratch = arena.reserve(BIND_SCRATCH_LENGTH)
  }

  /** Fails with EADDRINUSE if anyone listens on the address, also one who would share it. */
  canListen(address: TransportAddress): boolean {
    const fd = this.openAlone(address)
    if (fd < 0) return false
    this.#libc.close(fd)
    return true
  }

  /** A socket that is bound to an address, and shares it with nobody; `address` gets the real port. */
  openAlone(address: TransportAddress): number {
    return this.#open(address, false)
  }

  /** The same beside others of this user on the same address and port; neither listening nor connected. */
  openShared(address: TransportAddress): number {
    return this.#open(address, true)
  }

  /** Another file descriptor of the same socket. */
  duplicate(fd: number): number {
    const duplicate = this.#libc.duplicate(fd, DUPLICATE_FD_MIN)
    if (duplicate < 0) this.errno = this.#libc.errno()
    return duplicate
  }

  close(fd: number): void {
    this.#libc.close(fd)
  }

  #open(address: TransportAddress, isShared: boolean): number {
    const isIPv6 = address.family === FAMILY_IPV6
    const fd = this.#libc.socket(isIPv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if (fd < 0) {
      this.errno = this.#libc.errno()
      return -1
    }
    // Connections that were closed a while ago, and those that are open, do not keep the port.
    if (!this.#set(fd, SOL_SOCKET, SO_REUSEADDR)) return this.#fail(fd)
    if (isShared && !this.#set(fd, SOL_SOCKET, SO_REUSEPORT)) return this.#fail(fd)
    if (isIPv6 && !this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY)) return this.#fail(fd)
    if (!this.#set(fd, SOL_TCP, TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES_MAX)) return this.#fail(fd)
    return bindSocket(this.#libc, this.#arena, this.#scratch, fd, address) ? fd : this.#fail(fd)
  }

  #set(fd: number, level: number, name: number, value = 1): boolean {
    this.#arena.words[this.#scratch >> 2] = value
    return this.#libc.setsockopt(fd, level, name, this.#arena.pointerAt(this.#scratch), 4) === 0
  }

  #fail(fd: number): number {
    this.errno = this.#libc.errno()
    this.#libc.close(fd)
    return -1
  }
}
