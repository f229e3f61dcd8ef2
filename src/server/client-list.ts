// The clients of a server, whichever workers they are on. The list is made at most every two seconds, however many ask, since it costs the
// workers time that is media's.
import type { Client, ClientDetail } from '../admin/schema/clients.js'
import { CLIENT_LIST_MILLISECONDS } from '../limits/reports.js'
import type { Relaying } from './relaying.js'
import type { ClientPlace } from './worker/questions.js'

export class ClientList {
  readonly #relaying: Pick<Relaying, 'ask'>
  readonly #now: () => number
  #list: Promise<readonly Client[]> | null = null
  /** When it is to be made anew; without an end while it is being made. */
  #staleAt = 0

  /** @param now milliseconds of a clock that never goes back */
  constructor(relaying: Pick<Relaying, 'ask'>, now: () => number = () => performance.now()) {
    this.#relaying = relaying
    this.#now = now
  }

  /** Everybody who asks within two seconds gets the same. Rejects with an AdminProblem. */
  clients(): Promise<readonly Client[]> {
    if (this.#list === null || this.#now() >= this.#staleAt) this.#list = this.#ask()
    return this.#list
  }

  async client(id: string): Promise<ClientDetail | null> {
    const place = placeOf(id)
    if (place === null) return null
    const [detail] = await this.#relaying.ask({ kind: 'client', number: place.number }, place.worker)
    return detail ?? null
  }

  /** Ends its allocation, and its connection if it has one. False: it is gone. */
  async kick(id: string): Promise<boolean> {
    const place = placeOf(id)
    if (place === null) return false
    const [isKicked] = await this.#relaying.ask({ kind: 'kick', number: place.number }, place.worker)
    // Who has done it looks at the list next.
    if (isKicked === true) this.#staleAt = Math.min(this.#staleAt, this.#now())
    return isKicked ?? false
  }

  async #ask(): Promise<readonly Client[]> {
    this.#staleAt = Number.POSITIVE_INFINITY
    try {
      const parts = await this.#relaying.ask({ kind: 'clients' })
      if (this.#staleAt === Number.POSITIVE_INFINITY) this.#staleAt = this.#now() + CLIENT_LIST_MILLISECONDS
      return parts.flat()
    } catch (error) {
      this.#staleAt = 0
      throw error
    }
  }
}

/** Where a client is: `WORKER-NUMBER`. */
export function placeOf(id: string): ClientPlace | null {
  const [, worker, number] = /^(\d{1,3})-(\d{1,15})$/.exec(id) ?? []
  return number === undefined ? null : { worker: Number(worker), number: Number(number) }
}
