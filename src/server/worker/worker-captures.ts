// The captures of one worker: puts a tap in while there are some, and the core's own places back afterwards; posts what they record.
import { CAPTURE_BATCH_BYTES, CAPTURE_BATCH_UNREAD_COUNT_MAX } from '../../limits/captures.js'
import type { PeerHandler } from '../../net/engine.js'
import type { StreamCore } from '../../net/stream/client-streams-options.js'
import type { TransportAddress } from '../../stun/address.js'
import type { Allocation, Relay } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { TurnOutput } from '../../turn/output.js'
import { waysOf } from '../reports.js'
import { type Statistics, WORD_CAPTURES_READ } from '../statistics.js'
import type { CapturedPackets } from './capture-records.js'
import type { CaptureTarget } from './questions.js'
import { Recorder } from './recorder.js'
import { Tap } from './tap.js'

/** Where the packets of a core come from. */
export interface PacketSources {
  /** Frames of clients and datagrams of peers go there from now on: to the core itself, or to a tap before it. */
  handTo(clients: StreamCore, peers: PeerHandler): void
  /** Where this client has come to; null if it is gone. */
  localAddressOf(client: FiveTuple): TransportAddress | null
}

export interface WorkerCapturesOptions {
  readonly core: TurnCore
  readonly workerIndex: number
  readonly sources: PacketSources
  readonly statistics: Statistics
  post(packets: CapturedPackets): void
  /** advance() is to be called soon, whether any is running then or not. */
  requestRound(): void
}

export class WorkerCaptures {
  readonly #core: TurnCore
  readonly #workerIndex: number
  readonly #sources: PacketSources
  readonly #statistics: Statistics
  readonly #post: WorkerCapturesOptions['post']
  readonly #requestRound: () => void
  readonly #recorders = new Map<number, Recorder>()
  /** While there are captures. */
  #tap: Tap | null = null
  /** Where the core's effects go while there are none. */
  readonly #output: TurnOutput
  #postedCount: number
  #tick = 0
  /** A round is asked for: however many captures begin, one is enough. */
  #isRoundPending = false

  constructor(options: WorkerCapturesOptions) {
    const { core, post, requestRound, sources, statistics, workerIndex } = options
    this.#core = core
    this.#workerIndex = workerIndex
    this.#sources = sources
    this.#statistics = statistics
    this.#post = post
    this.#requestRound = requestRound
    this.#output = core.output
    // A predecessor's were all read, or never will be.
    this.#postedCount = Atomics.load(statistics.words, WORD_CAPTURES_READ)
  }

  get isRunning(): boolean {
    return this.#recorders.size > 0
  }

  /** Records from now on: a client and all its relays, or one relay. Of a TCP relay there are no packets: nothing is begun. */
  start(capture: number, allocation: Allocation, relay: Relay | null): CaptureTarget {
    const { fiveTuple, isTcp, username } = allocation
    const target = {
      ...waysOf(allocation),
      worker: this.#workerIndex,
      user: username,
      client: String(fiveTuple.client),
      local: String(this.#sources.localAddressOf(fiveTuple) ?? ''),
      relays: allocation.relays().map(({ address }) => String(address)),
    }
    if (relay !== null && isTcp) return target
    const recorder = new Recorder(capture, allocation, relay, (full) => this.#postRecords(full))
    this.#recorders.set(capture, recorder)
    this.#tapIn()
    this.#askForRound()
    return target
  }

  /** Posts the rest. False: there is no such capture here. */
  stop(capture: number): boolean {
    const recorder = this.#recorders.get(capture)
    if (recorder === undefined) return false
    this.#end(recorder)
    return true
  }

  /** Between rounds, while some are running. */
  advance(): void {
    this.#isRoundPending = false
    const isNewTick = this.#core.now !== this.#tick
    this.#tick = this.#core.now
    for (const recorder of this.#recorders.values()) {
      if (recorder.isGone) this.#end(recorder)
      else if (recorder.length > (isNewTick ? 0 : CAPTURE_BATCH_BYTES / 2)) this.#postRecords(recorder)
    }
    if (this.isRunning) this.#askForRound()
  }

  #askForRound(): void {
    if (this.#isRoundPending) return
    this.#isRoundPending = true
    this.#requestRound()
  }

  #tapIn(): void {
    if (this.#tap === null) {
      this.#tap = new Tap(this.#core, this.#output)
      this.#core.output = this.#tap
      this.#sources.handTo(this.#tap, this.#tap)
    }
    this.#tap.recorders = [...this.#recorders.values()]
  }

  #end(recorder: Recorder): void {
    this.#recorders.delete(recorder.capture)
    // Whatever waits to be read: it is one message more for each capture.
    this.#postNow(recorder)
    if (this.#recorders.size > 0) {
      this.#tapIn()
      return
    }
    this.#tap = null
    this.#core.output = this.#output
    this.#sources.handTo(this.#core, this.#core)
  }

  #postRecords(recorder: Recorder): boolean {
    const unreadCount = (this.#postedCount - Atomics.load(this.#statistics.words, WORD_CAPTURES_READ)) | 0
    if (unreadCount >= CAPTURE_BATCH_UNREAD_COUNT_MAX) return false
    this.#postNow(recorder)
    return true
  }

  #postNow(recorder: Recorder): void {
    const { capture, isGone, lostCount } = recorder
    this.#postedCount = (this.#postedCount + 1) | 0
    this.#post({ kind: 'captured', capture, records: recorder.take(), lostCount, isGone })
  }
}
