// Answers what the main thread asks about one core, whichever worker it is in. Called between the rounds of its loop, never while the core
// runs. What is long is answered in slices, one a round, so that media goes on meanwhile.
import type { PackedUsers } from '../../auth/credential-table.js'
import { CLIENTS_OF_SLICE_COUNT_MAX, PERMISSIONS_OF_SLICE_COUNT_MAX } from '../../limits/reports.js'
import type { Allocation } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { deleteAllocation } from '../../turn/lifecycle.js'
import { describeClient, describeDetail, WallClock } from './describe-client.js'
import type { Answer, PartOf, Question } from './questions.js'

export interface AnswersOptions {
  readonly core: TurnCore
  readonly workerIndex: number
  /** How many workers had this index before: the numbers of their clients are nobody's any more. */
  readonly deathCount: number
  /** null: the main thread's own, which knows already. */
  readonly temporaryUsers: PackedUsers | null
  post(answer: Answer): void
  /** There is more to do: advance() is to be called in the next round. */
  requestRound(): void
}

/** A list of clients that is being told. */
interface Telling {
  readonly id: number
  readonly allocations: readonly Allocation[]
  next: number
}

/** Relay numbers have 30 bits. */
const NUMBERS_OF_LIFE = 2 ** 30

export class Answers {
  readonly #core: TurnCore
  readonly #clock: WallClock
  readonly #temporaryUsers: PackedUsers | null
  readonly #post: AnswersOptions['post']
  readonly #requestRound: () => void
  /** What ids of clients begin with. */
  readonly #prefix: string
  readonly #firstNumber: number
  readonly #tellings: Telling[] = []

  constructor({ core, deathCount, post, requestRound, temporaryUsers, workerIndex }: AnswersOptions) {
    this.#core = core
    this.#clock = new WallClock(core)
    this.#temporaryUsers = temporaryUsers
    this.#post = post
    this.#requestRound = requestRound
    this.#prefix = `${workerIndex}-`
    this.#firstNumber = deathCount * NUMBERS_OF_LIFE
  }

  /** advance() has something to do. */
  get isBusy(): boolean {
    return this.#tellings.length > 0
  }

  handle(id: number, question: Question): void {
    switch (question.kind) {
      case 'clients':
        // References only; who is gone when their turn comes is left out.
        this.#tellings.push({ id, allocations: [...this.#core.allocations.values()], next: 0 })
        this.#requestRound()
        return
      case 'client': {
        const allocation = this.#find(question.number)
        const detail =
          allocation === null ? null : describeDetail(this.#core, this.#clock, allocation, this.#idOf(allocation))
        this.#answer<typeof question>(id, detail)
        return
      }
      case 'kick': {
        const allocation = this.#find(question.number)
        if (allocation !== null) kick(this.#core, allocation)
        this.#answer<typeof question>(id, allocation !== null)
        return
      }
      case 'temporary-users':
        this.#temporaryUsers?.apply(question.changes)
        this.#answer<typeof question>(id, true)
    }
  }

  /** Once a round. */
  advance(): void {
    const [telling] = this.#tellings
    if (telling === undefined) return
    const part = this.#slice(telling)
    const isLast = telling.next >= telling.allocations.length
    if (isLast) this.#tellings.shift()
    this.#post({ kind: 'answer', id: telling.id, part, isLast })
    if (this.isBusy) this.#requestRound()
  }

  #slice(telling: Telling): PartOf<{ kind: 'clients' }> {
    const { allocations } = telling
    const end = Math.min(allocations.length, telling.next + CLIENTS_OF_SLICE_COUNT_MAX)
    const clients = []
    let permissionCount = 0
    while (telling.next < end && permissionCount < PERMISSIONS_OF_SLICE_COUNT_MAX) {
      const allocation = allocations[telling.next++]
      if (allocation.isDeleted || allocation.isOpening) continue
      permissionCount += allocation.permissionCount + allocation.channels.size
      clients.push(describeClient(this.#core, this.#clock, allocation, this.#idOf(allocation)))
    }
    return clients
  }

  #answer<Asked extends Question>(id: number, part: PartOf<Asked>): void {
    this.#post({ kind: 'answer', id, part, isLast: true })
  }

  #idOf({ relay4, relay6 }: Allocation): string {
    return `${this.#prefix}${this.#firstNumber + ((relay4 ?? relay6)?.id ?? 0)}`
  }

  #find(number: number): Allocation | null {
    const relayId = number - this.#firstNumber
    if (relayId < 0 || relayId >= NUMBERS_OF_LIFE) return null
    const allocation = this.#core.relays.find(relayId)?.allocation ?? null
    return allocation === null || allocation.isOpening ? null : allocation
  }
}

function kick(core: TurnCore, allocation: Allocation): void {
  deleteAllocation(core, allocation, 'kicked')
  core.output.closeClient(allocation.fiveTuple)
}
