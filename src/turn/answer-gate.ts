// Whether a client that has proved nothing gets an answer, or has an outside store asked: the limits of answer-limits.ts, and who tells of sources
// that they hit. Floods are not described packet by packet.
import type { UnansweredReason } from '../log/drops.js'
import { TICKS_PER_SECOND } from './allocation.js'
import type { AnswerLimits } from './answer-limits.js'
import { DROP_FAILURE_BUDGET, DROP_NONE, DROP_REPLY_LIMIT } from './drop-reasons.js'
import type { FiveTuple } from './five-tuple.js'
import type { TurnObserver } from './output.js'

export class AnswerGate {
  /** Null: there is no limit. */
  readonly limits: AnswerLimits | null
  readonly #observer: TurnObserver
  /** When somebody was told last whom it hits, in ticks of CLOCK_MONOTONIC. */
  readonly #toldAt = { 'reply-limit': Number.NEGATIVE_INFINITY, 'failure-budget': Number.NEGATIVE_INFINITY }

  constructor(limits: AnswerLimits | null, observer: TurnObserver) {
    this.limits = limits
    this.#observer = observer
  }

  /**
   * 0 if this client may be answered, which is counted, or the DROP_ reason.
   * @param isFailure its credentials are wrong
   * @param now ticks of CLOCK_MONOTONIC
   */
  dropOfAnswer(client: FiveTuple, isFailure: boolean, now: number): number {
    const drop = this.limits === null ? DROP_NONE : this.limits.dropOf(client, isFailure, now)
    if (drop === DROP_REPLY_LIMIT) this.#tell('reply-limit', client, now)
    else if (drop === DROP_FAILURE_BUDGET) this.#tell('failure-budget', client, now)
    return drop
  }

  /** 0 if an outside store may be asked about the name that it gives, or the DROP_ reason: guessers are not to keep a database busy. */
  dropOfLookup(client: FiveTuple, now: number): number {
    if (this.limits === null || this.limits.mayFail(client, now)) return DROP_NONE
    this.#tell('failure-budget', client, now)
    return DROP_FAILURE_BUDGET
  }

  #tell(reason: UnansweredReason, { client }: FiveTuple, now: number): void {
    if (now < this.#toldAt[reason] + TICKS_PER_SECOND) return
    this.#toldAt[reason] = now
    this.#observer.unanswered(reason, client)
  }
}
