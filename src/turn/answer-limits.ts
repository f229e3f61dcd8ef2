// How many answers a source gets that has proved nothing (docs/security.md): the reply limiter keeps this server from being the mirror
// of a reflection attack, the failure budget from being asked for passwords all day. Both are asked before an answer is written, so
// none costs a nonce that is not sent. Requests with the right key never come here, with a stale nonce neither.
//
// Reply limit     UDP only, where a source may be forged: Binding answers, challenges, failures
// Failure budget  every transport: requests whose credentials are wrong or malformed; challenges are no failures
import { FAILURE_COUNT_MAX, FAILURE_PERIOD_SECONDS, UNAUTHENTICATED_BURST_SECONDS } from '../limits/turn.js'
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'
import { TICKS_PER_SECOND } from './allocation.js'
import { DROP_FAILURE_BUDGET, DROP_NONE, DROP_REPLY_LIMIT } from './drop-reasons.js'
import { type FiveTuple, TRANSPORT_UDP } from './five-tuple.js'
import type { KeyedHash } from './keyed-hash.js'
import { SourceTable } from './source-table.js'

export interface AnswerLimitOptions {
  /** Answers a second and source; 0: no limit, which leaves the failure budget. */
  readonly unauthenticatedRate: number
  /** Otherwise clients of 127.0.0.0/8 and ::1 are exempt from both. */
  readonly limitsLoopback: boolean
  readonly hash: KeyedHash
  readonly replies: SharedArrayBuffer
  readonly failures: SharedArrayBuffer
}

export class AnswerLimits {
  readonly #repliesMemory: SharedArrayBuffer
  readonly #failures: SourceTable
  #replies: SourceTable | null
  #limitsLoopback: boolean
  readonly #hash: KeyedHash

  constructor({ unauthenticatedRate, limitsLoopback, hash, replies, failures }: AnswerLimitOptions) {
    this.#repliesMemory = replies
    this.#replies = repliesTable(unauthenticatedRate, replies)
    const failuresPerSecond = FAILURE_COUNT_MAX / FAILURE_PERIOD_SECONDS
    this.#failures = new SourceTable(failuresPerSecond, FAILURE_COUNT_MAX, TICKS_PER_SECOND, failures)
    this.#limitsLoopback = limitsLoopback
    this.#hash = hash
  }

  /** From now on; what sources have had so far still counts against them. */
  setRate(unauthenticatedRate: number, limitsLoopback: boolean): void {
    this.#replies = repliesTable(unauthenticatedRate, this.#repliesMemory)
    this.#limitsLoopback = limitsLoopback
  }

  /** False for a source that has used up its failures: nobody is asked about the names that it tries. */
  mayFail({ client }: FiveTuple, now: number): boolean {
    if (!this.#limitsLoopback && isLoopback(client)) return true
    const { low, high } = this.#hash.hashSource(client)
    return this.#failures.hasRoom(low, high, now)
  }

  /**
   * 0 if this client may be answered, which is counted, or the DROP_ reason.
   * @param isFailure the answer refuses credentials
   * @param now ticks of CLOCK_MONOTONIC
   */
  dropOf({ client, transport }: FiveTuple, isFailure: boolean, now: number): number {
    if (!this.#limitsLoopback && isLoopback(client)) return DROP_NONE
    const { low, high } = this.#hash.hashSource(client)
    if (isFailure && !this.#failures.admit(low, high, now)) return DROP_FAILURE_BUDGET
    if (this.#replies === null || transport !== TRANSPORT_UDP) return DROP_NONE
    return this.#replies.admit(low, high, now) ? DROP_NONE : DROP_REPLY_LIMIT
  }
}

/** @param perSecond 0 for no limit */
function repliesTable(perSecond: number, memory: SharedArrayBuffer): SourceTable | null {
  if (perSecond === 0) return null
  return new SourceTable(perSecond, perSecond * UNAUTHENTICATED_BURST_SECONDS, TICKS_PER_SECOND, memory)
}

function isLoopback({ family, word0, word1, word2, word3 }: TransportAddress): boolean {
  if (family === FAMILY_IPV6) return word0 === 0 && word1 === 0 && word2 === 0 && word3 === 1
  return word0 >>> 24 === 127
}
