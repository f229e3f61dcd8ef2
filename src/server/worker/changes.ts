// A worker's side of a reload: prepares a change, which may fail, and carries it out or lets it go.
import { TurndError, type TurndErrorCode } from '../../config/errors.js'
import type { Listener } from '../../net/engine.js'
import type { Answer, ReloadQuestion } from './questions.js'

type Change = Extract<ReloadQuestion, { kind: 'prepare' }>['change']

/** What remains to be done cannot fail. */
export interface PreparedChange {
  /** Allocations that end with their listeners. */
  readonly endingCount: number
  /** Those that this thread has opened itself, as they will be. */
  readonly listeners: readonly Listener[]
  /** @param change as it was prepared, but for the users: theirs are of this moment */
  commit(change: Change): void
  abandon(): void
}

/** At once or later: a loop that waits for packets alone has no later. */
type Preparing = PreparedChange | Promise<PreparedChange>

export class Changes {
  readonly #prepare: (change: Change) => Preparing
  readonly #post: (answer: Answer) => void
  #prepared: PreparedChange | null = null
  /** What is asked meanwhile waits. */
  #busy: Promise<void> | null = null

  /** @param prepare throws, or rejects with, a TurndError for what is the operator's to mend */
  constructor(prepare: (change: Change) => Preparing, post: (answer: Answer) => void) {
    this.#prepare = prepare
    this.#post = post
  }

  handle(id: number, question: ReloadQuestion): void {
    const begin = () => this.#begin(id, question)
    const later = this.#busy === null ? begin() : this.#busy.then(begin)
    if (later === null) return
    const busy = later.then(() => {
      if (this.#busy === busy) this.#busy = null
    })
    this.#busy = busy
  }

  /** Returns null if it is done already. */
  #begin(id: number, question: ReloadQuestion): Promise<void> | null {
    switch (question.kind) {
      case 'prepare':
        this.#abandon()
        return this.#answerPrepare(id, question.change)
      case 'commit':
        return this.#answerCommit(id, question.change)
      case 'abandon':
        this.#abandon()
        this.#answer(id, true)
        return null
    }
  }

  #answerPrepare(id: number, change: Change): Promise<void> | null {
    const onPrepared = (prepared: PreparedChange) => {
      this.#prepared = prepared
      const { endingCount, listeners } = prepared
      this.#answer(id, { problem: null, endingCount, listeners })
    }
    const onFailed = (error: unknown) => {
      if (!(error instanceof Error)) throw error
      const code: TurndErrorCode = error instanceof TurndError ? error.code : 'TURND_ERR_ENGINE'
      this.#answer(id, { problem: { code, message: error.message }, endingCount: 0, listeners: [] })
    }
    let preparing: Preparing
    try {
      preparing = this.#prepare(change)
    } catch (error) {
      onFailed(error)
      return null
    }
    if (preparing instanceof Promise) return preparing.then(onPrepared, onFailed)
    onPrepared(preparing)
    return null
  }

  /** Whoever began in between has prepared nothing. If it cannot do so now, it ends, and its successor begins with the new settings. */
  #answerCommit(id: number, change: Change): Promise<void> | null {
    const commit = (prepared: PreparedChange) => {
      this.#prepared = null
      prepared.commit(change)
      this.#answer(id, true)
    }
    const preparing = this.#prepared ?? this.#prepare(change)
    if (preparing instanceof Promise) return preparing.then(commit)
    commit(preparing)
    return null
  }

  #abandon(): void {
    this.#prepared?.abandon()
    this.#prepared = null
  }

  #answer(id: number, part: Answer['part']): void {
    this.#post({ kind: 'answer', id, part, isLast: true })
  }
}
