// Clients: all allocations in a table that is searched, sorted and scrolled on the server, and one of them opened beside it.
import { html, type TemplateResult } from 'lit-html'
import type { Client } from '../../admin/schema/clients.js'
import { CLIENT_COLUMNS, isSortKey } from '../client-columns.js'
import { count } from '../format.js'
import type { Host, View } from '../host.js'
import type { Route } from '../router.js'
import { type Sorting, VirtualTable } from '../virtual-table.js'
import { ClientPanel } from './client-panel.js'

const SEARCH_MILLISECONDS = 200
const DEFAULT_SORT = { key: 'createdTime', isDescending: true }

export class Clients implements View {
  readonly name = 'clients'
  readonly title = 'Clients'
  readonly #host: Host
  readonly #table: VirtualTable<Client>
  readonly #panel: ClientPanel
  #total = 0
  #search = ''
  #sorting: Sorting = DEFAULT_SORT
  #isShown = false
  #typing: ReturnType<typeof setTimeout> | undefined

  constructor(host: Host) {
    this.#host = host
    this.#panel = new ClientPanel(host, {
      close: () => this.#close(),
      gone: () => this.#table.refresh(),
    })
    this.#table = new VirtualTable<Client>({
      label: 'Clients',
      columns: CLIENT_COLUMNS(() => host.now()),
      idOf: ({ id }) => id,
      load: (offset, limit) => this.#load(offset, limit),
      onOpen: ({ id }, isByKeyboard) => {
        host.go({ item: id }, host.route.item !== '')
        if (isByKeyboard) this.#panel.focus()
      },
      onSort: ({ isDescending, key }) =>
        host.go({ query: { ...host.route.query, sort: key, order: isDescending ? 'desc' : 'asc' } }, true),
      empty: () => (this.#search === '' ? 'No client has an allocation now.' : `No client matches “${this.#search}”.`),
    })
  }

  show({ item, query }: Route): void {
    const search = query.search ?? ''
    const sorting = isSortKey(query.sort) ? { key: query.sort, isDescending: query.order === 'desc' } : DEFAULT_SORT
    const isOther =
      search !== this.#search ||
      sorting.key !== this.#sorting.key ||
      sorting.isDescending !== this.#sorting.isDescending
    this.#search = search
    this.#sorting = sorting
    this.#table.setSorting(sorting)
    this.#table.select(item)
    this.#panel.show(item)
    if (!this.#isShown) this.#table.show()
    else if (isOther) this.#table.reset()
    this.#isShown = true
  }

  hide(): void {
    this.#isShown = false
    clearTimeout(this.#typing)
    this.#table.hide()
    this.#panel.hide()
  }

  render(): TemplateResult {
    const isOpen = this.#panel.isOpen
    const found =
      this.#search === '' ? `${count(this.#total)} in all` : `${count(this.#table.matching)} of ${count(this.#total)}`
    return html`
      <div class="section-head">
        <h1>Clients</h1>
        <label class="search"><span class="hidden-text">Search user or address</span>
          <input type="search" name="search" placeholder="User or address" maxlength="200" .value=${this.#search}
            @input=${(event: InputEvent) => this.#type((event.target as HTMLInputElement).value)} /></label>
        <p class="quiet" aria-live="polite" data-found>${found}</p>
        <p class="quiet keys">↑ ↓ PageUp PageDown Home End move, Enter opens, Esc closes</p>
      </div>
      <div class="split ${isOpen ? 'open' : ''}" @keydown=${(event: KeyboardEvent) => this.#escape(event)}>
        ${this.#table.element}
        ${this.#panel.render()}
      </div>`
  }

  #type(search: string): void {
    clearTimeout(this.#typing)
    this.#typing = setTimeout(() => {
      // What was clicked meanwhile stays.
      const { item, query } = this.#host.route
      this.#host.go({ item, query: { ...query, search } }, true)
    }, SEARCH_MILLISECONDS)
  }

  #escape(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.#panel.isOpen) this.#close()
  }

  #close(): void {
    this.#host.go({ item: '' })
    this.#table.element.querySelector('table')?.focus({ preventScroll: true })
  }

  async #load(offset: number, limit: number) {
    const { isDescending, key } = this.#sorting
    if (!isSortKey(key)) throw new TypeError(`no column ${key}`)
    const order = isDescending ? 'desc' : 'asc'
    const asked = { offset, limit, sort: key, order } as const
    const page = await this.#host.api.clients(this.#search === '' ? asked : { ...asked, search: this.#search })
    this.#total = page.total
    this.#host.refresh()
    return { offset: page.offset, matching: page.matching, rows: page.clients }
  }
}
