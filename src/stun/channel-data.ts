// The ChannelData message (RFC 8656 §12.4): channel number, length, application data. The relay reads and writes its header in place.
import { CHANNEL_NUMBER_MAX, CHANNEL_NUMBER_MIN } from './constants.js'

/** Bytes before the application data. */
export const CHANNEL_DATA_HEADER_LENGTH = 4

export function readChannelNumber(bytes: Uint8Array, start: number): number {
  return (bytes[start] << 8) | bytes[start + 1]
}

/** The length of the application data, header and padding not counted: it may be beyond what arrived. */
export function readChannelDataLength(bytes: Uint8Array, start: number): number {
  return (bytes[start + 2] << 8) | bytes[start + 3]
}

export function writeChannelDataHeader(bytes: Uint8Array, offset: number, channelNumber: number, length: number): void {
  bytes[offset] = channelNumber >> 8
  bytes[offset + 1] = channelNumber
  bytes[offset + 2] = length >> 8
  bytes[offset + 3] = length
}

/** Whether a channel of this number may be bound (RFC 8656 §12; up to CHANNEL_NUMBER_MAX_RFC5766 for older clients). */
export function isChannelNumber(channelNumber: number, channelNumberMax = CHANNEL_NUMBER_MAX): boolean {
  return channelNumber >= CHANNEL_NUMBER_MIN && channelNumber <= channelNumberMax
}
