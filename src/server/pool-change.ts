// One reload's change on its way through the workers of a pool: asked of all of them, then carried out by all of them or by none.
import { TurndError } from '../config/errors.js'
import type { Listener } from '../net/engine.js'
import { asTurndError } from './start-error.js'
import type { StreamWorkerChange, UdpWorkerChange, WorkerChange } from './worker/messages.js'
import type { ChangeOutlook, ReloadQuestion } from './worker/questions.js'
import { reviveListener } from './worker/revive.js'
import type { WorkerSlot } from './worker/worker-slot.js'

export class PoolChange<State> {
  /** Allocations that end with their listeners, of all workers. */
  endingCount = 0
  readonly #slots: readonly WorkerSlot[]
  readonly #changeOf: (position: number, state: State) => WorkerChange
  /** What workers will have opened themselves; null of one that is not there. */
  #outlooks: readonly (ChangeOutlook | null)[] = []

  constructor(slots: readonly WorkerSlot[], changeOf: (position: number, state: State) => WorkerChange) {
    this.#slots = slots
    this.#changeOf = changeOf
  }

  /** Of workers that open some themselves. */
  get listeners(): readonly Listener[] {
    return this.#slots.flatMap((slot, position) => {
      // Who was not there to be asked begins with the change, or has begun with it.
      const outlook = this.#outlooks[position] ?? null
      return outlook === null ? slot.listeners : outlook.listeners.map(reviveListener)
    })
  }

  /** A worker that dies meanwhile has no say: its successor starts with what is decided. Throws TurndError. */
  async prepare(state: State): Promise<void> {
    const answers = this.#slots.map(async (slot, position) => {
      const [outlook] = await slot.ask({ kind: 'prepare', change: this.#worded(position, state) })
      return outlook ?? null
    })
    const results = await Promise.allSettled(answers)
    const silent = results.find((result) => result.status === 'rejected')
    if (silent !== undefined) throw asTurndError(silent.reason, 'the change cannot be prepared')
    this.#outlooks = results.map((result) => (result.status === 'fulfilled' ? result.value : null))
    for (const outlook of this.#outlooks) {
      if (outlook?.problem) throw new TurndError(outlook.problem.code, outlook.problem.message)
      this.endingCount += outlook?.endingCount ?? 0
    }
  }

  /** Posted to all within this call. Resolves when all have done it, or are gone; with false if one has not said so. */
  async commit(state: State): Promise<boolean> {
    const done = this.#slots.map((slot, position) =>
      slot.ask({ kind: 'commit', change: this.#worded(position, state) }),
    )
    for (const [position, outlook] of this.#outlooks.entries()) {
      if (outlook !== null) this.#slots[position].listeners = outlook.listeners.map(reviveListener)
    }
    // One that is silent has it before it, and does nothing else first.
    return (await Promise.allSettled(done)).every(({ status }) => status === 'fulfilled')
  }

  async abandon(): Promise<void> {
    await Promise.allSettled(this.#slots.map((slot) => slot.ask({ kind: 'abandon' })))
  }

  /** What the plan adds to a change is what this kind of worker needs. */
  #worded(position: number, state: State): Extract<ReloadQuestion, { kind: 'prepare' }>['change'] {
    return this.#changeOf(position, state) as UdpWorkerChange | StreamWorkerChange
  }
}
