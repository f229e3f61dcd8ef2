// recvmmsg and recvmsg of the fake kernel: buffers into the engine's slots, control messages, truncation, the error queue.
// Slots that are handed in are poisoned first: whatever was received into them before is the engine's no longer.
import {
  CMSGHDR,
  controlSpace,
  IN_PKTINFO,
  IN6_PKTINFO,
  IP_PKTINFO,
  IP_RECVERR,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  IPV6_TCLASS,
  MSG_CTRUNC,
  MSG_ERRQUEUE,
  MSG_TRUNC,
  MSGHDR,
  SOCK_EXTENDED_ERR,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOL_UDP,
  UDP_GRO,
} from '../../../src/net/native/layout.js'
import { TransportAddress } from '../../../src/stun/address.js'
import { demand, type KernelMemory, type Message, type Range } from './fake-kernel-memory.js'
import type { FakeSocket, ReceiveBuffer, SocketError } from './fake-kernel-socket.js'

const POISON = 0xee
/** Traffic class of routers' ICMP messages: the kernel tells it beside an error. */
const ICMP_TRAFFIC_CLASS = 0xc0
/** Looking at every message, also where nothing arrives, takes longer than all the rest of a call: it is done once in so many. */
const FULL_CHECK_INTERVAL = 16

export class KernelReceiver {
  readonly #memory: KernelMemory
  /** Bytes that the kernel wrote, by where; and in which round. */
  readonly #written = new Map<number, { readonly length: number; readonly round: number }>()
  #round = 0
  #calls = 0

  constructor(memory: KernelMemory) {
    this.#memory = memory
  }

  /** These messages belong to the kernel from now on. Returns true if one of them was used in this round before. */
  takeAll(headers: readonly number[], what: string, round: number): boolean {
    const { bytes } = this.#memory
    let isReused = false
    for (const header of headers) {
      const start = this.#memory.firstPart(header, what)
      const written = this.#written.get(start)
      if (written === undefined) continue
      bytes.fill(POISON, start, start + written.length)
      isReused ||= written.round === round
      this.#written.delete(start)
    }
    this.#round = round
    if (this.#calls++ % FULL_CHECK_INTERVAL === 0) {
      checkDisjoint(headers.map((header, index) => this.#memory.message(header, `${what}, message ${index}`)))
    }
    return isReused
  }

  /** Writes a buffer into a message. Returns its bytes. `fault`: MSG_TRUNC or MSG_CTRUNC on purpose. */
  deliver(socket: FakeSocket, message: Message, buffer: ReceiveBuffer, fault: number, what: string): number {
    const memory = this.#memory
    this.#poisonNames(message)
    const [first] = buffer.segments
    const whole = Buffer.concat(buffer.segments.map(({ bytes }) => bytes))
    const kept = fault === MSG_TRUNC ? Math.min(whole.length >> 1, message.length) : whole.length
    const length = this.#scatter(message.parts, whole.subarray(0, kept))
    let flags = length < whole.length || fault === MSG_TRUNC ? MSG_TRUNC : 0
    const control = new ControlWriter(memory, message.control)
    if (fault === MSG_CTRUNC) control.overflow()
    this.#writeControls(socket, buffer, control)
    demand(!control.isCut || fault === MSG_CTRUNC, () => {
      return `${what}: ${message.control.length} bytes are too few for its control messages (was msg_controllen reset?)`
    })
    if (control.isCut) flags |= MSG_CTRUNC
    this.#finish(message, memory.writeAddress(message.name, first.from, what), control.length, flags)
    return length
  }

  /** Writes an entry of the error queue into a message. Returns its bytes. */
  deliverError(socket: FakeSocket, message: Message, error: SocketError, what: string): number {
    const memory = this.#memory
    this.#poisonNames(message)
    const length = this.#scatter(message.parts, error.payload)
    const control = new ControlWriter(memory, message.control)
    if (error.offender !== null && socket.tellsTrafficClass)
      this.#writeTrafficClass(socket, control, ICMP_TRAFFIC_CLASS)
    this.#writeError(socket, control, error)
    demand(!control.isCut, () => `${what}: too little room for the control messages of an error`)
    const flags = MSG_ERRQUEUE | (length < error.payload.length ? MSG_TRUNC : 0)
    this.#finish(message, memory.writeAddress(message.name, error.destination, what), control.length, flags)
    return length
  }

  /** Nothing of what was there before may be mistaken for what arrives. */
  #poisonNames({ control, name }: Message): void {
    const { bytes } = this.#memory
    bytes.fill(POISON, name.start, name.start + name.length)
    bytes.fill(POISON, control.start, control.start + control.length)
  }

  #writeControls(socket: FakeSocket, { segments }: ReceiveBuffer, control: ControlWriter): void {
    const memory = this.#memory
    const [first] = segments
    if (segments.length > 1) {
      control.add(SOL_UDP, UDP_GRO, 4, (at) => memory.setUint32(at, first.bytes.length))
    }
    if (socket.tellsLocalAddress) {
      if (socket.isIPv6) {
        control.add(IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.size, (at) => {
          memory.writeIPv6(at + IN6_PKTINFO.ipi6_addr, first.to)
          memory.setUint32(at + IN6_PKTINFO.ipi6_ifindex, 2)
        })
      } else {
        control.add(IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size, (at) => {
          memory.setUint32(at + IN_PKTINFO.ipi_ifindex, 2)
          memory.writeIPv4(at + IN_PKTINFO.ipi_spec_dst, first.to)
          memory.writeIPv4(at + IN_PKTINFO.ipi_addr, first.to)
        })
      }
    }
    if (socket.tellsTrafficClass) this.#writeTrafficClass(socket, control, first.trafficClass)
  }

