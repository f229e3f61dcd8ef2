// A program that runs beside a test and says what it does, a line each: when it said what is kept. It ends with its test.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Closing } from './closing.js'
import { withDeadline } from './deadline.js'
import { onProcessEnd } from './process-end.js'

const READY_MILLISECONDS_MAX = 60_000
const STOP_MILLISECONDS_MAX = 60_000

export interface DaemonLine {
  readonly timeMs: number
  readonly text: string
}

export interface DaemonOptions {
  /** It is ready when it has said this. */
  readonly ready: RegExp
  readonly env?: Readonly<Record<string, string>>
}

/** Resolves when it is ready; rejects with what it said instead. */
export async function startDaemon(t: Closing, command: readonly string[], options: DaemonOptions): Promise<Daemon> {
  const daemon = new Daemon(command, options)
  t.teardown(() => daemon.stop())
  await daemon.waitFor(options.ready, READY_MILLISECONDS_MAX)
  return daemon
}

export class Daemon {
  /** Of stdout and stderr. */
  readonly lines: DaemonLine[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #listeners = new Set<(line: DaemonLine) => void>()

  constructor(command: readonly string[], { env }: DaemonOptions) {
    const [file, ...args] = command
    this.#child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '', ...env },
    })
    const forget = onProcessEnd(() => this.#child.kill('SIGKILL'))
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#handleLine(error.message)
        resolve()
      })
      this.#child.once('close', () => resolve())
    })
    this.#exited.finally(forget)
    for (const input of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input }).on('line', (text) => this.#handleLine(text))
    }
  }

  get pid(): number {
    return this.#child.pid!
  }

  get output(): string {
    return this.lines.map(({ text }) => text).join('\n')
  }

  /** The first line, past or future, of this form. */
  waitFor(form: RegExp, milliseconds: number): Promise<DaemonLine> {
    const past = this.lines.find(({ text }) => form.test(text))
    if (past !== undefined) return Promise.resolve(past)
    let listener: (line: DaemonLine) => void
    const future = new Promise<DaemonLine>((found, reject) => {
      listener = (line) => {
        if (form.test(line.text)) found(line)
      }
      this.#listeners.add(listener)
      this.#exited.then(() => reject(new Error(`${this.#name} ended before it said ${form}:\n${this.output}`)))
    })
    return withDeadline(future, milliseconds, () => `${this.#name} did not say ${form}:\n${this.output}`).finally(() =>
      this.#listeners.delete(listener),
    )
  }

  /** SIGTERM, and SIGKILL after a while. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MILLISECONDS_MAX)
    await this.#exited.finally(() => clearTimeout(killer))
  }

  get #name(): string {
    return this.#child.spawnargs.join(' ')
  }

  #handleLine(text: string): void {
    const line = { timeMs: Date.now(), text }
    this.lines.push(line)
    for (const listener of this.#listeners) listener(line)
  }
}
