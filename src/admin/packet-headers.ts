// What is written before captured bytes, so that Wireshark knows what they are: IP and UDP headers as they were on the wire (made up again from the
// addresses), or, where frames came over a stream or were decrypted here, the tags of an exported PDU.
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'

const IPV4_HEADER_LENGTH = 20
const IPV6_HEADER_LENGTH = 40
const UDP_HEADER_LENGTH = 8
const PROTOCOL_UDP = 17
const HOP_LIMIT = 64
const DONT_FRAGMENT = 0x4000

// Tags of exported PDUs (epan/exported_pdu.h).
const TAG_DISSECTOR = 12
const TAG_IPV4_SOURCE = 20
const TAG_IPV4_DESTINATION = 21
const TAG_IPV6_SOURCE = 22
const TAG_IPV6_DESTINATION = 23
const TAG_PORT_TYPE = 24
const TAG_SOURCE_PORT = 25
const TAG_DESTINATION_PORT = 26
const PORT_TYPE_TCP = 2
const PORT_TYPE_UDP = 3

/**
 * IP and UDP headers of this payload. Its checksum is right if the payload is whole, and 0 (none) if only its beginning is there.
 * @param length of the whole payload
 */
export function udpHeaders(
  from: TransportAddress,
  to: TransportAddress,
  payload: Uint8Array,
  length: number,
): Uint8Array {
  const isIPv6 = to.family === FAMILY_IPV6
  const udp = Buffer.alloc(UDP_HEADER_LENGTH)
  const udpLength = UDP_HEADER_LENGTH + length
  udp.writeUInt16BE(from.port, 0)
  udp.writeUInt16BE(to.port, 2)
  udp.writeUInt16BE(udpLength, 4)
  const pseudo = Buffer.alloc(4)
  pseudo.writeUInt16BE(PROTOCOL_UDP, 0)
  pseudo.writeUInt16BE(udpLength, 2)
  // 0 means that there is none: a sum of 0 is written as its other form.
  const sum = payload.length < length ? 0 : checksum([hostBytes(from), hostBytes(to), pseudo, udp, payload]) || 0xffff
  udp.writeUInt16BE(sum, 6)
  return Buffer.concat([isIPv6 ? ipv6Header(from, to, udpLength) : ipv4Header(from, to, udpLength), udp])
}

/** The tags before a frame that the dissector of this name is to show. */
export function upperPduTags(
  from: TransportAddress,
  to: TransportAddress,
  dissector: string,
  isTcp: boolean,
): Uint8Array {
  const isIPv6 = to.family === FAMILY_IPV6
  return Buffer.concat([
    tag(TAG_DISSECTOR, Buffer.from(dissector)),
    tag(isIPv6 ? TAG_IPV6_SOURCE : TAG_IPV4_SOURCE, hostBytes(from)),
    tag(isIPv6 ? TAG_IPV6_DESTINATION : TAG_IPV4_DESTINATION, hostBytes(to)),
    tag(TAG_PORT_TYPE, word(isTcp ? PORT_TYPE_TCP : PORT_TYPE_UDP)),
    tag(TAG_SOURCE_PORT, word(from.port)),
    tag(TAG_DESTINATION_PORT, word(to.port)),
    Buffer.alloc(4),
  ])
}

function ipv4Header(from: TransportAddress, to: TransportAddress, length: number): Buffer {
  const header = Buffer.alloc(IPV4_HEADER_LENGTH)
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(IPV4_HEADER_LENGTH + length, 2)
  header.writeUInt16BE(DONT_FRAGMENT, 6)
  header.writeUInt8(HOP_LIMIT, 8)
  header.writeUInt8(PROTOCOL_UDP, 9)
  hostBytes(from).copy(header, 12)
  hostBytes(to).copy(header, 16)
  header.writeUInt16BE(checksum([header]), 10)
  return header
}

function ipv6Header(from: TransportAddress, to: TransportAddress, length: number): Buffer {
  const header = Buffer.alloc(IPV6_HEADER_LENGTH)
  header.writeUInt8(0x60, 0)
  header.writeUInt16BE(length, 4)
  header.writeUInt8(PROTOCOL_UDP, 6)
  header.writeUInt8(HOP_LIMIT, 7)
  hostBytes(from).copy(header, 8)
  hostBytes(to).copy(header, 24)
  return header
}

/** RFC 1071, over parts that are whole 16-bit words but for the last. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 2) sum += (part[index] << 8) | (part[index + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function hostBytes({ family, word0, word1, word2, word3 }: TransportAddress): Buffer {
  const words = family === FAMILY_IPV6 ? [word0, word1, word2, word3] : [word0]
  return Buffer.concat(words.map((one) => word(one)))
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}

/** Padded with zeros, which count. */
function tag(type: number, value: Uint8Array): Buffer {
  const padding = -value.length & 3
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length + padding, 2)
  return Buffer.concat([head, value, Buffer.alloc(padding)])
}
