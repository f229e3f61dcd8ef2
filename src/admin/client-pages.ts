// Searching, sorting and paging the clients of a moment: quick for thousands, because what a snapshot needs is worked out once for all who ask.
import { CLIENT_PAGE_COUNT_DEFAULT } from '../limits/admin.js'
import type { CLIENT_SORT_KEYS, Client, ClientPage, ClientQuery } from './schema/clients.js'

type SortKey = (typeof CLIENT_SORT_KEYS)[number]

export class ClientPages {
  #clients: readonly Client[] = []
  /** What is searched of each, in lower case. */
  #texts: readonly string[] | null = null
  /** Indexes in ascending order. */
  readonly #orders = new Map<SortKey, Uint32Array>()

  /** @param clients the same array while they are the same snapshot */
  page(clients: readonly Client[], query: ClientQuery): ClientPage {
    if (clients !== this.#clients) {
      this.#clients = clients
      this.#texts = null
      this.#orders.clear()
    }
    const { limit = CLIENT_PAGE_COUNT_DEFAULT, offset = 0, order = 'asc', search = '', sort = 'createdTime' } = query
    const found = this.#matching(this.#ordered(sort as SortKey), search.trim().toLowerCase())
    const rows: Client[] = []
    const end = Math.min(found.length, offset + limit)
    for (let index = offset; index < end; index++) {
      rows.push(clients[found[order === 'asc' ? index : found.length - 1 - index]])
    }
    return { total: clients.length, matching: found.length, offset, clients: rows }
  }

  #matching(order: Uint32Array, search: string): Uint32Array {
    if (search === '') return order
    this.#texts ??= this.#clients.map(({ client, relayed, user }) =>
      `${user}\n${client}\n${relayed.join('\n')}`.toLowerCase(),
    )
    const texts = this.#texts
    return order.filter((index) => texts[index].includes(search))
  }

  #ordered(key: SortKey): Uint32Array {
    const known = this.#orders.get(key)
    if (known !== undefined) return known
    const keys = this.#clients.map((client) => sortable(client[key]))
    const order = Uint32Array.from(keys, (_, index) => index).sort((a, b) => compare(keys[a], keys[b]) || a - b)
    this.#orders.set(key, order)
    return order
  }
}

/** Numbers within text are compared by their value: 9.0.0.1 is before 10.0.0.1. */
function sortable(value: Client[SortKey]): string | number {
  if (typeof value === 'number') return value
  const text = typeof value === 'string' ? value : value.join()
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(5, '0'))
}

function compare(a: string | number, b: string | number): number {
  if (a < b) return -1
  return a > b ? 1 : 0
}
