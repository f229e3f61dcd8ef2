// One place of the pool, whose worker may die and be replaced. What must outlive a worker is here: its statistics, and the note of what
// it holds open. Its listeners belong to the pool.

import { Worker } from 'node:worker_threads'
import type { CredentialChanges } from '../../auth/credential-table.js'
import { TurndError, type TurndErrorCode } from '../../config/errors.js'
import { programFile } from '../../config/program-files.js'
import {
  WORKER_ANSWER_MILLISECONDS_MAX,
  WORKER_LATE_ANSWER_MILLISECONDS_MAX,
  WORKER_LIFETIME_MILLISECONDS_LONG,
  WORKER_OF_START_SECOND_COUNT,
  WORKER_RESTART_SECONDS_MAX,
  WORKER_START_SECONDS_MAX,
} from '../../limits/reports.js'
import type { Listener } from '../../net/engine.js'
import { HELD_FD_COUNT } from '../../net/native/held-fds.js'
import type { OutsideQuestion } from '../outside-users.js'
import type { Report } from '../reports.js'
import { Statistics, WORD_ALLOCATIONS, WORD_BATCHES_READ, WORD_CAPTURES_READ, WORD_COMMANDS } from '../statistics.js'
import type { ChangedSecrets } from '../users-snapshot.js'
import type { CapturedPackets } from './capture-records.js'
import type { Command, WorkerMessage, WorkerStart } from './messages.js'
import type { AnyQuestion, PartOf } from './questions.js'
import { reviveListener } from './revive.js'
import { Unanswered } from './unanswered.js'

/** What the pool knows, and a worker needs at its start. */
export type SharedStart = Omit<WorkerStart, 'statistics' | 'heldFds'>

/** The calls of the C library that a slot needs where its workers hold file descriptors (NativeCalls). */
export interface SlotCalls {
  wake(heldFds: Int32Array): void
  closeAll(heldFds: Int32Array): void
  close(fds: readonly number[]): void
  discardWaiting(sockets: readonly { readonly fd: number }[]): void
}

export interface SlotOwner {
  readonly calls: SlotCalls
  /** Of all slots, which may start at once. */
  readonly slotCount: number
  startOf(workerIndex: number): SharedStart
  /** Sockets that a successor will read from, and that nobody reads now. */
  waitingSockets(workerIndex: number): readonly { readonly fd: number }[]
  report(report: Report, workerIndex: number): void
  /** It has ended unasked; what it held open is closed. Returns nothing: the slot starts a successor by itself. */
  died(workerIndex: number, error: Error, allocationCount: number, restartSeconds: number): void
  captured(packets: CapturedPackets): void
  /** Answered with a command `verdict`. */
  lookUp(workerIndex: number, question: OutsideQuestion): void
  /** For another worker. */
  tell(workerIndex: number, command: Command): void
  /** It has ended, asked or not: nothing more comes of it. */
  ended(workerIndex: number): void
  restarted(workerIndex: number): void
  warn(text: string): void
}

/** The file that a worker runs, by its path or URL, and what it is called. */
export interface WorkerKind {
  readonly script: string | URL
  readonly name: string
}

export const UDP_WORKER: WorkerKind = { script: programFile('server/worker/udp-worker.js'), name: 'worker' }
export const STREAM_WORKER: WorkerKind = {
  script: programFile('server/worker/stream-worker.js'),
  name: 'stream worker',
}

export class WorkerSlot {
  readonly index: number
  readonly statistics = new Statistics()
  /** What the present worker has opened itself. */
  listeners: readonly Listener[] = []
  readonly #kind: WorkerKind
  readonly #owner: SlotOwner
  readonly #heldFds = new Int32Array(new SharedArrayBuffer(HELD_FD_COUNT * 4))
  #thread: Worker | null = null
  #isStopping = false
  /** The present worker relays. */
  #isReady = false
  /** It has been ready once: from then on it is replaced when it dies. */
  #isSupervised = false
  #startedAt = 0
  /** Deaths in a row, each soon after the start. */
  #deathCount = 0
  #startTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  readonly #drainWaiters: (() => void)[] = []
  readonly #unanswered: Unanswered
  /** In the order in which they asked. */
  readonly #usersWaiters: (() => void)[] = []
  readonly #secretsWaiters: (() => void)[] = []

