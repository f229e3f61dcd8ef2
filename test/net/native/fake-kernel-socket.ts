// One UDP socket of the fake kernel: its options, its queue of receive buffers (coalesced as UDP_GRO does), and its errors.
import {
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_PKTINFO,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_RECVERR,
  IP_RECVTOS,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_DONTFRAG,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT_COUNT_MAX,
} from '../../../src/net/native/layout.js'
import type { TransportAddress } from '../../../src/stun/address.js'
import { ICMP_CODE_FRAGMENTATION_NEEDED, ICMP_DESTINATION_UNREACHABLE } from '../../../src/stun/constants.js'

/** Bytes of a UDP payload over IPv4, and of a coalesced buffer. */
export const DATAGRAM_LENGTH_MAX = 65_507

/** A datagram on its way to a socket. */
export interface ArrivingDatagram {
  readonly from: TransportAddress
  readonly to: TransportAddress
  readonly bytes: Uint8Array
  /** DSCP and ECN. */
  readonly trafficClass: number
  /** Whatever the test wants to know it by. */
  readonly tag?: unknown
}

/** What recvmmsg hands over in one message. */
export interface ReceiveBuffer {
  readonly segments: ArrivingDatagram[]
  readonly burst: number
  length: number
  /** A shorter segment has ended it. */
  isFull: boolean
}

/** An entry of the error queue. */
export interface SocketError {
  readonly errno: number
  /** SO_EE_ORIGIN_… */
  readonly origin: number
  readonly type: number
  readonly code: number
  readonly info: number
  /** Where the datagram that it is about was going to. */
  readonly destination: TransportAddress
  /** Who says so; null for the own machine. */
  readonly offender: TransportAddress | null
  /** The beginning of that datagram's payload. */
  readonly payload: Uint8Array
}

/** What a socket has unless it is told otherwise (uapi/linux/in.h). */
const IP_PMTUDISC_WANT = 1

const KNOWN_OPTIONS: Readonly<Record<number, readonly number[]>> = {
  [SOL_SOCKET]: [SO_SNDBUF, SO_RCVBUF, SO_REUSEPORT, SO_SNDBUFFORCE, SO_RCVBUFFORCE],
  [SOL_UDP]: [UDP_GRO],
  [IPPROTO_IP]: [IP_TOS, IP_PKTINFO, IP_MTU_DISCOVER, IP_RECVERR, IP_RECVTOS],
  [IPPROTO_IPV6]: [
    ...[IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_V6ONLY, IPV6_RECVPKTINFO],
    ...[IPV6_DONTFRAG, IPV6_RECVTCLASS, IPV6_TCLASS],
  ],
}

export class FakeSocket {
  readonly kind = 'socket'
  readonly fd: number
  readonly family: number
  bound: TransportAddress | null = null
  /** The textual transport address that it is bound to. */
  boundText = ''
  isClosed = false
  /** sk_err: what the next call of any kind reports. */
  pendingError = 0
  readonly queue: ReceiveBuffer[] = []
  readonly errors: SocketError[] = []
  /** How often an option was set, by `level/name`. */
  readonly optionCalls = new Map<string, number>()
  readonly #options = new Map<string, number>()

  constructor(fd: number, family: number) {
    this.fd = fd
    this.family = family
  }

  get isIPv6(): boolean {
    return this.family === AF_INET6
  }

  static knowsOption(level: number, name: number): boolean {
    return KNOWN_OPTIONS[level]?.includes(name) === true
  }

  setOption(level: number, name: number, value: number): void {
    const key = `${level}/${name}`
    this.#options.set(key, value)
    this.optionCalls.set(key, (this.optionCalls.get(key) ?? 0) + 1)
  }

  option(level: number, name: number): number {
    return this.#options.get(`${level}/${name}`) ?? 0
  }

  get coalesces(): boolean {
    return this.option(SOL_UDP, UDP_GRO) !== 0
  }

  get tellsLocalAddress(): boolean {
    return this.#ofFamily(IP_PKTINFO, IPV6_RECVPKTINFO) !== 0
  }

  get tellsTrafficClass(): boolean {
    return this.#ofFamily(IP_RECVTOS, IPV6_RECVTCLASS) !== 0
  }

  get queuesErrors(): boolean {
    return this.#ofFamily(IP_RECVERR, IPV6_RECVERR) !== 0
  }

  get trafficClass(): number {
    return this.#ofFamily(IP_TOS, IPV6_TCLASS)
  }

  /** What is longer than the path carries is refused instead of fragmented. */
  get forbidsFragments(): boolean {
    return this.#mtuDiscovery === IP_PMTUDISC_DO || (this.isIPv6 && this.option(IPPROTO_IPV6, IPV6_DONTFRAG) !== 0)
  }

  /** Do its packets have the DF bit? Over IPv6, where there is none: see above. */
  get setsDontFragment(): boolean {
    return this.forbidsFragments || (!this.isIPv6 && this.#mtuDiscovery === IP_PMTUDISC_WANT)
  }

  /** Is it told of this error? (net/ipv4/udp.c: __udp4_lib_err) */
  hearsOf({ code, type }: SocketError): boolean {
    const isOfMtu = type === ICMP_DESTINATION_UNREACHABLE && code === ICMP_CODE_FRAGMENTATION_NEEDED && !this.isIPv6
    return this.queuesErrors && !(isOfMtu && this.#mtuDiscovery === IP_PMTUDISC_DONT)
  }

  get isReadable(): boolean {
    return this.queue.length > 0
  }

  get hasError(): boolean {
    return this.errors.length > 0 || this.pendingError !== 0
  }

  /** Returns true if it was coalesced with earlier ones. */
  arrive(datagram: ArrivingDatagram, burst: number, isSeparate: boolean): boolean {
    const buffer = this.coalesces && !isSeparate ? this.#openBuffer(datagram, burst) : undefined
    const { length } = datagram.bytes
    if (buffer === undefined) {
      this.queue.push({ segments: [datagram], burst, length, isFull: length === 0 })
      return false
    }
    buffer.isFull = length < buffer.segments[0].bytes.length
    buffer.segments.push(datagram)
    buffer.length += length
    return true
  }

  /** The last buffer of this sender, if the datagram may follow in it: no longer than the others, and nothing after a shorter one. */
  #openBuffer(datagram: ArrivingDatagram, burst: number): ReceiveBuffer | undefined {
    const buffer = this.queue.findLast(({ segments: [first] }) => {
      return first.from.equals(datagram.from) && first.to.equals(datagram.to)
    })
    if (buffer === undefined || buffer.isFull || buffer.burst !== burst) return undefined
    const [first] = buffer.segments
    const { length } = datagram.bytes
    const fits = length > 0 && length <= first.bytes.length && buffer.length + length <= DATAGRAM_LENGTH_MAX
    const isSameClass = first.trafficClass === datagram.trafficClass
    return fits && isSameClass && buffer.segments.length < UDP_SEGMENT_COUNT_MAX ? buffer : undefined
  }

  get #mtuDiscovery(): number {
    const [level, name] = this.isIPv6 ? [IPPROTO_IPV6, IPV6_MTU_DISCOVER] : [IPPROTO_IP, IP_MTU_DISCOVER]
    return this.#options.get(`${level}/${name}`) ?? IP_PMTUDISC_WANT
  }

  #ofFamily(nameIPv4: number, nameIPv6: number): number {
    return this.isIPv6 ? this.option(IPPROTO_IPV6, nameIPv6) : this.option(IPPROTO_IP, nameIPv4)
  }
}
