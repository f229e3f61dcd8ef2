// sendmsg of the fake kernel, message by message of a sendmmsg: what is to be sent, whether the kernel takes it, and the datagrams that
// it becomes (UDP_SEGMENT). The rules are those of udp_sendmsg and udp_send_skb (net/ipv4/udp.c), checked in their order.
import {
  EINVAL,
  EMSGSIZE,
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  SO_EE_ORIGIN_LOCAL,
  SOL_UDP,
  UDP_SEGMENT,
  UDP_SEGMENT_COUNT_MAX,
} from '../../../src/net/native/layout.js'
import { TransportAddress } from '../../../src/stun/address.js'
import type { FakeKernelFaults } from './fake-kernel-faults.js'
import { type ControlMessage, demand, type KernelMemory } from './fake-kernel-memory.js'
import { DATAGRAM_LENGTH_MAX, type FakeSocket } from './fake-kernel-socket.js'

const UDP_HEADER_LENGTH = 8
const IPV4_HEADER_LENGTH = 20
const IPV6_HEADER_LENGTH = 40
const DATAGRAM_LENGTH_MAX_IPV6 = 65_535 - UDP_HEADER_LENGTH

/** A datagram that has left a socket. */
export interface SentDatagram {
  readonly socket: FakeSocket
  readonly from: TransportAddress
  readonly to: TransportAddress
  readonly bytes: Uint8Array
  readonly trafficClass: number
  readonly dontFragment: boolean
  /** How many datagrams left with the same message. */
  readonly segmentCount: number
}

/** A message as the engine asks for it. */
export interface Outgoing {
  readonly socket: FakeSocket
  readonly to: TransportAddress
  /** In the control messages, or null: what the socket is bound to. */
  readonly from: TransportAddress | null
  readonly bytes: Uint8Array
  /** 0: not segmented. */
  readonly segmentLength: number
  readonly trafficClass: number
}

/** Reads a message. What no engine may ask for is a KernelFault. */
export function readOutgoing(memory: KernelMemory, socket: FakeSocket, header: number, what: string): Outgoing {
  const message = memory.message(header, what)
  const { from, segmentLength, trafficClass } = readControls(memory, socket, memory.controls(message, what), what)
  return {
    ...{ socket, from, segmentLength, trafficClass },
    to: memory.address(message.name, socket.family, what),
    bytes: memory.gather(message.parts, message.length),
  }
}

/** The datagrams that a message becomes. */
export function datagramsOf(outgoing: Outgoing): SentDatagram[] {
  const { socket, to, trafficClass } = outgoing
  const bound = socket.bound as TransportAddress
  const from = bound.clone()
  if (outgoing.from !== null) from.copyFrom(outgoing.from).port = bound.port
  const dontFragment = socket.setsDontFragment
  const segments = segmentsOf(outgoing)
  const segmentCount = segments.length
  return segments.map((bytes) => ({ socket, from, to, bytes, trafficClass, dontFragment, segmentCount }))
}

/** Returns an errno, or 0: it may be sent. */
export function sendErrorOf(
  outgoing: Outgoing,
  faults: FakeKernelFaults,
  isLocal: (from: TransportAddress) => boolean,
): number {
  const { socket, to, from, bytes, segmentLength } = outgoing
  if (to.port === 0) return EINVAL
  if (from !== null && !isLocal(from)) return EINVAL
  const { pendingError } = socket
  socket.pendingError = 0
  if (pendingError !== 0) return pendingError
  if (bytes.length > (socket.isIPv6 ? DATAGRAM_LENGTH_MAX_IPV6 : DATAGRAM_LENGTH_MAX)) return EMSGSIZE
  const mtu = faults.mtuTo(to.toString())
  const headerLength = UDP_HEADER_LENGTH + (socket.isIPv6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH)
  if (segmentLength > 0) {
    if (headerLength + segmentLength > mtu) return EINVAL
    if (bytes.length > segmentLength * UDP_SEGMENT_COUNT_MAX) return EINVAL
  } else if (socket.forbidsFragments && headerLength + bytes.length > mtu) {
    queueTooLong(outgoing, mtu)
    return EMSGSIZE
  }
  return faults.sendError(socket, to.toString(), segmentsOf(outgoing).length)
}

function segmentsOf({ bytes, segmentLength }: Outgoing): Uint8Array[] {
  if (segmentLength === 0 || bytes.length <= segmentLength) return [bytes]
  const segments: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += segmentLength) {
    segments.push(bytes.subarray(start, start + segmentLength))
  }
  return segments
}

function readControls(
  memory: KernelMemory,
  socket: FakeSocket,
  controls: readonly ControlMessage[],
  what: string,
): { from: TransportAddress | null; segmentLength: number; trafficClass: number } {
  let from: TransportAddress | null = null
  let segmentLength = 0
  let trafficClass = socket.trafficClass
  const seen = new Set<string>()
  for (const { level, type, data } of controls) {
    demand(!seen.has(`${level}/${type}`), () => `${what}: control message ${level}/${type} twice`)
    seen.add(`${level}/${type}`)
    if (level === SOL_UDP && type === UDP_SEGMENT) {
      demand(data.length === 2, () => `${what}: UDP_SEGMENT of ${data.length} bytes`)
      segmentLength = memory.uint16(data.start)
      demand(segmentLength > 0, () => `${what}: segments of 0 bytes`)
    } else if (isOf(socket, level, type, IP_TOS, IPV6_TCLASS)) {
      demand(data.length === 4, () => `${what}: a traffic class of ${data.length} bytes`)
      trafficClass = memory.int32(data.start)
      demand(trafficClass >= 0 && trafficClass <= 255, () => `${what}: traffic class ${trafficClass}`)
    } else if (isOf(socket, level, type, IP_PKTINFO, IPV6_PKTINFO)) {
      const size = socket.isIPv6 ? IN6_PKTINFO.size : IN_PKTINFO.size
      demand(data.length === size, () => `${what}: a source address of ${data.length} bytes`)
      const index = data.start + (socket.isIPv6 ? IN6_PKTINFO.ipi6_ifindex : IN_PKTINFO.ipi_ifindex)
      demand(memory.uint32(index) <= 2, () => `${what}: source address at interface ${memory.uint32(index)}`)
      from = socket.isIPv6
        ? memory.readIPv6(data.start + IN6_PKTINFO.ipi6_addr, new TransportAddress())
        : memory.readIPv4(data.start + IN_PKTINFO.ipi_spec_dst, new TransportAddress())
    } else {
      demand(false, () => `${what}: control message ${level}/${type} on a socket of family ${socket.family}`)
    }
  }
  return { from, segmentLength, trafficClass }
}

function isOf(socket: FakeSocket, level: number, type: number, typeIPv4: number, typeIPv6: number): boolean {
  return socket.isIPv6 ? level === IPPROTO_IPV6 && type === typeIPv6 : level === IPPROTO_IP && type === typeIPv4
}

/** The own machine is the first hop that does not fragment. */
function queueTooLong({ socket, to, bytes }: Outgoing, mtu: number): void {
  if (!socket.queuesErrors) return
  socket.errors.push({
    ...{ errno: EMSGSIZE, origin: SO_EE_ORIGIN_LOCAL, type: 0, code: 0, info: mtu },
    ...{ destination: to.clone(), offender: null, payload: bytes.slice() },
  })
}
