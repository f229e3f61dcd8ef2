// The built server (dist/turnd.js) as its own process, the way an operator runs it: arguments in, JSON log lines out.
// Used by tests that need a real server. Each has a fresh state directory and is ended with its test.
//
// Relay ports of parallel test files must not collide: each file takes its own slice with --min-port and --max-port.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Closing } from './closing.js'
import { withDeadline } from './deadline.js'
import { DGRAM, type EngineUnderTest } from './engines.js'
import { onProcessEnd } from './process-end.js'
import { projectRoot } from './project-root.js'

/** A start that falls back to the other engine has waited for workers that hang. */
const READY_MILLISECONDS_MAX = 90_000
/** Nothing here waits for it but a test that fails: a machine may have much else to do. */
const WAIT_MILLISECONDS_MAX = 60_000
/**
 * Each worker costs a quarter of a second of a processor at each start, the native engine's self-test as much, and the tests have hundreds of starts:
 * what says nothing of engines is the same with the one that needs neither, and runs on the machine's own in the long form.
 */
const ENGINE_IN_TIME = process.env.TURND_TEST_LONG === '1' ? [] : DGRAM.args
const WORKERS_IN_TIME = process.env.TURND_TEST_LONG === '1' ? [] : ['--workers', '1']
/** What chooses the engine, or needs one. */
const ENGINE_OPTIONS = ['--engine', '--workers', '--stream-workers', '--coturn-config']

export type LogLine = Readonly<Record<string, unknown>>

/** The `"event":"ready"` line. */
export interface ReadyLine extends LogLine {
  /** Such as `udp:127.0.0.1:40001`. */
  readonly listening: readonly string[]
  /** Such as `turn:127.0.0.1:40001?transport=udp`. */
  readonly uris: readonly string[]
  /** Such as `native`. */
  readonly engine: string
}

export interface ServerProcessOptions {
  /** What the command is run by, such as `ip netns exec NAME`; it must replace itself by the command. */
  readonly prefix?: readonly string[]
  /** Where the server is installed, if it is not this project. */
  readonly root?: string
  /** Kept after the end; a fresh one, removed at the end, if none is given. */
  readonly stateDirectory?: string
  /** Of node, before the program. */
  readonly nodeArguments?: readonly string[]
  /** Which lines of the log are read and kept, by their text; all if absent. A server may log millions. */
  readonly keepsLine?: (text: string) => boolean
}

interface LogWaiter {
  readonly predicate: (line: LogLine) => boolean
  readonly found: (line: LogLine) => void
}

/**
 * Starts the server, resolves when it is ready, and stops it when `t` ends. Without --drain-timeout it stops at once,
 * without --listen and --coturn-config it listens on a free UDP port of 127.0.0.1. Where time is short it runs on the dgram engine
 * when nothing is said of engines and workers, and with one worker of each kind when nothing is said of those. Rejects with its whole output when it does not get ready.
 */
export async function startServer(
  t: Closing,
  args: readonly string[],
  options: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const engine = ENGINE_OPTIONS.some((option) => args.includes(option)) ? [] : ENGINE_IN_TIME
  const workers = engine.length > 0 || args.includes('--workers') ? [] : WORKERS_IN_TIME
  const server = new ServerProcess([...engine, ...workers, ...args], options)
  t.teardown(() => server.stop())
  await server.waitUntilReady()
  return server
}

/** The same, on this engine and no other. */
export async function startServerOn(
  t: Closing,
  engine: EngineUnderTest,
  args: readonly string[],
  options: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const server = await startServer(t, [...engine.args, ...args], options)
  const { engine: name } = server.ready
  if (name !== engine.name) throw new Error(`asked for the ${engine.name} engine, the server runs on ${name}`)
  return server
}

