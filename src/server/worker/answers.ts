// Answers what the main thread asks about one core, whichever worker it is in. Called between the rounds of its loop, never while the core
// runs. What is long is answered in slices, one a round, so that media goes on meanwhile.
import type { Client, ClientDetail } from '../../admin/schema/clients.js'
import type { PackedUsers } from '../../auth/credential-table.js'
import { CLIENTS_OF_SLICE_COUNT_MAX, PERMISSIONS_OF_SLICE_COUNT_MAX } from '../../limits/reports.js'
import { parseTransportAddress } from '../../stun/address.js'
import type { Allocation, Relay } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { deleteAllocation } from '../../turn/lifecycle.js'
import { describeClient, describeDetail, WallClock } from './describe-client.js'
import type { Answer, AnswerParts, CaptureTarget, ClientPlace, Question } from './questions.js'
import type { WorkerCaptures } from './worker-captures.js'

export interface AnswersOptions {
  readonly core: TurnCore
  readonly workerIndex: number
  /** How many workers had this index before: the numbers of their clients are nobody's any more. */
  readonly endCount: number
  /** null: the main thread's own, which knows already. */
  readonly temporaryUsers: PackedUsers | null
  readonly captures: WorkerCaptures
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

type Kind = Question['kind']
type OfKind<Wanted extends Kind> = Extract<Question, { readonly kind: Wanted }>
/** Of questions that are answered at once. */
type ShortAnswers = { readonly [Short in Exclude<Kind, 'clients'>]: (question: OfKind<Short>) => AnswerParts[Short] }

/** Relay numbers have 30 bits. */
const NUMBERS_OF_LIFE = 2 ** 30

export class Answers {
  readonly #core: TurnCore
  readonly #clock: WallClock
  readonly #captures: WorkerCaptures
  readonly #temporaryUsers: PackedUsers | null
  readonly #post: AnswersOptions['post']
  readonly #requestRound: () => void
  readonly #workerIndex: number
  readonly #firstNumber: number
  readonly #tellings: Telling[] = []
  readonly #short: ShortAnswers = {
    client: ({ number }) => this.#describe(this.#find(number)),
    kick: ({ number }) => this.#kick(this.#find(number)),
    'temporary-users': ({ changes }) => this.#changeTemporaryUsers(changes),
    'find-relay': ({ relayed }) => this.#findRelay(relayed),
    'start-capture': (question) => this.#startCapture(question),
    'stop-capture': ({ capture }) => this.#captures.stop(capture),
  }

  constructor(options: AnswersOptions) {
    const { captures, core, endCount, post, requestRound, temporaryUsers, workerIndex } = options
    this.#core = core
    this.#clock = new WallClock(core)
    this.#captures = captures
    this.#temporaryUsers = temporaryUsers
    this.#post = post
    this.#requestRound = requestRound
    this.#workerIndex = workerIndex
    this.#firstNumber = endCount * NUMBERS_OF_LIFE
  }

  /** advance() has something to do, whatever happens on the network. */
  get isBusy(): boolean {
    return this.#tellings.length > 0
  }

  handle(id: number, question: Question): void {
    if (question.kind === 'clients') {
      // References only; who is gone when their turn comes is left out.
      this.#tellings.push({ id, allocations: [...this.#core.allocations.values()], next: 0 })
      this.#requestRound()
      return
    }
    const answer = this.#short[question.kind] as (question: Question) => Answer['part']
    this.#post({ kind: 'answer', id, part: answer(question), isLast: true })
  }

  /** The next slice, once a round. */
  advance(): void {
    const [telling] = this.#tellings
    if (telling === undefined) return
    const part = this.#slice(telling)
    const isLast = telling.next >= telling.allocations.length
    if (isLast) this.#tellings.shift()
    this.#post({ kind: 'answer', id: telling.id, part, isLast })
    if (this.isBusy) this.#requestRound()
  }

  #slice(telling: Telling): readonly Client[] {
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

  #describe(allocation: Allocation | null): ClientDetail | null {
    return allocation === null ? null : describeDetail(this.#core, this.#clock, allocation, this.#idOf(allocation))
  }

  #kick(allocation: Allocation | null): boolean {
    if (allocation === null) return false
    deleteAllocation(this.#core, allocation, 'kicked')
    this.#core.output.closeClient(allocation.fiveTuple)
    return true
  }

  #changeTemporaryUsers(changes: OfKind<'temporary-users'>['changes']): true {
    this.#temporaryUsers?.apply(changes)
    return true
  }

  #startCapture({ capture, isOfRelay, number }: OfKind<'start-capture'>): CaptureTarget | null {
    const relay = this.#relayAt(number)
    return relay === null ? null : this.#captures.start(capture, relay.allocation, isOfRelay ? relay : null)
  }

  #idOf({ relay4, relay6 }: Allocation): string {
    return `${this.#workerIndex}-${this.#firstNumber + ((relay4 ?? relay6)?.id ?? 0)}`
  }

  #find(number: number): Allocation | null {
    return this.#relayAt(number)?.allocation ?? null
  }

  #relayAt(number: number): Relay | null {
    const relayId = number - this.#firstNumber
    if (relayId < 0 || relayId >= NUMBERS_OF_LIFE) return null
    const relay = this.#core.relays.find(relayId)
    return relay === null || relay.allocation.isOpening ? null : relay
  }

  #findRelay(relayed: string): ClientPlace | null {
    const address = parseTransportAddress(relayed)
    if (address === null) return null
    for (const allocation of this.#core.allocations.values()) {
      if (allocation.isOpening) continue
      for (const { advertised, id } of allocation.relays()) {
        if (advertised.equals(address)) return { worker: this.#workerIndex, number: this.#firstNumber + id }
      }
    }
    return null
  }
}
