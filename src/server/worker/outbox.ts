// A worker's reports on their way to the main thread. Few are posted one by one, before the answer that they are about leaves; many are
// gathered and posted in batches. Whatever happens on the network, neither the main thread's time nor its memory is used up: refusals
// are bounded per second, batches that were not read yet are few, and what waits here is bounded too. Counts are exact all the same:
// they go through shared memory.
import {
  BATCH_OF_TICK_COUNT_MAX,
  BATCH_UNREAD_COUNT_MAX,
  CONNECTION_REFUSALS_OF_SOURCE_PER_SECOND_MAX,
  CONNECTION_REFUSALS_PER_SECOND_MAX,
  REFUSALS_OF_SOURCE_PER_SECOND_MAX,
  REFUSALS_PER_SECOND_MAX,
  REPORT_BATCH_COUNT_MAX,
  REPORT_WAITING_COUNT_MAX,
  STRANGER_REFUSALS_OF_SOURCE_PER_SECOND_MAX,
  STRANGER_REFUSALS_PER_SECOND_MAX,
} from '../../limits/reports.js'
import { LineLimiter } from '../../log/line-limiter.js'
import { isOfStrangers, type RefusalReason } from '../../log/refusals.js'
import type { Report, ReportSink } from '../reports.js'
import { type Statistics, WORD_BATCHES_READ, WORD_REPORTS_LOST } from '../statistics.js'

export class Outbox implements ReportSink {
  readonly #statistics: Statistics
  readonly #post: (reports: readonly Report[]) => void
  readonly #limiter = new LineLimiter(REFUSALS_PER_SECOND_MAX, REFUSALS_OF_SOURCE_PER_SECOND_MAX)
  /** A part of the same room. */
  readonly #strangersLimiter = new LineLimiter(
    STRANGER_REFUSALS_PER_SECOND_MAX,
    STRANGER_REFUSALS_OF_SOURCE_PER_SECOND_MAX,
  )
  readonly #connectionLimiter = new LineLimiter(
    CONNECTION_REFUSALS_PER_SECOND_MAX,
    CONNECTION_REFUSALS_OF_SOURCE_PER_SECOND_MAX,
  )
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

  admitsRefusal(reason: RefusalReason, client: string, timeMs: number): boolean {
    if (this.#waiting.length >= REPORT_WAITING_COUNT_MAX) return false
    if (isOfStrangers(reason) && !this.#strangersLimiter.admits(client, timeMs)) return false
    return this.#limiter.admits(client, timeMs)
  }

  admitsConnectionRefusal(client: string, timeMs: number): boolean {
    return this.#waiting.length < REPORT_WAITING_COUNT_MAX && this.#connectionLimiter.admits(client, timeMs)
  }

  report(report: Report): void {
    if (this.#waiting.length < REPORT_WAITING_COUNT_MAX) this.#waiting.push(report)
    else this.#statistics.words[WORD_REPORTS_LOST]++
    this.#postIfAllowed()
  }

  /** The time has come so far, in ticks of the core: posts what waits, if the main thread keeps up. */
  advance(now: number): void {
    if (now !== this.#tick) {
      this.#tick = now
      this.#batchesInTick = 0
    }
    this.#postIfAllowed()
  }

  /** Posts what waits: the worker ends. */
  flushLast(): void {
    while (this.#waiting.length > 0) this.#postBatch()
  }

  #postIfAllowed(): void {
    while (this.#waiting.length > 0 && this.#batchesInTick < BATCH_OF_TICK_COUNT_MAX) {
      const unread = (this.#batchesPosted - Atomics.load(this.#statistics.words, WORD_BATCHES_READ)) | 0
      if (unread >= BATCH_UNREAD_COUNT_MAX) return
      this.#postBatch()
    }
  }

  /** The oldest of them: where the main thread does not keep up, what it has not read is bounded by number, too. */
  #postBatch(): void {
    if (this.#waiting.length <= REPORT_BATCH_COUNT_MAX) {
      this.#post(this.#waiting)
      this.#waiting = []
    } else this.#post(this.#waiting.splice(0, REPORT_BATCH_COUNT_MAX))
    this.#batchesPosted = (this.#batchesPosted + 1) | 0
    this.#batchesInTick++
  }
}
