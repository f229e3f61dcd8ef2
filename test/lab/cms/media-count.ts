// What a call bridge counts of one kind of media, both ways.
import type { RtpPacket } from 'werift'

export interface MediaCount {
  packets: number
  bytes: number
  /** Of video: packets with the marker bit, each the last of a frame (RFC 7741 §4.1). */
  frames: number
}

export interface KindCount {
  readonly received: MediaCount
  readonly sent: MediaCount
}

export interface CallCount {
  readonly audio: KindCount
  readonly video: KindCount
}

export function newCallCount(): CallCount {
  const zero = (): MediaCount => ({ packets: 0, bytes: 0, frames: 0 })
  return { audio: { received: zero(), sent: zero() }, video: { received: zero(), sent: zero() } }
}

export function countPacket(count: MediaCount, { header, payload }: RtpPacket, kind: string): void {
  count.packets++
  count.bytes += payload.length
  if (kind === 'video' && header.marker) count.frames++
}