  /** One byte with IPv4, an int with IPv6. */
  #writeTrafficClass(socket: FakeSocket, control: ControlWriter, value: number): void {
    const memory = this.#memory
    if (socket.isIPv6) control.add(IPPROTO_IPV6, IPV6_TCLASS, 4, (at) => memory.setUint32(at, value))
    else control.add(IPPROTO_IP, IP_TOS, 1, (at) => memory.setUint8(at, value))
  }

  /** struct sock_extended_err, and the offender's socket address behind it. */
  #writeError(socket: FakeSocket, control: ControlWriter, error: SocketError): void {
    const memory = this.#memory
    const { isIPv6 } = socket
    const room = { start: 0, length: isIPv6 ? SOCKADDR_IN6.size : SOCKADDR_IN.size }
    const length = SOCK_EXTENDED_ERR.size + room.length
    control.add(isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP, isIPv6 ? IPV6_RECVERR : IP_RECVERR, length, (at) => {
      memory.bytes.fill(0, at, at + length)
      memory.setUint32(at + SOCK_EXTENDED_ERR.ee_errno, error.errno)
      memory.setUint8(at + SOCK_EXTENDED_ERR.ee_origin, error.origin)
      memory.setUint8(at + SOCK_EXTENDED_ERR.ee_type, error.type)
      memory.setUint8(at + SOCK_EXTENDED_ERR.ee_code, error.code)
      memory.setUint32(at + SOCK_EXTENDED_ERR.ee_info, error.info)
      if (error.offender === null) return
      const offender = new TransportAddress().copyFrom(error.offender)
      offender.port = 0
      memory.writeAddress({ ...room, start: at + SOCK_EXTENDED_ERR.size }, offender, 'the offender')
    })
  }

  /** Returns the bytes that found room. */
  #scatter(parts: readonly Range[], bytes: Uint8Array): number {
    let done = 0
    for (const { start, length } of parts) {
      const piece = bytes.subarray(done, done + length)
      this.#memory.bytes.set(piece, start)
      this.#written.set(start, { length: piece.length, round: this.#round })
      done += piece.length
    }
    return done
  }

  #finish({ header }: Message, nameLength: number, controlLength: number, flags: number): void {
    this.#memory.setUint32(header + MSGHDR.msg_namelen, nameLength)
    this.#memory.setUint64(header + MSGHDR.msg_controllen, controlLength)
    this.#memory.setUint32(header + MSGHDR.msg_flags, flags)
  }
}

/** put_cmsg: one control message after the other, as long as there is room. */
class ControlWriter {
  length = 0
  isCut = false
  readonly #memory: KernelMemory
  readonly #room: Range

  constructor(memory: KernelMemory, room: Range) {
    this.#memory = memory
    this.#room = room
  }

  /** From here on there is no room. */
  overflow(): void {
    this.isCut = true
  }

  add(level: number, type: number, dataLength: number, write: (at: number) => void): void {
    if (this.length + CMSGHDR.size + dataLength > this.#room.length) this.isCut = true
    if (this.isCut) return
    const at = this.#room.start + this.length
    this.#memory.setUint64(at + CMSGHDR.cmsg_len, CMSGHDR.size + dataLength)
    this.#memory.setUint32(at + CMSGHDR.cmsg_level, level)
    this.#memory.setUint32(at + CMSGHDR.cmsg_type, type)
    write(at + CMSGHDR.size)
    this.length = Math.min(this.length + controlSpace(dataLength), this.#room.length)
  }
}

/** What the kernel writes to must not overlap: neither two messages nor two parts of one. */
function checkDisjoint(messages: readonly Message[]): void {
  const ranges = messages
    .flatMap(({ header, name, control, parts }) => [{ start: header, length: MSGHDR.size }, name, control, ...parts])
    .filter(({ length }) => length > 0)
    .sort((a, b) => a.start - b.start)
  let end = 0
  for (const { start, length } of ranges) {
    demand(start >= end, () => `what the kernel writes overlaps at offset ${start}`)
    end = start + length
  }
}
