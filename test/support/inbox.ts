// Things that arrive, in order, until a test asks for them. Used by the clients and peers of the tests.
import { withDeadline } from './deadline.js'

const WAIT_MILLISECONDS_MAX = 60_000

export class Inbox<Item> {
  readonly #owner: string
  readonly #items: Item[] = []
  #waiter: ((item: Item) => void) | null = null

  /** @param owner whose inbox it is, for the sentence of a failed wait */
  constructor(owner: string) {
    this.#owner = owner
  }

  /** What has arrived and was not taken. */
  get items(): readonly Item[] {
    return this.#items
  }

  put(item: Item): void {
    const waiter = this.#waiter
    this.#waiter = null
    if (waiter === null) this.#items.push(item)
    else waiter(item)
  }

  /** Takes the oldest item, waiting for one if there is none. */
  next(milliseconds = WAIT_MILLISECONDS_MAX): Promise<Item> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve(item)
    if (this.#waiter !== null) throw new Error(`${this.#owner} is waited for twice`)
    const arrival = new Promise<Item>((resolve) => {
      this.#waiter = resolve
    })
    return withDeadline(arrival, milliseconds, () => `${this.#owner} got nothing`).finally(() => {
      this.#waiter = null
    })
  }

  /** Takes everything that has arrived. */
  takeAll(): Item[] {
    return this.#items.splice(0)
  }
}
