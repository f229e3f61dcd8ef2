// `openssl s_client` over DTLS as a process: what is written to it is one record, what it says and what arrives is read as text.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { Listener } from '../../../src/net/engine.js'
import { withDeadline } from '../../support/deadline.js'
import { onProcessEnd } from '../../support/process-end.js'

const WAIT_MILLISECONDS_MAX = 20_000

export class SClient {
  output = ''
  readonly #process: ChildProcessWithoutNullStreams
  #onOutput: () => void = () => {}

  constructor(t: Test, { address }: Listener, ...args: string[]) {
    this.#process = spawn('openssl', ['s_client', '-dtls1_2', '-connect', address.toString(), ...args])
    const forget = onProcessEnd(() => this.#process.kill('SIGKILL'))
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('latin1').on('data', (text: string) => {
        this.output += text
        this.#onOutput()
      })
    }
    this.#process.stdin.on('error', () => {})
    t.teardown(async () => {
      forget()
      await this.end()
    })
  }

  /** Waits until it has said this, or what a server sent contains it. */
  async said(text: string): Promise<void> {
    const met = new Promise<void>((resolve) => {
      this.#onOutput = () => this.output.includes(text) && resolve()
      this.#onOutput()
    })
    await withDeadline(met, WAIT_MILLISECONDS_MAX, () => `openssl did not say ${JSON.stringify(text)}: ${this.output}`)
  }

  send(frame: Uint8Array): void {
    this.#process.stdin.write(frame)
  }

  /** Says close_notify. */
  async quit(): Promise<void> {
    this.#process.stdin.end()
    await this.#closed()
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#closed()
  }

  async #closed(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    await withDeadline(once(this.#process, 'close'), WAIT_MILLISECONDS_MAX, () => 'openssl goes on')
  }
}