  constructor(index: number, kind: WorkerKind, owner: SlotOwner) {
    this.index = index
    this.#kind = kind
    this.#owner = owner
    this.#unanswered = new Unanswered(`worker ${index}`)
  }

  /** Its worker relays. */
  get isReady(): boolean {
    return this.#thread !== null && this.#isReady
  }

  get allocationCount(): number {
    return this.statistics.words[WORD_ALLOCATIONS]
  }

  /** Starts the first worker. Resolves when it relays; rejects if it ends before, or hangs. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => this.#spawn(resolve, reject))
  }

  send(command: Command): void {
    if (this.#thread === null) return
    this.#thread.postMessage(command)
    Atomics.add(this.statistics.words, WORD_COMMANDS, 1)
    this.#owner.calls.wake(this.#heldFds)
  }

  /** The parts of its answer, none if it dies before; AdminProblem if it is silent. */
  async ask<Asked extends AnyQuestion>(question: Asked): Promise<readonly PartOf<Asked>[]> {
    if (this.#thread === null) return []
    return this.#unanswered.ask<Asked>((id) => this.send({ kind: 'ask', id, question }))
  }

  /** The owner's startOf says so to workers that start later. Resolves when the one of now takes no more allocations. */
  drain(): Promise<void> {
    return this.#order({ kind: 'drain' }, this.#drainWaiters)
  }

  /** Workers that start later are started with them. Resolves when the one of now knows. */
  changeUsers(changes: CredentialChanges): Promise<void> {
    return this.#order({ kind: 'users', changes }, this.#usersWaiters)
  }

  /** The same of TURN REST secrets, and of keys. */
  changeSecrets(changed: ChangedSecrets): Promise<void> {
    return this.#order({ kind: 'secrets', changed }, this.#secretsWaiters)
  }

  /** Resolves when the thread has ended, and everything it held is closed. One that hangs is ended by force. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#restartTimer)
    const thread = this.#thread
    if (thread === null) return
    const ended = new Promise<void>((resolve) => void thread.once('exit', () => resolve()))
    this.send({ kind: 'stop' })
    const milliseconds = WORKER_ANSWER_MILLISECONDS_MAX + (this.#isReady ? 0 : WORKER_LATE_ANSWER_MILLISECONDS_MAX)
    const timer = setTimeout(() => void thread.terminate(), milliseconds)
    await ended
    clearTimeout(timer)
  }

  /** Resolves when the worker says that it is done, has ended, or does not answer. */
  async #order(command: Command, waiters: (() => void)[]): Promise<void> {
    if (this.#thread === null) return
    let timer: NodeJS.Timeout | undefined
    const done = new Promise<void>((resolve) => {
      waiters.push(resolve)
      timer = setTimeout(resolve, WORKER_ANSWER_MILLISECONDS_MAX)
    })
    this.send(command)
    await done
    clearTimeout(timer)
  }

  /** @param isLate nobody has read from the listeners for a while */
  #spawn(onReady: () => void, onFailed: (error: Error) => void, isLate = false): void {
    const start: WorkerStart = {
      ...this.#owner.startOf(this.index),
      statistics: this.statistics.memory,
      heldFds: this.#heldFds.buffer as SharedArrayBuffer,
    }
    // Whoever asked meanwhile has asked again, or given up: an allocation would be of no use to them.
    if (isLate) this.#owner.calls.discardWaiting(this.#owner.waitingSockets(this.index))
    // Neither our environment nor our arguments are any of its business: what they preload is meant for the main thread.
    const { name, script } = this.#kind
    const thread = new Worker(script, {
      workerData: start,
      env: {},
      execArgv: [],
      name: `turnd ${name} ${this.index}`,
    })
    let failure: Error | null = null
    const startSeconds = WORKER_START_SECONDS_MAX + Math.floor(this.#owner.slotCount / WORKER_OF_START_SECOND_COUNT)
    this.#startTimer = setTimeout(() => {
      failure = new Error(`it was not ready within ${startSeconds} seconds`)
      this.send({ kind: 'stop' })
      this.#startTimer = setTimeout(() => void thread.terminate(), WORKER_LATE_ANSWER_MILLISECONDS_MAX)
    }, startSeconds * 1000)
    thread.on('message', (message: WorkerMessage) => {
      if (message.kind === 'failed') failure = new TurndError(message.code as TurndErrorCode, message.message)
      else if (message.kind === 'ready') this.#handleReady(message, failure === null ? onReady : null)
      else this.#handle(message)
    })
    thread.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error))
    })
    thread.on('exit', (code) => this.#handleExit(failure ?? new Error(`it ended with code ${code}`), onFailed))
    this.#thread = thread
    this.#isReady = false
    this.#startedAt = performance.now()
  }

  /** @param onReady null for one that is too late: it ends */
  #handleReady({ listeners }: Extract<WorkerMessage, { kind: 'ready' }>, onReady: (() => void) | null): void {
    this.#isReady = true
    if (onReady === null) return
    clearTimeout(this.#startTimer)
    this.listeners = listeners.map(reviveListener)
    this.#isSupervised = true
    onReady()
  }

  #handle(message: Exclude<WorkerMessage, { kind: 'failed' | 'ready' }>): void {
    switch (message.kind) {
      case 'draining':
        for (const resolve of this.#drainWaiters.splice(0)) resolve()
        return
      case 'users':
        this.#usersWaiters.shift()?.()
        return
      case 'secrets':
        this.#secretsWaiters.shift()?.()
        return
      case 'reports':
        for (const report of message.reports) this.#owner.report(report, this.index)
        Atomics.add(this.statistics.words, WORD_BATCHES_READ, 1)
        return
      case 'captured':
        this.#owner.captured(message)
        Atomics.add(this.statistics.words, WORD_CAPTURES_READ, 1)
        return
      case 'look-up':
        this.#owner.lookUp(this.index, message.question)
        return
      case 'move':
        this.#owner.tell(message.worker, { kind: 'move', move: message.move })
        return
      case 'answer':
        this.#unanswered.handle(message)
        return
      case 'warning':
        this.#owner.warn(message.text)
    }
  }

  #handleExit(error: Error, onFailed: (error: Error) => void): void {
    const { allocationCount } = this
    clearTimeout(this.#startTimer)
    this.#thread = null
    this.statistics.noteEnd()
    this.#owner.calls.closeAll(this.#heldFds)
    const waiters = [this.#drainWaiters, this.#usersWaiters, this.#secretsWaiters]
    for (const resolve of waiters.flatMap((each) => each.splice(0))) resolve()
    this.#unanswered.giveUp()
    this.#owner.ended(this.index)
    if (this.#isStopping) return
    this.statistics.noteDeath()
    if (this.#isSupervised) this.#replace(error, allocationCount)
    else onFailed(error)
  }

  #replace(error: Error, allocationCount: number): void {
    const seconds = this.#restartSeconds()
    this.#owner.died(this.index, error, allocationCount, seconds)
    this.#restartTimer = setTimeout(() => this.#restart(seconds > 0), seconds * 1000)
  }

  #restart(isLate: boolean): void {
    // A successor that fails is as good as one that dies: both are tried again.
    try {
      this.#spawn(
        () => this.#owner.restarted(this.index),
        () => {},
        isLate,
      )
    } catch (error) {
      // The system has no thread or no memory for it now.
      this.#replace(error as Error, 0)
    }
  }

  /** At once, then 1, 2, 4 … 30 s while it dies again and again. */
  #restartSeconds(): number {
    if (performance.now() - this.#startedAt > WORKER_LIFETIME_MILLISECONDS_LONG) this.#deathCount = 0
    const seconds = this.#deathCount === 0 ? 0 : Math.min(2 ** (this.#deathCount - 1), WORKER_RESTART_SECONDS_MAX)
    this.#deathCount++
    return seconds
  }
}
