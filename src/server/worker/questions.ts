// What the main thread asks its workers. Questions and answers are plain data. A long answer comes in several parts, since a worker
// relays between them; whoever asked gets all of them at once.
import type { Client, ClientDetail } from '../../admin/schema/clients.js'
import type { CredentialChanges } from '../../auth/credential-table.js'
import type { TurndErrorCode } from '../../config/errors.js'
import type { Listener } from '../../net/engine.js'
import type { AllocationWays } from '../reports.js'
import type { StreamWorkerChange, UdpWorkerChange } from './messages.js'

/** Of a reload, in this order: whoever has not prepared what is to be committed does both. */
export type ReloadQuestion =
  /** All that may fail, and changes nothing. */
  | { readonly kind: 'prepare'; readonly change: UdpWorkerChange | StreamWorkerChange }
  | { readonly kind: 'commit'; readonly change: UdpWorkerChange | StreamWorkerChange }
  | { readonly kind: 'abandon' }

export type Question =
  /** Every allocation. */
  | { readonly kind: 'clients' }
  /** `number`: the second half of a client's id. */
  | { readonly kind: 'client'; readonly number: number }
  | { readonly kind: 'kick'; readonly number: number }
  /** Users for some minutes: known from the answer on. */
  | { readonly kind: 'temporary-users'; readonly changes: CredentialChanges }
  /** By its relayed transport address, as clients see it. */
  | { readonly kind: 'find-relay'; readonly relayed: string }
  /** Of a client, or of the peers' side of one relay. */
  | {
      readonly kind: 'start-capture'
      readonly capture: number
      readonly number: number
      readonly isOfRelay: boolean
    }
  /** What it has recorded has been posted when the answer is. */
  | { readonly kind: 'stop-capture'; readonly capture: number }

/** Where a client or a relay is: the two halves of an id. */
export interface ClientPlace {
  readonly worker: number
  readonly number: number
}

/** Whose packets are captured. Addresses are textual transport addresses. */
export interface CaptureTarget extends AllocationWays {
  readonly worker: number
  readonly user: string
  readonly client: string
  /** Where the client has come to; '' if it is gone already. */
  readonly local: string
  /** What its relays are bound to. */
  readonly relays: readonly string[]
}

export type AnyQuestion = Question | ReloadQuestion

export function isOfReload(question: AnyQuestion): question is ReloadQuestion {
  return question.kind === 'prepare' || question.kind === 'commit' || question.kind === 'abandon'
}

/** What comes of a prepared change. */
export interface ChangeOutlook {
  /** Why it cannot be; null: it can. */
  readonly problem: { readonly code: TurndErrorCode; readonly message: string } | null
  /** Allocations that end with their listeners. */
  readonly endingCount: number
  /** Those that the worker has opened itself, as they will be. */
  readonly listeners: readonly Listener[]
}

/** What the answer to each kind is made of. */
export interface AnswerParts {
  readonly clients: readonly Client[]
  /** null: there is no such client. */
  readonly client: ClientDetail | null
  /** False: there is no such client. */
  readonly kick: boolean
  readonly prepare: ChangeOutlook
  readonly commit: true
  readonly abandon: true
  readonly 'temporary-users': true
  /** null: there is none on this worker. */
  readonly 'find-relay': ClientPlace | null
  /** null: there is no such client. */
  readonly 'start-capture': CaptureTarget | null
  readonly 'stop-capture': boolean
}

export type PartOf<Asked extends AnyQuestion> = AnswerParts[Asked['kind']]

/** One part on its way back. */
export interface Answer {
  readonly kind: 'answer'
  /** Of the question. */
  readonly id: number
  readonly part: AnswerParts[AnyQuestion['kind']]
  readonly isLast: boolean
}
