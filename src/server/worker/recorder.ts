// One capture in a worker: whose packets it is about, and those that were not posted yet.
import { CAPTURE_BATCH_BYTES, CAPTURED_LENGTH_MAX } from '../../limits/captures.js'
import type { TransportAddress } from '../../stun/address.js'
import { type Allocation, RELAY_CLOSED, type Relay } from '../../turn/allocation.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import { RECORD_HEADER_LENGTH, writeRecordHeader } from './capture-records.js'

export class Recorder {
  readonly capture: number
  /** Packets that found no room. */
  lostCount = 0
  readonly #allocation: Allocation
  /** The one relay that it is about; null: all of the allocation's, and its client. */
  readonly #relay: Relay | null
  readonly #relayIds: readonly number[]
  /** Posts what has been gathered. False: the main thread has too much to read. */
  readonly #makeRoom: (recorder: Recorder) => boolean
  /** Unix time of performance.now() 0. */
  readonly #startMs = Date.now() - performance.now()
  readonly #bytes = new Uint8Array(CAPTURE_BATCH_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  #end = 0

  constructor(capture: number, allocation: Allocation, relay: Relay | null, makeRoom: (recorder: Recorder) => boolean) {
    this.capture = capture
    this.#allocation = allocation
    this.#relay = relay
    this.#relayIds = (relay === null ? allocation.relays() : [relay]).map(({ id }) => id)
    this.#makeRoom = makeRoom
  }

  get length(): number {
    return this.#end
  }

  /** Nothing more will come. */
  get isGone(): boolean {
    return this.#relay === null ? this.#allocation.isDeleted : this.#relay.state === RELAY_CLOSED
  }

  isAboutClient(client: FiveTuple): boolean {
    if (this.#relay !== null) return false
    const { fiveTuple, mobile } = this.#allocation
    // Where its client has shown its ticket, too (RFC 8016).
    return fiveTuple.equals(client) || mobile?.ways.some((way) => way.fiveTuple.equals(client)) === true
  }

  isAboutRelay(relayId: number): boolean {
    return this.#relayIds.includes(relayId)
  }

  /** A packet in two parts, of which the first may be empty, and zeros behind them. */
  record(
    flags: number,
    remote: TransportAddress,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    padding = 0,
  ): void {
    const length = headerEnd + end - start + padding
    const kept = Math.min(length, CAPTURED_LENGTH_MAX)
    if (this.#end + RECORD_HEADER_LENGTH + kept > CAPTURE_BATCH_BYTES && !this.#makeRoom(this)) {
      this.lostCount++
      return
    }
    writeRecordHeader(this.#view, this.#end, this.#startMs + performance.now(), length, kept, flags, remote)
    const from = this.#end + RECORD_HEADER_LENGTH
    this.#end = from + kept
    this.#bytes.fill(0, from, this.#end)
    this.#bytes.set(header.subarray(0, headerEnd), from)
    this.#bytes.set(bytes.subarray(start, Math.min(end, start + kept - headerEnd)), from + headerEnd)
  }

  /** What has been gathered, as a copy. */
  take(): Uint8Array {
    const records = this.#bytes.slice(0, this.#end)
    this.#end = 0
    return records
  }
}
