// The CMS stand-in (cms/main.ts) as a process of a test or of the lab: started in a namespace, its lines read, ended with `t`.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Closing } from '../support/closing.js'
import { withDeadline } from '../support/deadline.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'

const READY_MILLISECONDS_MAX = 60_000
const STOP_MILLISECONDS_MAX = 60_000

export type StandInLine = Readonly<Record<string, unknown>> & { readonly event: string }

export interface StandInOptions {
  /** What it is run by, such as `ip netns exec cms`. */
  readonly prefix?: readonly string[]
}

/** Resolves when it listens. @param args as its --help has them */
export async function startStandIn(
  t: Closing,
  args: readonly string[],
  options: StandInOptions = {},
): Promise<StandIn> {
  const standIn = new StandIn(args, options)
  t.teardown(() => standIn.stop())
  const { url } = await standIn.waitFor(({ event }) => event === 'ready', READY_MILLISECONDS_MAX)
  standIn.url = String(url)
  return standIn
}

export class StandIn {
  /** For --http-upstream. */
  url = ''
  /** Everything that it has told so far. */
  readonly lines: StandInLine[] = []
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  readonly #waiters = new Set<(line: StandInLine) => void>()
  #errors = ''

  constructor(args: readonly string[], { prefix = [] }: StandInOptions) {
    const program = [
      process.execPath,
      '--enable-source-maps',
      join(projectRoot, 'build', 'test', 'lab', 'cms', 'main.js'),
    ]
    // `env -u`: tap instruments the Node processes that its tests start.
    const [file, ...rest] = [...prefix, 'env', '-u', 'NODE_OPTIONS', ...program, ...args]
    this.#child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '' } })
    const forget = onProcessEnd(() => this.#child.kill('SIGKILL'))
    this.#closed = new Promise<void>((resolve) => {
      this.#child.once('error', (error) => {
        this.#errors += error.message
        resolve()
      })
      this.#child.once('close', () => resolve())
    }).finally(forget)
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    createInterface({ input: this.#child.stdout! }).on('line', (text) => {
      const line = JSON.parse(text) as StandInLine
      this.lines.push(line)
      for (const waiter of this.#waiters) waiter(line)
    })
  }

  /** The lines that an operator of a CMS would see. */
  get log(): string[] {
    return this.linesOf('log').map(({ text }) => String(text))
  }

  linesOf(event: string): StandInLine[] {
    return this.lines.filter((line) => line.event === event)
  }

  /** The first line, past or future. */
  waitFor(predicate: (line: StandInLine) => boolean, milliseconds = 60_000): Promise<StandInLine> {
    const past = this.lines.find(predicate)
    if (past !== undefined) return Promise.resolve(past)
    const future = new Promise<StandInLine>((found, reject) => {
      const waiter = (line: StandInLine) => {
        if (!predicate(line)) return
        this.#waiters.delete(waiter)
        found(line)
      }
      this.#waiters.add(waiter)
      void this.#closed.then(() => reject(new Error(`the stand-in ended: ${this.#errors}`)))
    })
    return withDeadline(future, milliseconds, () => `no such line of the stand-in:\n${this.#told()}`)
  }

  /** The first line of its log with this text in it. */
  waitForLog(text: string, milliseconds?: number): Promise<StandInLine> {
    return this.waitFor((line) => line.event === 'log' && String(line.text).includes(text), milliseconds)
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MILLISECONDS_MAX)
    await this.#closed.finally(() => clearTimeout(killer))
  }

  #told(): string {
    return [...this.lines.map((line) => JSON.stringify(line)), this.#errors].join('\n')
  }
}
