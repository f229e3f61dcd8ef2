// The memory of what stream connections have to send: chunks that all connections of a worker share. A connection has one only while
// something of it is not yet the kernel's.
import {
  ANSWER_MEMORY_BYTES_MAX,
  LARGE_CHUNK_BYTES,
  LARGE_CHUNK_FREE_COUNT_MAX,
  QUEUE_MEMORY_BYTES_MAX,
  QUEUE_SHARE_COUNT,
  SMALL_CHUNK_BYTES,
  SMALL_CHUNK_FREE_COUNT_MAX,
} from '../../limits/streams.js'

/** Whose chunk it is that was written. */
export interface ChunkOwner {
  handleWritten(chunk: Chunk): void
}

export class Chunk {
  readonly bytes: Buffer
  /** Bytes that are filled. */
  length = 0
  /** When its first byte came, in milliseconds. */
  startedAt = 0
  /** The next one of its queue. */
  next: Chunk | null = null
  owner: ChunkOwner | null = null
  /** For socket.write: one function for the life of the chunk, not one for each write. */
  readonly onWritten: () => void

  constructor(byteLength: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteLength)
    this.onWritten = () => {
      const { owner } = this
      this.owner = null
      owner?.handleWritten(this)
    }
  }
}

export class ChunkPool {
  /** Of the chunks that queues have, whether they are filled or not. */
  #usedBytes = 0
  readonly #dataBytesMax: number
  readonly #small: Chunk[] = []
  readonly #large: Chunk[] = []

  /** @param dataBytesMax what data may take, give or take a chunk; answers may take ANSWER_MEMORY_BYTES_MAX beyond that */
  constructor(dataBytesMax = QUEUE_MEMORY_BYTES_MAX) {
    this.#dataBytesMax = dataBytesMax
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** How much data may wait in one queue now. Below 0 where more than all is taken. */
  get shareBytes(): number {
    return (this.#dataBytesMax - this.#usedBytes) / QUEUE_SHARE_COUNT
  }

  /** Who has something unread gets no more answers. */
  get isFull(): boolean {
    return this.#usedBytes >= this.#dataBytesMax + ANSWER_MEMORY_BYTES_MAX
  }

  /** An empty chunk with room for `length` bytes, at most LARGE_CHUNK_BYTES. */
  take(length: number, now: number): Chunk {
    const isSmall = length <= SMALL_CHUNK_BYTES
    const free = isSmall ? this.#small : this.#large
    const chunk = free.pop() ?? new Chunk(isSmall ? SMALL_CHUNK_BYTES : LARGE_CHUNK_BYTES)
    chunk.length = 0
    chunk.startedAt = now
    chunk.next = null
    this.#usedBytes += chunk.bytes.length
    return chunk
  }

  give(chunk: Chunk): void {
    this.#usedBytes -= chunk.bytes.length
    const isSmall = chunk.bytes.length === SMALL_CHUNK_BYTES
    const free = isSmall ? this.#small : this.#large
    if (free.length < (isSmall ? SMALL_CHUNK_FREE_COUNT_MAX : LARGE_CHUNK_FREE_COUNT_MAX)) free.push(chunk)
  }
}
