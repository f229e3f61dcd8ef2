// Debian's redis-server as tests start it: on a port and in a directory of its own; what is in it is written by coturn's turnadmin and by redis-cli.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Closing } from './closing.js'
import { withDeadline } from './deadline.js'
import { closedPort } from './http-stage.js'
import { findCommand } from './peers.js'
import { onProcessEnd } from './process-end.js'

const DEADLINE_MILLISECONDS = 60_000
const run = promisify(execFile)

export interface RedisOptions {
  /** More words of its command line. */
  readonly args?: readonly string[]
  /** What turnadmin and redis-cli give. */
  readonly password?: string
  readonly database?: number
}

export class TestRedis {
  readonly port: number
  readonly #args: readonly string[]
  readonly #options: RedisOptions
  #stop: () => Promise<void> = async () => {}
  #pid = 0

  /** Resolves when it takes connections; it ends with `t`. */
  static async start(t: Closing & { testdir(): string }, options: RedisOptions = {}): Promise<TestRedis> {
    const redis = new TestRedis(await closedPort(), t.testdir(), options)
    t.teardown(() => redis.stop())
    await redis.start()
    return redis
  }

  private constructor(port: number, directory: string, options: RedisOptions) {
    this.port = port
    this.#options = options
    const { args = [], password } = options
    const base = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', '', '--appendonly', 'no']
    this.#args = [...base, ...(password === undefined ? [] : ['--requirepass', password]), ...args]
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/${this.#options.database ?? 0}`
  }

  /** On the same port as before, with what turnadmin has written: it has it saved after each change. */
  async start(): Promise<void> {
    const child = spawn(findCommand('redis-server') ?? 'redis-server', this.#args, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const forget = onProcessEnd(() => child.kill('SIGKILL'))
    this.#pid = child.pid ?? 0
    this.#stop = async () => {
      child.kill('SIGKILL')
      await exited
      forget()
    }
    let said = ''
    const isReady = new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('eady to accept connections')) resolve()
      })
      exited.then(() => reject(new Error(`redis-server ended: ${said}`)), reject)
    })
    await withDeadline(isReady, DEADLINE_MILLISECONDS, () => `redis-server is not ready: ${said}`)
  }

  /** At once, as a machine without power. */
  stop(): Promise<void> {
    return this.#stop()
  }

  /** It hangs: connections are taken by the kernel, and nobody answers. */
  hang(): void {
    process.kill(this.#pid, 'SIGSTOP')
  }

  goOn(): void {
    process.kill(this.#pid, 'SIGCONT')
  }

  /** Runs redis-cli with a command. */
  async command(...words: readonly string[]): Promise<string> {
    const { database = 0, password } = this.#options
    const login = password === undefined ? [] : ['-a', password, '--no-auth-warning']
    const args = ['-p', String(this.port), '-n', String(database), ...login, ...words]
    return (await run('redis-cli', args, { timeout: DEADLINE_MILLISECONDS })).stdout.trim()
  }

  /** Runs coturn's turnadmin, such as `-a -u gorst -r north.gov -p hero`. */
  async turnadmin(line: string): Promise<void> {
    const { database = 0, password } = this.#options
    const connection = `ip=127.0.0.1 port=${this.port} dbname=${database}${password === undefined ? '' : ` password=${password}`}`
    const { stdout } = await run('turnadmin', ['-N', connection, ...line.split(' ')], {
      timeout: DEADLINE_MILLISECONDS,
    })
    const log = /log file opened: (\S+)/.exec(stdout)?.[1]
    if (log !== undefined) rmSync(log, { force: true })
    if (/ERROR/.test(stdout)) throw new Error(stdout)
  }
}
