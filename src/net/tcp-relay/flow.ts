// One direction of a data connection (RFC 6062 §5.4): what one side sends, the other one gets, as fast as it reads and as limits allow.

import type { Duplex } from 'node:stream'
import {
  FLOW_ADMISSION_BYTES_MAX,
  FLOW_MEMORY_BYTES_MAX,
  FLOW_QUEUED_BYTES_MAX,
  QUEUE_SHARE_COUNT,
} from '../../limits/streams.js'

/** What waits in memory for all sides that do not read, of one worker. */
export class FlowMemory {
  usedBytes = 0
  readonly #bytesMax: number

  constructor(bytesMax = FLOW_MEMORY_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** How much may wait for one side now. */
  get shareBytes(): number {
    return Math.min(FLOW_QUEUED_BYTES_MAX, (this.#bytesMax - this.usedBytes) / QUEUE_SHARE_COUNT)
  }
}

/** May so many bytes pass now? */
export type Admit = (length: number) => boolean

export class Flow {
  /** Since start. */
  bytesReceived = 0
  readonly source: Duplex
  readonly sink: Duplex
  readonly #admit: Admit
  /** Flows that hold something back; their owner calls retry(). */
  readonly #throttled: Set<Flow>
  readonly #memory: FlowMemory
  /** What of it is this flow's, as it was last looked at. */
  #waitingBytes = 0
  /** The rest of a chunk that may not pass yet; the source is paused meanwhile. */
  #held: Uint8Array | null = null
  #isSinkFull = false
  /** The source has sent its last byte. */
  #isEnded = false

  constructor(source: Duplex, sink: Duplex, admit: Admit, throttled: Set<Flow>, memory: FlowMemory) {
    this.source = source
    this.sink = sink
    this.#admit = admit
    this.#throttled = throttled
    this.#memory = memory
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** @param first bytes that were received before */
  start(first: Uint8Array): void {
    // A stream that was paused stays so when it gets a listener.
    this.source.pause()
    this.source.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.source.on('end', () => this.#end())
    this.sink.on('drain', () => {
      this.#isSinkFull = false
      this.#noteWaiting()
      this.#resume()
    })
    this.sink.once('close', () => this.#noteWaiting())
    if (first.length > 0) this.#receive(first)
    if (this.source.readableEnded) this.#end()
    else this.#resume()
  }

  /** Asks again for what is held back. */
  retry(): void {
    const held = this.#held
    this.#held = null
    if (held !== null) this.#forward(held)
    if (this.#held !== null) return
    this.#throttled.delete(this)
    if (this.#isEnded) this.sink.end()
    else this.#resume()
  }

  /** Nothing is forwarded any more. */
  stop(): void {
    this.#held = null
    this.#throttled.delete(this)
  }

  #receive(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length
    this.#forward(chunk)
  }

  #forward(chunk: Uint8Array): void {
    const admitted = this.#admitted(chunk.length)
    if (admitted === chunk.length) this.sink.write(chunk)
    else {
      if (admitted > 0) this.sink.write(chunk.subarray(0, admitted))
      this.#held = chunk.subarray(admitted)
      this.#throttled.add(this)
      this.source.pause()
    }
    this.#noteWaiting()
    // A stream whose own bound is higher would not tell when it has drained.
    if (this.sink.writableNeedDrain && this.#waitingBytes > this.#memory.shareBytes) {
      this.#isSinkFull = true
      this.source.pause()
    }
  }

  #noteWaiting(): void {
    const waiting = this.sink.destroyed ? 0 : this.sink.writableLength
    this.#memory.usedBytes += waiting - this.#waitingBytes
    this.#waitingBytes = waiting
  }

  /** How many of so many bytes may pass now. */
  #admitted(length: number): number {
    let admitted = 0
    while (admitted < length) {
      const piece = Math.min(length - admitted, FLOW_ADMISSION_BYTES_MAX)
      if (!this.#admit(piece)) break
      admitted += piece
    }
    return admitted
  }

  #end(): void {
    this.#isEnded = true
    if (this.#held === null) this.sink.end()
  }

  #resume(): void {
    if (this.#held === null && !this.#isSinkFull && !this.#isEnded) this.source.resume()
  }
}
