// Captured packets as bytes, on their way from a worker to the main thread: many of them in one array, without an object for each.
//
//   0   time        float64   milliseconds of Unix time, with a fraction
//   8   length      uint32    of the packet, as it was
//   12  kept        uint16    bytes of it that follow
//   14  flags       uint8     RECORD_
//   15  family      uint8     of the remote address: 4 or 6
//   16  port        uint16    and its port
//   18  words       4 × int32
//   34  the bytes that were kept
import { TransportAddress } from '../../stun/address.js'

/** Bytes of a record before the packet. */
export const RECORD_HEADER_LENGTH = 34
/** It came to this server. */
export const RECORD_INBOUND = 1
/** It is of the peers' side: the remote address is the peer's, the local one a relay's. Else it is a frame of the client. */
export const RECORD_OF_PEER = 2

/** What a worker tells of one capture; posted in order. */
export interface CapturedPackets {
  readonly kind: 'captured'
  readonly capture: number
  /** Records, one behind the other. */
  readonly records: Uint8Array
  /** Packets that found no room, since the capture began. */
  readonly lostCount: number
  /** Whom it was about is gone: this is the last of it. */
  readonly isGone: boolean
}

export interface CapturedPacket {
  readonly timeMs: number
  readonly length: number
  readonly isInbound: boolean
  readonly isOfPeer: boolean
  readonly remote: TransportAddress
  /** The first bytes of it. */
  readonly bytes: Uint8Array
}

export function writeRecordHeader(
  view: DataView,
  at: number,
  timeMs: number,
  length: number,
  kept: number,
  flags: number,
  remote: TransportAddress,
): void {
  view.setFloat64(at, timeMs)
  view.setUint32(at + 8, length)
  view.setUint16(at + 12, kept)
  view.setUint8(at + 14, flags)
  view.setUint8(at + 15, remote.family)
  view.setUint16(at + 16, remote.port)
  view.setInt32(at + 18, remote.word0)
  view.setInt32(at + 22, remote.word1)
  view.setInt32(at + 26, remote.word2)
  view.setInt32(at + 30, remote.word3)
}

export function* readRecords(records: Uint8Array): IterableIterator<CapturedPacket> {
  const view = new DataView(records.buffer, records.byteOffset, records.length)
  let at = 0
  while (at < records.length) {
    const kept = view.getUint16(at + 12)
    const flags = view.getUint8(at + 14)
    const start = at + RECORD_HEADER_LENGTH
    yield {
      timeMs: view.getFloat64(at),
      length: view.getUint32(at + 8),
      isInbound: (flags & RECORD_INBOUND) !== 0,
      isOfPeer: (flags & RECORD_OF_PEER) !== 0,
      remote: readAddress(view, at + 15),
      bytes: records.subarray(start, start + kept),
    }
    at = start + kept
  }
}

function readAddress(view: DataView, at: number): TransportAddress {
  const word = (index: number) => view.getInt32(at + 3 + 4 * index)
  const port = view.getUint16(at + 1)
  const address = new TransportAddress()
  return view.getUint8(at) === 4
    ? address.setIPv4(word(0), port)
    : address.setIPv6(word(0), word(1), word(2), word(3), port)
}
