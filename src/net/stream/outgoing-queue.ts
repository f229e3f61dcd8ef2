// What one stream connection has to send: whole frames, gathered in chunks, one write a turn. On the hot path.
//
//   append ─► gathering ─► full ─► full ─► socket.write       at most one write is under way; while it is, frames wait here,
//                                                             where they can be counted, and not in the socket
//
// Over TLS a write is a record. Some clients read one message for each record, although frames may lie anywhere in a stream: as
// long as few frames come in a turn they have a chunk each. Of many they share one, as each record costs a turn.
//
// A client that does not read is stalled: data is dropped, by whole frames, while too much or too old data waits, of this client or of
// all. What is in the queue always leaves whole and in order.

import type { Writable } from 'node:stream'
import { LARGE_CHUNK_BYTES, QUEUED_BYTES_MAX, QUEUED_MILLISECONDS_MAX } from '../../limits/streams.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../stun/channel-data.js'
import { COUNTER_BYTES_SENT, COUNTER_PACKETS_SENT, COUNTER_SEND_CALLS, COUNTER_STALLED_DROPS } from '../counters.js'
import type { Chunk, ChunkOwner, ChunkPool } from './chunk-pool.js'

/** Over TLS: chunks that wait before frames share one. */
const SEPARATE_CHUNK_COUNT_MAX = 8
/** Over TLS: frames of a turn that have a chunk each, and none has one in the turn after more. */
const SEPARATE_FRAMES_PER_TURN_MAX = 4

/** What queues of a worker have in common. */
export interface OutgoingContext {
  readonly pool: ChunkPool
  readonly counters: Float64Array
  readonly now: () => number
}

export class OutgoingQueue implements ChunkOwner {
  #stream: Writable
  /** It is written to over TLS. */
  #hasRecords = false
  readonly #pool: ChunkPool
  readonly #counters: Float64Array
  readonly #now: () => number
  #oldest: Chunk | null = null
  #newest: Chunk | null = null
  #queuedBytes = 0
  /** Memory of its chunks, that of those that are being written too. */
  #heldBytes = 0
  #queuedChunkCount = 0
  #turnFrameCount = 0
  /** The turn before this one brought many frames. */
  #isBusy = false
  /** When the oldest byte of what was last written came. */
  #writtenStartedAt = 0

  constructor(stream: Writable, { counters, now, pool }: OutgoingContext) {
    this.#stream = stream
    this.#pool = pool
    this.#counters = counters
    this.#now = now
  }

  /** TLS has begun: it is written to over this stream from now on. Nothing waits. */
  startRecords(stream: Writable): void {
    this.#stream = stream
    this.#hasRecords = true
  }

