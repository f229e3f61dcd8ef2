// One outside store as it is asked: each look-up has its time, and a store that is silent again and again rests, so that nobody waits for it. One that
// fails at once does not: nobody waits, and a name that a store cannot answer, which anybody may know, must not keep others out. The log says
// when it is down and when it is up again. Alarms read the same, and what a store sees of its server by itself, while nobody asks.
import { hasState, type OutsideAnswer, type OutsideQuery, type OutsideStore } from '../auth/outside-store.js'
import { STORE_FAILURE_COUNT_MAX, STORE_PATIENCE_MILLISECONDS, STORE_REST_SECONDS } from '../limits/outside.js'
import type { Logger } from '../log/logger.js'

export class WatchedStore {
  readonly store: OutsideStore
  readonly #logger: Logger
  readonly #nowMs: () => number
  #failureCount = 0
  /** Of them, those that took long. */
  #silenceCount = 0
  /** When it failed for the last time, and did not answer since. */
  #failedAtMs = 0
  #downSinceMs = 0
  #problem = ''
  /** Somebody tries whether it is up again. */
  #isTried = false
  #isClosed = false
  /** By the store itself. */
  #ownProblem = ''

  constructor(store: OutsideStore, logger: Logger, nowMs: () => number) {
    this.store = store
    this.#logger = logger
    this.#nowMs = nowMs
    if (!hasState(store)) return
    this.#ownProblem = store.problem ?? ''
    store.onProblem = (problem) => this.#noteState(problem)
  }

  /** What is wrong with it, a sentence; '' while it answers. */
  get problem(): string {
    return this.#isDown ? this.#problem : this.#ownProblem
  }

  /** Why it could not say the last time that it could not, a sentence. */
  get lastProblem(): string {
    return this.#problem
  }

  /** Whoever asks now hears nothing, but for one now and then. */
  get isSilent(): boolean {
    return this.#silenceCount >= STORE_FAILURE_COUNT_MAX
  }

  get #isDown(): boolean {
    return this.#failureCount >= STORE_FAILURE_COUNT_MAX
  }

  /** null: it cannot say. At once, while it rests. */
  async lookup(query: OutsideQuery, milliseconds: number): Promise<OutsideAnswer | null> {
    if (this.isSilent) {
      if (this.#isTried || this.#nowMs() - this.#failedAtMs < STORE_REST_SECONDS * 1000) return null
      this.#isTried = true
    }
    const beganAtMs = this.#nowMs()
    try {
      const answer = await answerWithin(this.store, query, milliseconds)
      this.#noteAnswer()
      return answer
    } catch (error) {
      if (this.#nowMs() - beganAtMs >= STORE_PATIENCE_MILLISECONDS) this.#silenceCount++
      this.#noteFailure(error instanceof Error ? error.message : String(error))
      return null
    } finally {
      this.#isTried = false
    }
  }

  /** Look-ups that this ends say nothing of the store. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.store.close()
  }

  /** Nobody need ask first for it to be up. */
  #noteState(problem: string | null): void {
    this.#ownProblem = problem ?? ''
    if (problem === null) this.#noteAnswer()
  }

  #noteAnswer(): void {
    if (this.#isDown) {
      const seconds = Math.round((this.#nowMs() - this.#downSinceMs) / 1000)
      const { name } = this.store
      this.#logger.info({ event: 'user-store-up', store: name, seconds }, `${name} answers again, after ${seconds} s`)
    }
    this.#failureCount = 0
    this.#silenceCount = 0
  }

  #noteFailure(problem: string): void {
    this.#problem = problem
    if (this.#isClosed) return
    const wasDown = this.#isDown
    this.#failedAtMs = this.#nowMs()
    if (this.#failureCount === 0) this.#downSinceMs = this.#failedAtMs
    this.#failureCount++
    if (wasDown || !this.#isDown) return
    const { name } = this.store
    const text = `${name} fails: ${problem}; users whom it knew go on, others are refused with 500`
    this.#logger.warn({ event: 'user-store-down', store: name, problem }, text)
  }
}

/** A store that does not heed its signal is not waited for either. */
function answerWithin(store: OutsideStore, query: OutsideQuery, milliseconds: number): Promise<OutsideAnswer> {
  const controller = new AbortController()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new Error(`no answer within ${milliseconds / 1000} s (--lookup-timeout)`)
      controller.abort(error)
      reject(error)
    }, milliseconds)
    store
      .lookup(query, controller.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
