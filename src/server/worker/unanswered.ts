// The main thread's side of questions to one worker: which of them wait for an answer. None waits for ever: a worker answers, dies, or has been
// silent for too long.
import { AdminProblem } from '../../admin/administered.js'
import { QUESTION_UNANSWERED_COUNT_MAX, WORKER_ANSWER_MILLISECONDS_MAX } from '../../limits/reports.js'
import type { Answer, AnyQuestion, PartOf } from './questions.js'

interface Waiting {
  readonly parts: Answer['part'][]
  readonly timer: NodeJS.Timeout
  resolve(parts: readonly Answer['part'][]): void
}

export class Unanswered {
  readonly #whose: string
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  /** @param whose for people: `worker 0` */
  constructor(whose: string) {
    this.#whose = whose
  }

  /**
   * Resolves with the parts of the answer, none if the worker dies before the last of them. Rejects with an AdminProblem if it is silent for
   * too long, or has too much to answer.
   * @param send hands the question to the worker
   */
  ask<Asked extends AnyQuestion>(send: (id: number) => void): Promise<readonly PartOf<Asked>[]> {
    if (this.#waiting.size >= QUESTION_UNANSWERED_COUNT_MAX) {
      return Promise.reject(this.#problem('has too much to answer'))
    }
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(this.#problem('does not answer'))
      }, WORKER_ANSWER_MILLISECONDS_MAX)
      // The worker answers what it was asked: the parts are of that kind.
      this.#waiting.set(id, { parts: [], timer, resolve: resolve as Waiting['resolve'] })
      send(id)
    })
  }

  /** What comes after its time has come for nobody. */
  handle({ id, isLast, part }: Answer): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    waiting.parts.push(part)
    if (isLast) this.#end(id, waiting, waiting.parts)
    else waiting.timer.refresh()
  }

  /** The worker has ended: what it was asked about went with it. */
  giveUp(): void {
    for (const [id, waiting] of this.#waiting) this.#end(id, waiting, [])
  }

  #end(id: number, { resolve, timer }: Waiting, parts: readonly Answer['part'][]): void {
    clearTimeout(timer)
    this.#waiting.delete(id)
    resolve(parts)
  }

  #problem(what: string): AdminProblem {
    return new AdminProblem(503, 'TURND_ERR_BUSY', `${this.#whose} ${what}: try again in a few seconds`)
  }
}
