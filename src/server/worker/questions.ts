// What the main thread asks its workers. Questions and answers are plain data. A long answer comes in several parts, since a worker
// relays between them; whoever asked gets all of them at once.
import type { Client, ClientDetail } from '../../admin/schema/clients.js'
import type { CredentialChanges } from '../../auth/credential-table.js'

export type Question =
  /** Every allocation. */
  | { readonly kind: 'clients' }
  /** `number`: the second half of a client's id. */
  | { readonly kind: 'client'; readonly number: number }
  | { readonly kind: 'kick'; readonly number: number }
  /** Users for some minutes: known from the answer on. */
  | { readonly kind: 'temporary-users'; readonly changes: CredentialChanges }

/** What the answer to each kind is made of. */
export interface AnswerParts {
  readonly clients: readonly Client[]
  /** null: there is no such client. */
  readonly client: ClientDetail | null
  /** False: there is no such client. */
  readonly kick: boolean
  readonly 'temporary-users': true
}

export type PartOf<Asked extends Question> = AnswerParts[Asked['kind']]

/** One part on its way back. */
export interface Answer {
  readonly kind: 'answer'
  /** Of the question. */
  readonly id: number
  readonly part: AnswerParts[Question['kind']]
  readonly isLast: boolean
}
