// One direction of a data connection (RFC 6062 §5.4): what one side sends, the other one gets, as fast as it reads and as limits allow.

import type { Duplex } from 'node:stream'
import { FLOW_ADMISSION_BYTES_MAX, FLOW_QUEUED_BYTES_MAX } from '../../limits/streams.js'

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
  /** The rest of a chunk that may not pass yet; the source is paused meanwhile. */
  #held: Uint8Array | null = null
  #isSinkFull = false
  /** The source has sent its last byte. */
  #isEnded = false

  constructor(source: Duplex, sink: Duplex, admit: Admit, throttled: Set<Flow>) {
    this.source = source
    this.sink = sink
    this.#admit = admit
    this.#throttled = throttled
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
      this.#resume()
    })
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
    // A stream whose own bound is higher would not tell when it has drained.
    if (this.sink.writableNeedDrain && this.sink.writableLength > FLOW_QUEUED_BYTES_MAX) {
      this.#isSinkFull = true
      this.source.pause()
    }
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
