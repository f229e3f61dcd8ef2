// A worker's reports on their way to the main thread. Few are posted one by one, before the answer that they are about leaves; many are
// gathered and posted in batches. Whatever happens on the network, neither the main thread's time nor its memory is used up: refusals
// are bounded per second, batches that were not read yet are few, and what waits here is bounded too. Counts are exact all the same:
// they go through shared memory.
import { LineLimiter } from '../line-limiter.js'
import type { Report, ReportSink } from '../reports.js'
import { type Statistics, WORD_BATCHES_READ, WORD_REPORTS_LOST } from '../statistics.js'

/** Refusals in one second that are reported one by one: far more than are logged, so that the main thread chooses. */
const REFUSALS_PER_SECOND_MAX = 1000
/** The same of one source. */
const REFUSALS_PER_SOURCE_MAX = 250
/** And of connections that asked for nothing. */
const CONNECTION_REFUSALS_PER_SECOND_MAX = 200
const CONNECTION_REFUSALS_PER_SOURCE_MAX = 50
/** Batches posted in one tick (10 ms); what comes then waits for the next one. */
const BATCHES_PER_TICK_MAX = 16
const BATCHES_UNREAD_MAX = 64
/** As many as a worker has relays at most: the end of all of them at once fits. */
const REPORTS_WAITING_MAX = 65_536

export class Outbox implements ReportSink {
  readonly #statistics: Statistics
  readonly #post: (reports: readonly Report[]) => void
  readonly #limiter = new LineLimiter(REFUSALS_PER_SECOND_MAX, REFUSALS_PER_SOURCE_MAX)
  readonly #connectionLimiter = new LineLimiter(CONNECTION_REFUSALS_PER_SECOND_MAX, CONNECTION_REFUSALS_PER_SOURCE_MAX)
  #waiting: Report[] = []
  #batchesPosted: number
  #tick = 0
  #batchesInTick = 0

  constructor(statistics: Statistics, post: (reports: readonly Report[]) => void) {
    this.#statistics = statistics
    this.#post = post
    // A predecessor's batches were all read, or never will be.
    this.#batchesPosted = Atomics.load(statistics.words, WORD_BATCHES_READ)
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  admitsRefusal(client: string, timeMs: number): boolean {
    return this.#waiting.length < REPORTS_WAITING_MAX && this.#limiter.admits(client, timeMs)
  }

  admitsConnectionRefusal(client: string, timeMs: number): boolean {
    return this.#waiting.length < REPORTS_WAITING_MAX && this.#connectionLimiter.admits(client, timeMs)
  }

  report(report: Report): void {
    if (this.#waiting.length < REPORTS_WAITING_MAX) this.#waiting.push(report)
    else this.#statistics.words[WORD_REPORTS_LOST]++
    this.#postIfAllowed()
  }

  /** The time has come so far, in ticks of the core: posts what waits, if the main thread keeps up. */
  advance(now: number): void {
    if (now !== this.#tick) {
      this.#tick = now
      this.#batchesInTick = 0
    }
    if (this.#waiting.length > 0) this.#postIfAllowed()
  }

  /** Posts what waits: the worker ends. */
  flushLast(): void {
    if (this.#waiting.length > 0) this.#postAll()
  }

  #postIfAllowed(): void {
    if (this.#batchesInTick >= BATCHES_PER_TICK_MAX) return
    const unread = (this.#batchesPosted - Atomics.load(this.#statistics.words, WORD_BATCHES_READ)) | 0
    if (unread < BATCHES_UNREAD_MAX) this.#postAll()
  }

  #postAll(): void {
    this.#post(this.#waiting)
    this.#waiting = []
    this.#batchesPosted = (this.#batchesPosted + 1) | 0
    this.#batchesInTick++
  }
}
