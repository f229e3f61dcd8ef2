// Files that Wireshark reads: pcapng (draft-ietf-opsawg-pcapng), blocks of little-endian words. Written here are one section, its interfaces,
// enhanced packets, and the statistics of each interface at the end. Pure: bytes come back, and somebody else keeps them.

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const INTERFACE_STATISTICS = 5
const ENHANCED_PACKET = 6

const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const OPTION_COMMENT = 1
const SECTION_APPLICATION = 4
const INTERFACE_NAME = 2
const INTERFACE_TEXT = 3
const INTERFACE_RESOLUTION = 9
/** Of times: 10^-6 s. */
const MICROSECONDS = 6
const PACKET_FLAGS = 2
const FLAG_INBOUND = 1
const FLAG_OUTBOUND = 2
const STATISTICS_START = 2
const STATISTICS_END = 3
const STATISTICS_RECEIVED = 4
const STATISTICS_DROPPED = 5

/** Packets begin with an IPv4 or IPv6 header. */
export const LINK_TYPE_RAW = 101
/** Packets begin with tags that name a dissector (WIRESHARK_UPPER_PDU). */
export const LINK_TYPE_UPPER_PDU = 252

export interface InterfaceFacts {
  /** LINK_TYPE_ */
  readonly linkType: number
  readonly name: string
  readonly description: string
  /** Bytes that are kept of a packet at most. */
  readonly snapLength: number
}

export interface PacketFacts {
  /** The interface's place among those of the section. */
  readonly interfaceId: number
  /** Milliseconds of Unix time, with a fraction. */
  readonly timeMs: number
  /** One behind the other. */
  readonly parts: readonly Uint8Array[]
  /** Of the whole packet, of which the parts may be the beginning. */
  readonly originalLength: number
  readonly isInbound: boolean
  readonly comment: string
}

export interface InterfaceCounts {
  readonly interfaceId: number
  readonly startTimeMs: number
  readonly endTimeMs: number
  readonly receivedCount: number
  readonly droppedCount: number
}

/** @param application what has written the file */
export function sectionHeader(application: string): Uint8Array {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(BYTE_ORDER_MAGIC, 0)
  head.writeUInt16LE(1, 4)
  // The section's length is not known.
  head.writeBigInt64LE(-1n, 8)
  return block(SECTION_HEADER, [head, textOption(SECTION_APPLICATION, application), END_OF_OPTIONS])
}

export function interfaceDescription({ description, linkType, name, snapLength }: InterfaceFacts): Uint8Array {
  const head = Buffer.alloc(8)
  head.writeUInt16LE(linkType, 0)
  head.writeUInt32LE(snapLength, 4)
  const options = [textOption(INTERFACE_NAME, name), textOption(INTERFACE_TEXT, description)]
  const resolution = option(INTERFACE_RESOLUTION, Buffer.of(MICROSECONDS))
  return block(INTERFACE_DESCRIPTION, [head, ...options, resolution, END_OF_OPTIONS])
}

export function enhancedPacket(packet: PacketFacts): Uint8Array {
  const { comment, interfaceId, isInbound, originalLength, parts, timeMs } = packet
  const capturedLength = parts.reduce((sum, { length }) => sum + length, 0)
  const head = Buffer.alloc(20)
  head.writeUInt32LE(interfaceId, 0)
  timeWords(timeMs).copy(head, 4)
  head.writeUInt32LE(capturedLength, 12)
  head.writeUInt32LE(originalLength, 16)
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(isInbound ? FLAG_INBOUND : FLAG_OUTBOUND)
  const options = [textOption(OPTION_COMMENT, comment), option(PACKET_FLAGS, flags), END_OF_OPTIONS]
  return block(ENHANCED_PACKET, [head, ...parts, paddingOf(capturedLength), ...options])
}

export function interfaceStatistics(counts: InterfaceCounts): Uint8Array {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(counts.interfaceId, 0)
  timeWords(counts.endTimeMs).copy(head, 4)
  const options = [
    option(STATISTICS_START, timeWords(counts.startTimeMs)),
    option(STATISTICS_END, timeWords(counts.endTimeMs)),
    option(STATISTICS_RECEIVED, countOf(counts.receivedCount)),
    option(STATISTICS_DROPPED, countOf(counts.droppedCount)),
  ]
  return block(INTERFACE_STATISTICS, [head, ...options, END_OF_OPTIONS])
}

const END_OF_OPTIONS = Buffer.alloc(4)

/** Its length stands before and behind it. The parts together are whole words. */
function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 12)
  const head = Buffer.alloc(8)
  head.writeUInt32LE(type, 0)
  head.writeUInt32LE(length, 4)
  return Buffer.concat([head, ...parts, head.subarray(4)])
}

function option(code: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(code, 0)
  head.writeUInt16LE(value.length, 2)
  return Buffer.concat([head, value, paddingOf(value.length)])
}

function textOption(code: number, text: string): Buffer {
  return option(code, Buffer.from(text))
}

/** The upper word first, each of them little-endian. */
function timeWords(timeMs: number): Buffer {
  const microseconds = Math.round(timeMs * 1000)
  const words = Buffer.alloc(8)
  words.writeUInt32LE(Math.floor(microseconds / 2 ** 32), 0)
  words.writeUInt32LE(microseconds % 2 ** 32, 4)
  return words
}

function countOf(count: number): Buffer {
  const value = Buffer.alloc(8)
  value.writeBigUInt64LE(BigInt(count))
  return value
}

function paddingOf(length: number): Uint8Array {
  return new Uint8Array(-length & 3)
}
