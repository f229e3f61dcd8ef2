// `openssl s_client` as a process: what is written to it is one record, what it says and what arrives is read as text.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Test } from 'tap'
import { withDeadline } from './deadline.js'
import { onProcessEnd } from './process-end.js'

const WAIT_MILLISECONDS_MAX = 60_000
const BINDING_SUCCESS = '\x01\x01'

export class SClient {
  output = ''
  readonly #process: ChildProcessWithoutNullStreams
  /** With the end of what it says. */
  readonly #closing: Promise<unknown>
  #onOutput: () => void = () => {}

  /** @param target address and port; `args` say the protocol, such as `-dtls1_2` */
  constructor(t: Test, target: string, ...args: string[]) {
    this.#process = spawn('openssl', ['s_client', '-connect', target, ...args])
    this.#closing = once(this.#process, 'close')
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

  /** One Binding (RFC 8489 §5): the success response is found by the transaction id. */
  async answersBinding(): Promise<void> {
    const transactionId = randomBytes(12)
    this.send(Buffer.concat([Buffer.from('000100002112a442', 'hex'), transactionId]))
    const id = transactionId.toString('latin1')
    await this.said(id)
    // Type, length and magic cookie stand before it.
    const start = this.output.indexOf(id) - 8
    if (this.output.slice(start, start + 2) !== BINDING_SUCCESS)
      throw new Error(`an answer that is no success: ${this.output}`)
  }

  /** Says close_notify. */
  async quit(): Promise<void> {
    this.#process.stdin.end()
    await this.#closed()
  }

  /** Waits until it ends by itself, which it does when no connection comes about: it has said all by then. */
  async ended(): Promise<void> {
    await this.#closed()
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#closed()
  }

  async #closed(): Promise<void> {
    await withDeadline(this.#closing, WAIT_MILLISECONDS_MAX, () => 'openssl goes on')
  }
}
