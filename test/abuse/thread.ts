// A worker thread that is asked and answers, one question after the other or several at once: the innocents and the attacker each have one.
import { parentPort, Worker, workerData } from 'node:worker_threads'

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Reply {
  readonly id: number
  readonly value: unknown
  readonly error: string | null
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

export class Thread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 0
  #end: Error | null = null

  /** @param file a compiled module beside this one, which calls answer() */
  constructor(file: string, data: unknown) {
    this.#worker = new Worker(new URL(`./${file}`, import.meta.url), {
      workerData: data,
      // Without the test runner's loaders.
      execArgv: [],
      env: { PATH: process.env.PATH },
    })
    this.#worker.on('message', ({ id, value, error }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === null) waiting?.resolve(value as never)
      else waiting?.reject(new Error(error))
    })
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', (code) => this.#fail(new Error(`${file} ended with ${code}`)))
  }

  ask<Value>(name: string, argument: unknown = null): Promise<Value> {
    if (this.#end !== null) return Promise.reject(this.#end)
    const id = this.#nextId++
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, name, argument } satisfies Question)
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    this.#end ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** In the thread: a function for each question. They are called with the thread's data and the question's argument. */
export function answer<Data>(
  functions: Readonly<Record<string, (data: Data, argument: never) => Promise<unknown> | unknown>>,
): void {
  const port = parentPort
  if (port === null) throw new Error('this is no worker thread')
  port.on('message', async ({ argument, id, name }: Question) => {
    try {
      port.postMessage({ id, value: await functions[name](workerData as Data, argument as never), error: null })
    } catch (error) {
      port.postMessage({ id, value: null, error: (error as Error).stack ?? String(error) })
    }
  })
}
