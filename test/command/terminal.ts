// The command on a pseudo-terminal, which `script` (of Debian's bsdutils) makes: what a person sees. Used by terminal.test.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { withDeadline } from '../support/deadline.js'
import { findCommand } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { TURND } from './run-turnd.js'

const WAIT_MILLISECONDS_MAX = 60_000

/** For tap's `skip`. Throws with CI=true: there it must be installed. */
export function terminalOrSkip(): string | false {
  if (findCommand('script') !== null) return false
  const reason = 'script is not installed (apt-get install bsdutils)'
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

export class Terminal {
  /** Everything shown so far, with its escape sequences. */
  screen = ''
  readonly #script: ChildProcess
  readonly #closed: Promise<number | null>
  readonly #pidFile: string
  readonly #onText = new Set<() => void>()
  #isHungUp = false
  /** Of turnd; 0 until it is known. */
  #pid = 0

  /** Runs turnd in the directory `cwd`, until `t` ends. `log` is a file there that standard output goes to, not the terminal. */
  constructor(t: Test, cwd: string, args: readonly string[], log: string | null = null) {
    this.#pidFile = join(cwd, 'pid')
    const command = ['env', '-u', 'NODE_OPTIONS', process.execPath, TURND, ...args].map(shellQuoted).join(' ')
    const line = `echo $$ > pid; exec ${command}${log === null ? '' : ` > ${shellQuoted(log)}`}`
    this.#script = spawn('script', ['-qec', line, '/dev/null'], {
      cwd,
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm', SHELL: '/bin/sh' },
      // Its standard input stays open: at its end `script` would type Ctrl-D.
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const forget = onProcessEnd(() => this.#kill('SIGKILL'))
    this.#closed = new Promise((resolve, reject) => {
      this.#script.once('error', reject)
      this.#script.once('close', resolve)
    })
    this.#script.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#readPid()
      this.screen += text
      for (const wake of this.#onText) wake()
    })
    t.teardown(async () => {
      await this.stop('SIGKILL')
      forget()
    })
  }

  /** Resolves with the match when the screen shows it. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    let wake = () => {}
    const found = new Promise<RegExpExecArray>((resolve) => {
      wake = () => {
        const match = pattern.exec(this.screen)
        if (match !== null) resolve(match)
      }
      this.#onText.add(wake)
      wake()
    })
    const what = () => `the terminal does not show ${pattern}:\n${JSON.stringify(this.screen)}`
    return withDeadline(found, WAIT_MILLISECONDS_MAX, what).finally(() => this.#onText.delete(wake))
  }

  /** Signals turnd. Resolves with its exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null> {
    this.#kill(signal)
    return this.#waitForClose()
  }

  /** Ctrl-C typed by the person. Resolves with turnd's exit code. */
  interrupt(): Promise<number | null> {
    this.#script.stdin!.write('\x03')
    return this.#waitForClose()
  }

  /** The terminal is closed; turnd may go on. */
  async hangUp(): Promise<void> {
    this.#isHungUp = true
    this.#script.kill('SIGKILL')
    await this.#waitForClose()
  }

  #waitForClose(): Promise<number | null> {
    return withDeadline(this.#closed, WAIT_MILLISECONDS_MAX, () => `turnd still runs:\n${this.screen}`)
  }

  #kill(signal: NodeJS.Signals): void {
    const isEnded = this.#script.exitCode !== null || this.#script.signalCode !== null
    if (isEnded && !this.#isHungUp) return
    this.#readPid()
    try {
      if (this.#pid > 0) process.kill(this.#pid, signal)
      else this.#script.kill('SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }

  /** The directory may be gone before the process is. */
  #readPid(): void {
    if (this.#pid === 0 && existsSync(this.#pidFile)) this.#pid = Number(readFileSync(this.#pidFile, 'utf8'))
  }
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