export class ServerProcess {
  /** Every log line so far. */
  readonly logLines: LogLine[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  readonly #waiters = new Set<LogWaiter>()
  /** To be removed at the end; null if the caller keeps it. */
  readonly #stateDirectory: string | null
  readonly #keepsLine: (text: string) => boolean
  #output = ''
  #ready: ReadyLine | null = null

  constructor(args: readonly string[], options: ServerProcessOptions) {
    this.#stateDirectory = options.stateDirectory ? null : mkdtempSync(join(tmpdir(), 'turnd-test-'))
    const stateDirectory = options.stateDirectory ?? this.#stateDirectory!
    this.#keepsLine = options.keepsLine ?? (() => true)
    const program = [...(options.nodeArguments ?? []), join(options.root ?? projectRoot, 'dist', 'turnd.js')]
    // `env -u`: tap instruments the Node processes that its tests start, which would change how the server ends.
    const command = [...(options.prefix ?? []), 'env', '-u', 'NODE_OPTIONS', process.execPath, ...program]
    const [file = '', ...rest] = [...command, ...withDefaults(args), '--state-dir', stateDirectory]
    this.#child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '' } })
    const forget = onProcessEnd(() => {
      this.#child.kill('SIGKILL')
      this.#removeStateDirectory()
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#output += `${error.message}\n`
        resolve(null)
      })
      this.#child.once('close', (code) => resolve(code))
    })
    this.#exited.finally(() => {
      forget()
      this.#removeStateDirectory()
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#handleLine(line))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
  }

  /** Everything printed so far, on stdout and stderr. */
  get output(): string {
    return this.#output
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Once started. */
  get ready(): ReadyLine {
    if (this.#ready === null) throw new Error('the server is not ready')
    return this.#ready
  }

  /** The port of the first listener of `scheme`, or of the first on `host` (IPv6 in brackets). */
  port(host = '', scheme: 'udp' | 'tcp' | 'tls' | 'dtls' = 'udp'): number {
    const listener = this.ready.listening.find((name) => name.startsWith(`${scheme}:${host}`))
    const port = Number(/:(\d+)$/.exec(listener ?? '')?.[1])
    if (!port) throw new Error(`no ${scheme} listener on '${host}' among ${this.ready.listening.join(', ')}`)
    return port
  }

  /** The log lines of one event so far. */
  linesOf(event: string): LogLine[] {
    return this.logLines.filter((line) => line.event === event)
  }

  /** Nobody reads what it prints, until resumeOutput: the pipe fills up. */
  pauseOutput(): void {
    this.#child.stdout?.pause()
  }

  resumeOutput(): void {
    this.#child.stdout?.resume()
  }

  /** Resolves with the first log line, past or future, that satisfies `predicate`. */
  waitForLog(predicate: (line: LogLine) => boolean, milliseconds = WAIT_MILLISECONDS_MAX): Promise<LogLine> {
    const past = this.logLines.find(predicate)
    if (past) return Promise.resolve(past)
    const future = new Promise<LogLine>((found, reject) => {
      const waiter = { predicate, found }
      this.#waiters.add(waiter)
      this.#exited.then(() => reject(new Error(`the server ended before it logged this line:\n${this.#output}`)))
    })
    return withDeadline(future, milliseconds, () => `no such log line in\n${this.#output}`)
  }

  async waitUntilReady(milliseconds = READY_MILLISECONDS_MAX): Promise<void> {
    this.#ready = (await this.waitForLog((line) => line.event === 'ready', milliseconds)) as ReadyLine
  }

  /** Resolves with the exit code, null after an end by a signal, when the server ends by itself. */
  waitForExit(milliseconds = WAIT_MILLISECONDS_MAX): Promise<number | null> {
    return withDeadline(this.#exited, milliseconds, () => `the server still runs:\n${this.#output}`)
  }

  /** SIGTERM, and SIGKILL after the deadline. Resolves with the exit code, null after an end by a signal. */
  async stop(milliseconds = WAIT_MILLISECONDS_MAX): Promise<number | null> {
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), milliseconds)
    return this.#exited.finally(() => clearTimeout(killer))
  }

  #removeStateDirectory(): void {
    if (this.#stateDirectory !== null) rmSync(this.#stateDirectory, { recursive: true, force: true })
  }

  #handleLine(text: string): void {
    if (!this.#keepsLine(text)) return
    this.#output += `${text}\n`
    const line = parseLogLine(text)
    if (line === null) return
    this.logLines.push(line)
    for (const waiter of this.#waiters) {
      if (!waiter.predicate(line)) continue
      this.#waiters.delete(waiter)
      waiter.found(line)
    }
  }
}

function withDefaults(args: readonly string[]): string[] {
  const defaults: string[] = []
  if (!args.includes('--listen') && !args.includes('--coturn-config')) defaults.push('--listen', 'udp:127.0.0.1:0')
  if (!args.includes('--drain-timeout')) defaults.push('--drain-timeout', '0')
  if (!args.includes('--admin-listen')) defaults.push('--admin-listen', 'none')
  return [...defaults, ...args]
}

function parseLogLine(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? (value as LogLine | null) : null
  } catch {
    return null
  }
}