  /** Bytes that are not yet the kernel's. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#stream.writableLength
  }

  /** @param bytesMax how much may wait; false if it would be more, even after a write */
  appendMessage(bytes: Uint8Array, start: number, end: number, bytesMax: number): boolean {
    const length = end - start
    if (this.#isBeyond(length, bytesMax)) {
      // What was gathered in this turn does not wait because of the client.
      this.write()
      if (this.#isBeyond(length, bytesMax)) return false
    }
    const chunk = this.#chunkWithRoom(length)
    if (chunk === null) return false
    chunk.bytes.set(bytes.subarray(start, end), chunk.length)
    this.#noteAppended(chunk, length)
    return true
  }

  appendChannelData(channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    const length = (CHANNEL_DATA_HEADER_LENGTH + end - start + 3) & ~3
    const chunk = this.#chunkForData(length)
    if (chunk === null) return
    writeChannelDataHeader(chunk.bytes, chunk.length, channelNumber, end - start)
    this.#appendPayload(chunk, CHANNEL_DATA_HEADER_LENGTH, bytes, start, end, length)
  }

  appendDataIndication(header: Uint8Array, headerEnd: number, bytes: Uint8Array, start: number, end: number): void {
    const length = (headerEnd + end - start + 3) & ~3
    const chunk = this.#chunkForData(length)
    if (chunk === null) return
    chunk.bytes.set(header.subarray(0, headerEnd), chunk.length)
    this.#appendPayload(chunk, headerEnd, bytes, start, end, length)
  }

  /** The last frame of this turn has been appended. */
  endTurn(): void {
    this.#isBusy = this.#turnFrameCount > SEPARATE_FRAMES_PER_TURN_MAX
    this.#turnFrameCount = 0
    this.write()
  }

  /** Writes what waits, as long as the kernel takes it at once. */
  write(): void {
    while (this.#oldest !== null && this.#stream.writableLength === 0 && !this.#stream.destroyed) this.#writeOldest()
  }

  /** Writes all that waits, into the stream's own queue if need be: nothing more will come. */
  writeAll(): void {
    while (this.#oldest !== null && !this.#stream.destroyed) this.#writeOldest()
  }

  /** Of a chunk: the kernel has it, or the connection is gone. */
  handleWritten(chunk: Chunk): void {
    this.#giveBack(chunk)
    this.write()
  }

  /** The connection is gone. */
  discard(): void {
    for (let chunk = this.#oldest; chunk !== null; chunk = chunk.next) this.#giveBack(chunk)
    this.#oldest = null
    this.#newest = null
    this.#queuedBytes = 0
    this.#queuedChunkCount = 0
  }

  #chunkForData(length: number): Chunk | null {
    const chunk = this.#isStalled(length) ? null : this.#chunkWithRoom(length)
    if (chunk === null) this.#counters[COUNTER_STALLED_DROPS]++
    return chunk
  }

  /** Of an answer. Who has nothing unread gets one whatever others have left. */
  #isBeyond(length: number, bytesMax: number): boolean {
    const waiting = this.waitingBytes
    return waiting + length > bytesMax || (waiting > 0 && this.#pool.isFull)
  }

  #isStalled(length: number): boolean {
    if (this.waitingBytes + length > QUEUED_BYTES_MAX || this.#heldBytes + length > this.#pool.shareBytes) return true
    // Without a write under way, what waits is of this turn.
    return this.#stream.writableLength > 0 && this.#now() - this.#writtenStartedAt > QUEUED_MILLISECONDS_MAX
  }

  /** The newest chunk, made longer, or a new one behind it; null for a frame that is longer than any. */
  #chunkWithRoom(length: number): Chunk | null {
    const newest = this.#newest
    if (newest === null || (this.#hasRecords && this.#isSeparate())) return this.#enqueueChunk(length)
    const needed = newest.length + length
    if (needed <= newest.bytes.length) return newest
    if (newest === this.#oldest && needed <= LARGE_CHUNK_BYTES) return this.#exchangeForLarge(newest, needed)
    this.write()
    return this.#enqueueChunk(LARGE_CHUNK_BYTES, length)
  }

  #isSeparate(): boolean {
    return (
      !this.#isBusy &&
      this.#turnFrameCount < SEPARATE_FRAMES_PER_TURN_MAX &&
      this.#queuedChunkCount < SEPARATE_CHUNK_COUNT_MAX
    )
  }

  #enqueueChunk(capacity: number, length = capacity): Chunk | null {
    if (length > LARGE_CHUNK_BYTES) return null
    const chunk = this.#take(capacity, this.#now())
    if (this.#newest === null) this.#oldest = chunk
    else this.#newest.next = chunk
    this.#newest = chunk
    this.#queuedChunkCount++
    return chunk
  }

  /** Only of a chunk that is the whole queue. */
  #exchangeForLarge(small: Chunk, length: number): Chunk {
    const large = this.#take(length, small.startedAt)
    large.bytes.set(small.bytes.subarray(0, small.length))
    large.length = small.length
    this.#giveBack(small)
    this.#oldest = large
    this.#newest = large
    return large
  }

  #take(capacity: number, now: number): Chunk {
    const chunk = this.#pool.take(capacity, now)
    this.#heldBytes += chunk.bytes.length
    return chunk
  }

  #giveBack(chunk: Chunk): void {
    this.#heldBytes -= chunk.bytes.length
    this.#pool.give(chunk)
  }

  #appendPayload(
    chunk: Chunk,
    headerLength: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
  ): void {
    const payloadAt = chunk.length + headerLength
    chunk.bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), payloadAt)
    for (let at = payloadAt + end - start; at < chunk.length + length; at++) chunk.bytes[at] = 0
    this.#noteAppended(chunk, length)
  }

  #noteAppended(chunk: Chunk, length: number): void {
    chunk.length += length
    this.#turnFrameCount++
    this.#queuedBytes += length
    this.#counters[COUNTER_PACKETS_SENT]++
    this.#counters[COUNTER_BYTES_SENT] += length
  }

  #writeOldest(): void {
    const chunk = this.#oldest as Chunk
    this.#oldest = chunk.next
    if (chunk.next === null) this.#newest = null
    this.#queuedChunkCount--
    this.#queuedBytes -= chunk.length
    this.#writtenStartedAt = chunk.startedAt
    chunk.owner = this
    this.#counters[COUNTER_SEND_CALLS]++
    this.#stream.write(chunk.bytes.subarray(0, chunk.length), chunk.onWritten)
  }
}
