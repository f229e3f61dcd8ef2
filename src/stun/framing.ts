// Finds the frames of a byte stream (TCP, TLS): STUN messages, and ChannelData padded to 4 bytes (RFC 8489 §6.2.2, RFC 8656 §12.5).
// The stream transports push what they read; whole frames come out. Anything that cannot be a frame ends the connection:
// after a wrong length nobody knows where the next frame starts, and what follows must not be taken for a request.
import { CHANNEL_DATA_HEADER_LENGTH } from './channel-data.js'
import { HEADER_LENGTH, MAGIC_COOKIE } from './constants.js'

/** The header is not complete yet. */
export const FRAMING_NEED_MORE = 0
/** Neither STUN nor ChannelData by its first bits (RFC 7983), or a STUN header without the magic cookie. */
export const FRAMING_NOT_A_FRAME = -1
/** A STUN length that is not a multiple of 4. */
export const FRAMING_BAD_LENGTH = -2
/** Longer than the connection may send now. */
export const FRAMING_TOO_LONG = -3
/** ChannelData before any message: there can be no channel yet. */
export const FRAMING_CHANNEL_DATA_FIRST = -4

// Bytes that tell a frame's length: ChannelData's header, or STUN's up to its cookie.
const STUN_HEAD_LENGTH = 8
const PENDING_LENGTH_MIN = 256
const NOTHING = new Uint8Array(0)

/** Receives a frame; ChannelData's padding is not in it. The assembler never writes to these bytes again: they may be kept. */
export type FrameHandler = (bytes: Uint8Array, start: number, end: number) => void

/**
 * The length of the frame at `start`, its padding included, as soon as its header tells (the frame itself may still be incomplete);
 * FRAMING_NEED_MORE before that, and a negative FRAMING_ value when the connection must close. `frameLengthMax` does not count padding.
 */
export function frameLength(
  bytes: Uint8Array,
  start: number,
  end: number,
  frameLengthMax: number,
  isFirst: boolean,
): number {
  if (start >= end) return FRAMING_NEED_MORE
  const firstBits = bytes[start] >> 6
  if (firstBits > 1) return FRAMING_NOT_A_FRAME
  const isChannelData = firstBits === 1
  if (isChannelData && isFirst) return FRAMING_CHANNEL_DATA_FIRST
  if (end - start < CHANNEL_DATA_HEADER_LENGTH) return FRAMING_NEED_MORE
  const length = (bytes[start + 2] << 8) | bytes[start + 3]
  if (isChannelData) {
    const unpadded = CHANNEL_DATA_HEADER_LENGTH + length
    return unpadded > frameLengthMax ? FRAMING_TOO_LONG : (unpadded + 3) & ~3
  }
  if ((length & 3) !== 0) return FRAMING_BAD_LENGTH
  if (HEADER_LENGTH + length > frameLengthMax) return FRAMING_TOO_LONG
  if (end - start < STUN_HEAD_LENGTH) return FRAMING_NEED_MORE
  return readCookie(bytes, start + 4) === MAGIC_COOKIE ? HEADER_LENGTH + length : FRAMING_NOT_A_FRAME
}

/**
 * Cuts one connection's chunks into frames. Keeps at most one incomplete frame, and no buffer without one; a frame that is whole in a
 * chunk is not copied. Chunks must not be written to afterwards, if the frame handler keeps frames.
 */
export class FrameAssembler {
  /** May be raised between frames, by the frame handler too: more is allowed once the client has an allocation. */
  frameLengthMax: number
  private isFirst = true
  private isStopped = false
  private isHeld = false
  private result = 0
  private pending: Uint8Array = NOTHING
  private pendingLength = 0
  private rest: Uint8Array = NOTHING

  constructor(frameLengthMax: number) {
    this.frameLengthMax = frameLengthMax
  }

  /** Hands on every frame that the chunk completes, until the handler holds or stops. Returns 0, or a negative FRAMING_ value: close; later chunks get the same. */
  push(chunk: Uint8Array, onFrame: FrameHandler): number {
    let offset = 0
    this.isHeld = false
    while (offset < chunk.length && this.result === 0 && !this.isStopped && !this.isHeld) {
      if (this.pendingLength > 0) {
        offset = this.fillPending(chunk, offset, onFrame)
        continue
      }
      const length = frameLength(chunk, offset, chunk.length, this.frameLengthMax, this.isFirst)
      if (length < 0) this.fail(length)
      else if (length > 0 && length <= chunk.length - offset) {
        this.deliver(chunk, offset, length, onFrame)
        offset += length
      } else offset = this.keep(chunk, offset, chunk.length, length)
    }
    if (this.isStopped && offset < chunk.length) this.rest = chunk.slice(offset)
    else if (this.isHeld) this.rest = chunk.subarray(offset)
    return this.result
  }

  /** For the frame handler: no frame after this one; the bytes that follow are the caller's (RFC 6062 §4.5), or nobody's. */
  stop(): void {
    this.isStopped = true
  }

  /** For the frame handler: no further frame for now. What follows in this chunk is to be pushed again, before any other one. */
  hold(): void {
    this.isHeld = true
  }

  get isHolding(): boolean {
    return this.isHeld
  }

  /** What the last chunk held after the frame at which the handler stopped. */
  takeRest(): Uint8Array {
    const rest = this.rest
    this.rest = NOTHING
    return rest
  }

  /** Adds to the incomplete frame what belongs to it, and delivers it when it is whole. Returns the new offset. */
  private fillPending(chunk: Uint8Array, offset: number, onFrame: FrameHandler): number {
    let length = this.pendingFrameLength()
    // Before the length is known, take no more than its header: ChannelData's whole frame may be 4 bytes.
    const headLength = this.pendingLength < CHANNEL_DATA_HEADER_LENGTH ? CHANNEL_DATA_HEADER_LENGTH : STUN_HEAD_LENGTH
    const wanted = (length > 0 ? length : headLength) - this.pendingLength
    const next = this.keep(chunk, offset, Math.min(offset + wanted, chunk.length), length)
    length = this.pendingFrameLength()
    if (length < 0) this.fail(length)
    else if (length > 0 && length === this.pendingLength) {
      const frame = this.pending
      // Given away: what is relayed may wait in a queue of the engine for longer than the next frame needs.
      this.pending = NOTHING
      this.pendingLength = 0
      this.deliver(frame, 0, length, onFrame)
    }
    return next
  }

  private pendingFrameLength(): number {
    return frameLength(this.pending, 0, this.pendingLength, this.frameLengthMax, this.isFirst)
  }

  private keep(chunk: Uint8Array, offset: number, end: number, length: number): number {
    const needed = Math.max(length, PENDING_LENGTH_MIN)
    if (needed > this.pending.length) {
      const larger = new Uint8Array(needed)
      larger.set(this.pending.subarray(0, this.pendingLength))
      this.pending = larger
    }
    this.pending.set(chunk.subarray(offset, end), this.pendingLength)
    this.pendingLength += end - offset
    return end
  }

  private deliver(bytes: Uint8Array, start: number, length: number, onFrame: FrameHandler): void {
    this.isFirst = false
    const isChannelData = bytes[start] >> 6 === 1
    const unpadded = CHANNEL_DATA_HEADER_LENGTH + ((bytes[start + 2] << 8) | bytes[start + 3])
    onFrame(bytes, start, start + (isChannelData ? unpadded : length))
  }

  private fail(result: number): void {
    this.result = result
    this.pending = NOTHING
    this.pendingLength = 0
  }
}

function readCookie(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}
