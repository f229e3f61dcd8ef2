// The time that an operation of several steps has in all, and whoever may give up on it before.
import { ClientError } from './client-error.js'

export class Deadline {
  readonly #milliseconds: number
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  readonly #abort = () => this.#end('aborted')
  #ended: 'no-answer' | 'aborted' | null = null
  readonly #waiting = new Set<(ended: 'no-answer' | 'aborted') => void>()

  constructor(milliseconds: number, signal?: AbortSignal) {
    this.#milliseconds = milliseconds
    this.#signal = signal
    this.#timer = setTimeout(() => this.#end('no-answer'), milliseconds)
    signal?.addEventListener('abort', this.#abort, { once: true })
    if (signal?.aborted) this.#end('aborted')
  }

  /** The same promise, unless the time ends first: then a ClientError `no-answer`, with this sentence, or `aborted`. What the promise does later is lost. */
  race<Value>(promise: Promise<Value>, sentence: string): Promise<Value> {
    return new Promise((resolve, reject) => {
      const end = (ended: 'no-answer' | 'aborted') => {
        const late = `${sentence} within ${this.#milliseconds / 1000} s`
        reject(new ClientError(ended, ended === 'aborted' ? 'given up' : late))
      }
      if (this.#ended !== null) end(this.#ended)
      this.#waiting.add(end)
      promise.then(resolve, reject).finally(() => this.#waiting.delete(end))
    })
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#abort)
  }

  #end(ended: 'no-answer' | 'aborted'): void {
    this.#ended ??= ended
    for (const end of this.#waiting) end(this.#ended)
  }
}
