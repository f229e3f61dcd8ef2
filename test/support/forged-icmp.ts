// ICMPv4 errors made by the test (RFC 792): as if a router had returned a UDP datagram. Needs root, and withoutKoffi() to be false.
import type { TransportAddress } from '../../src/stun/address.js'
import type { Closing } from './closing.js'
import { KernelIo } from './kernel-io.js'
import { addressOf } from './udp-peer.js'

const SOCK_RAW = 3
const IPPROTO_ICMP = 1
const IPPROTO_UDP = 17
const ICMP_HEADER_LENGTH = 8
const IP_HEADER_LENGTH = 20
const UDP_HEADER_LENGTH = 8

export interface IcmpError {
  readonly type: number
  readonly code: number
  /** The second word of the header: an MTU, where the type has one. */
  readonly data?: number
  /** Who says so: an IPv4 address of this machine. */
  readonly from: string
  /** Of the datagram that is returned. */
  readonly source: TransportAddress
  readonly destination: TransportAddress
}

/** What sends such errors to the machine of `source`, until `t` ends. */
export function openIcmpForge(t: Closing, from: string): (error: Omit<IcmpError, 'from'>) => void {
  const io = new KernelIo(4, SOCK_RAW, IPPROTO_ICMP)
  t.teardown(() => io.close())
  io.bind(addressOf(from, 0))
  return (error) => {
    const to = error.source.clone()
    to.port = 0
    if (!io.send(to, encode(error))) throw new Error(`cannot send an ICMP error to ${to}`)
  }
}

function encode({ code, data = 0, destination, source, type }: Omit<IcmpError, 'from'>): Buffer {
  const bytes = Buffer.alloc(ICMP_HEADER_LENGTH + IP_HEADER_LENGTH + UDP_HEADER_LENGTH)
  bytes[0] = type
  bytes[1] = code
  bytes.writeUInt32BE(data, 4)
  const ip = bytes.subarray(ICMP_HEADER_LENGTH)
  ip[0] = 0x45
  ip.writeUInt16BE(IP_HEADER_LENGTH + UDP_HEADER_LENGTH, 2)
  ip[8] = 64
  ip[9] = IPPROTO_UDP
  ip.writeInt32BE(source.word0, 12)
  ip.writeInt32BE(destination.word0, 16)
  ip.writeUInt16BE(checksum(ip.subarray(0, IP_HEADER_LENGTH)), 10)
  const udp = ip.subarray(IP_HEADER_LENGTH)
  udp.writeUInt16BE(source.port, 0)
  udp.writeUInt16BE(destination.port, 2)
  udp.writeUInt16BE(UDP_HEADER_LENGTH, 4)
  bytes.writeUInt16BE(checksum(bytes), 2)
  return bytes
}

/** RFC 1071, of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
