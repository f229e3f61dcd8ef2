// Opens UDP sockets through the C library, with what the engine needs of each: GRO, the traffic class of what arrives, ICMP errors of
// relays, the asked address of wildcard listeners, large buffers.
import { LISTENER_BUFFER_BYTES, RELAY_BUFFER_BYTES } from '../../limits/engines.js'
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { Offloads } from '../choose-engine.js'
import type { Arena } from './arena.js'
import { BIND_SCRATCH_LENGTH, bindSocket, connectSocket, isBoundTo } from './bind-socket.js'
import {
  AF_INET,
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_OMIT,
  IP_RECVERR,
  IP_RECVTOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_DONTFRAG,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from './layout.js'
import type { Libc } from './libc.js'

/** Opens and sets up sockets. A result of -1 is followed by `errno`. */
export class UdpSockets {
  /** Of the last call that failed. */
  errno = 0
  readonly #libc: Libc
  readonly #arena: Arena
  readonly #scratch: number

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc
    this.#arena = arena
    this.#scratch = arena.reserve(BIND_SCRATCH_LENGTH)
  }

  /**
   * A listener's socket, bound; -1 on failure. `address` gets the real port.
   * @param isShared other sockets, with the same option, share the address: the kernel spreads clients over them
   */
  openListener(address: TransportAddress, isWildcard: boolean, isShared: boolean, offloads: Offloads): number {
    const isIPv6 = address.family === FAMILY_IPV6
    const fd = this.#open(isIPv6)
    if (fd < 0) return -1
    if (isShared && !this.#set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return this.#fail(fd)
    if (isWildcard && !this.#tellAskedAddress(fd, isIPv6)) return this.#fail(fd)
    this.#setCommon(fd, isIPv6, offloads, LISTENER_BUFFER_BYTES)
    return this.#bind(fd, address)
  }

  /**
   * A socket of one client beside a listener's, bound to where that client comes to and connected to it; -1 on failure.
   * @param listener of all clients, steered: until it is connected, this one gets nothing
   */
  openWay(
    listener: { readonly address: TransportAddress; readonly isWildcard: boolean },
    local: TransportAddress,
    client: TransportAddress,
    offloads: Offloads,
  ): number {
    const fd = this.#openConnected(listener.address, client, offloads)
    if (fd < 0 || !listener.isWildcard || isBoundTo(this.#libc, this.#arena, this.#scratch, fd, local)) return fd
    // The kernel would answer this client from another of its addresses. Bound to the right one it gets all clients of that until it is
    // connected, two calls later: what has come by then is dropped.
    this.#libc.close(fd)
    return this.#openConnected(local, client, offloads)
  }

  /** A relay's socket, bound; -1 on failure. */
  openRelay(address: TransportAddress, offloads: Offloads): number {
    const isIPv6 = address.family === FAMILY_IPV6
    const fd = this.#open(isIPv6)
    if (fd < 0) return -1
    const level = isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP
    if (!this.#set(fd, level, isIPv6 ? IPV6_RECVERR : IP_RECVERR, 1)) return this.#fail(fd)
    if (!this.setDontFragment(fd, isIPv6, false)) return this.#fail(fd)
    this.#setCommon(fd, isIPv6, offloads, RELAY_BUFFER_BYTES)
    return this.#bind(fd, address)
  }

  /** Whether packets of this socket carry the DF bit, and fail instead of being fragmented. */
  setDontFragment(fd: number, isIPv6: boolean, isOn: boolean): boolean {
    // Without the DF bit either, but DONT would also keep back ICMP's answer to an earlier packet that had it.
    if (!isIPv6) return this.#set(fd, IPPROTO_IP, IP_MTU_DISCOVER, isOn ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT)
    // Routers never fragment IPv6; this is about the host itself, which must know the path's MTU.
    const isSet = this.#set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, isOn ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT)
    return isSet && this.#set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, isOn ? 1 : 0)
  }

  #open(isIPv6: boolean): number {
    const fd = this.#libc.socket(isIPv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if (fd < 0) this.errno = this.#libc.errno()
    else if (isIPv6) this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    return fd
  }

  #openConnected(address: TransportAddress, client: TransportAddress, offloads: Offloads): number {
    const isIPv6 = address.family === FAMILY_IPV6
    const fd = this.#open(isIPv6)
    if (fd < 0) return -1
    // With both it may share the address with the listeners, which have the one, and with others of its kind, which have the other.
    if (!this.#set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !this.#set(fd, SOL_SOCKET, SO_REUSEPORT, 1))
      return this.#fail(fd)
    this.#setCommon(fd, isIPv6, offloads, RELAY_BUFFER_BYTES)
    if (!bindSocket(this.#libc, this.#arena, this.#scratch, fd, address)) return this.#fail(fd)
    if (!connectSocket(this.#libc, this.#arena, this.#scratch, fd, client)) return this.#fail(fd)
    // Linux lets a connected socket leave those that share the address, and the next one that asks join the first it finds: this one, with
    // which it would be a group of its own, without the program, and get everybody's datagrams until it is connected.
    return this.#set(fd, SOL_SOCKET, SO_REUSEPORT, 0) ? fd : this.#fail(fd)
  }

  #tellAskedAddress(fd: number, isIPv6: boolean): boolean {
    return isIPv6 ? this.#set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : this.#set(fd, IPPROTO_IP, IP_PKTINFO, 1)
  }

  /** What the socket works without, if less well. */
  #setCommon(fd: number, isIPv6: boolean, offloads: Offloads, bufferBytes: number): void {
    if (offloads.gro) this.#set(fd, SOL_UDP, UDP_GRO, 1)
    if (isIPv6) this.#set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
    else this.#set(fd, IPPROTO_IP, IP_RECVTOS, 1)
    // Beyond the system's limit with CAP_NET_ADMIN only.
    if (!this.#set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes)) this.#set(fd, SOL_SOCKET, SO_RCVBUF, bufferBytes)
    if (!this.#set(fd, SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes)) this.#set(fd, SOL_SOCKET, SO_SNDBUF, bufferBytes)
  }

  #bind(fd: number, address: TransportAddress): number {
    if (!bindSocket(this.#libc, this.#arena, this.#scratch, fd, address)) return this.#fail(fd)
    return fd
  }

  #set(fd: number, level: number, name: number, value: number): boolean {
    this.#arena.words[this.#scratch >> 2] = value
    const isSet = this.#libc.setsockopt(fd, level, name, this.#arena.pointerAt(this.#scratch), 4) === 0
    if (!isSet) this.errno = this.#libc.errno()
    return isSet
  }

  #fail(fd: number): number {
    this.errno = this.#libc.errno()
    this.#libc.close(fd)
    return -1
  }
}
