// Single packets put straight into the loopback device, as a network card would (packet(7)), with IP and UDP headers written here. To
// the server they are packets like any others, but without the way down through UDP, routing and IP the generator sends 1.4 times as
// many. Needs CAP_NET_RAW, and net.ipv4.conf.all.route_localnet in a network namespace of our own, else the kernel takes them
// for forged: see namespace.ts.
import { MMSGHDR, MSG_DONTWAIT, MSGHDR, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../../src/net/native/layout.js'
import { type Endpoint, swapBytes } from './endpoint.js'
import { type Kernel, must, orNothing } from './kernel.js'
import { MessageArray } from './message-array.js'
import type { OutgoingMessage } from './outgoing-messages.js'

const IP_HEADER_LENGTH = 20
const UDP_HEADER_LENGTH = 8
/** What must be free in the arena before each message. */
export const INJECTED_PREFIX_LENGTH = IP_HEADER_LENGTH + UDP_HEADER_LENGTH

const AF_PACKET = 17
const ETH_P_IP = 0x0800
/** struct sockaddr_ll: family 0, protocol 2 (big-endian), ifindex 4, halen 11, addr 12. */
const SOCKADDR_LL_LENGTH = 20
/** Of `lo` in every network namespace. */
const LOOPBACK_INTERFACE = 1
const ETHERNET_ADDRESS_LENGTH = 6
const IP_DONT_FRAGMENT = 0x4000
const IP_TTL = 64
const PROTOCOL_UDP = 17

export class InjectedMessages extends MessageArray {
  readonly #fd: number
  readonly #endpoint: Endpoint

  /** @param endpoint the socket that the packets seem to come from */
  constructor(kernel: Kernel, endpoint: Endpoint, messages: readonly OutgoingMessage[]) {
    super(kernel, messages.length)
    const { arena, libc } = kernel
    this.#endpoint = endpoint
    // Protocol 0: it receives nothing.
    this.#fd = must(kernel, libc.socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'packet socket')
    const name = arena.reserve(SOCKADDR_LL_LENGTH)
    const view = Buffer.from(arena.bytes.buffer, name, SOCKADDR_LL_LENGTH)
    view.writeUInt16LE(AF_PACKET, 0)
    view.writeUInt16BE(ETH_P_IP, 2)
    view.writeInt32LE(LOOPBACK_INTERFACE, 4)
    view.writeUInt8(ETHERNET_ADDRESS_LENGTH, 11)
    for (const [index, message] of messages.entries()) this.#store(index, message, name)
  }

  /** Sends messages `first` to `first + count - 1`. Returns how many the kernel took. */
  send(first: number, count: number): number {
    const pointer = this.kernel.arena.pointerAt(this.headers + first * MMSGHDR.size)
    return orNothing(this.kernel, this.kernel.libc.sendmmsg(this.#fd, pointer, count, MSG_DONTWAIT), 'sendmmsg')
  }

  #store(index: number, message: OutgoingMessage, name: number): void {
    const start = message.start - INJECTED_PREFIX_LENGTH
    const length = INJECTED_PREFIX_LENGTH + message.segmentLength
    this.#writeHeaders(start, length, message)
    this.setBuffer(index, start, length)
    const header = this.headers + index * MMSGHDR.size
    this.kernel.arena.storePointer(header + MSGHDR.msg_name, name)
    this.words[(header + MSGHDR.msg_namelen) >> 2] = SOCKADDR_LL_LENGTH
  }

  #writeHeaders(start: number, length: number, message: OutgoingMessage): void {
    const view = Buffer.from(this.kernel.arena.bytes.buffer, start, INJECTED_PREFIX_LENGTH)
    const source = message.sourceHostWord === 0 ? this.#endpoint.hostWord : swapBytes(message.sourceHostWord)
    view.writeUInt8(0x45, 0)
    view.writeUInt16BE(length, 2)
    view.writeUInt16BE(IP_DONT_FRAGMENT, 6)
    view.writeUInt8(IP_TTL, 8)
    view.writeUInt8(PROTOCOL_UDP, 9)
    view.writeInt32BE(source, 12)
    view.writeInt32BE(swapBytes(message.hostWord), 16)
    view.writeUInt16BE(checksum(view.subarray(0, IP_HEADER_LENGTH)), 10)
    view.writeUInt16BE(this.#endpoint.port, IP_HEADER_LENGTH)
    // Family in the lower half; the port is in network order.
    view.writeUInt16LE(message.portWord >>> 16, IP_HEADER_LENGTH + 2)
    view.writeUInt16BE(length - IP_HEADER_LENGTH, IP_HEADER_LENGTH + 4)
    // No UDP checksum (RFC 768), as on loopback: nobody would look at it.
  }
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
