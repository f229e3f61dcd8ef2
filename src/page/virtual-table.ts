// A table of thousands of rows, of which the page has only those that can be seen: the server is asked for windows of them, again and
// again. It scrolls as one long table, keeps its place and its selection while rows change, and is steered by keyboard as a grid.
import { html, nothing, render, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { Poll } from './poll.js'
import { textOf } from './problem.js'

/** As style.css has it. */
const ROW_PIXELS = 32
/** Drawn above and below what is seen, so that a short scroll shows no gap. */
const OVERSCAN_ROW_COUNT = 8
/** Asked for above and below. */
const MARGIN_ROW_COUNT = 60
const WINDOW_ROW_COUNT_MAX = 300
const REFRESH_MILLISECONDS = 2500

export interface Column<Row> {
  readonly key: string
  readonly label: string
  readonly cell: (row: Row) => TemplateResult | string
  readonly isNumber?: boolean
  /** Where there is little room it is left out. */
  readonly isOptional?: boolean
  readonly isSortable?: boolean
}

export interface Rows<Row> {
  readonly offset: number
  readonly matching: number
  readonly rows: readonly Row[]
}

export interface Sorting {
  readonly key: string
  readonly isDescending: boolean
}

export interface TableOptions<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly idOf: (row: Row) => string
  readonly load: (offset: number, limit: number) => Promise<Rows<Row>>
  /** @param isByKeyboard then what is opened gets the focus */
  readonly onOpen: (row: Row, isByKeyboard: boolean) => void
  readonly onSort: (sorting: Sorting) => void
  readonly empty: () => string
}

export class VirtualTable<Row> {
  readonly element = document.createElement('div')
  readonly #options: TableOptions<Row>
  readonly #poll: Poll
  readonly #observer: ResizeObserver
  #loaded: Rows<Row> = { offset: 0, matching: 0, rows: [] }
  #isLoaded = false
  #problem: unknown = null
  #sorting: Sorting = { key: '', isDescending: false }
  #selectedId = ''
  #selectedIndex = -1
  #isDrawAsked = false

  constructor(options: TableOptions<Row>) {
    this.#options = options
    this.element.className = 'grid-scroll card'
    this.element.addEventListener('scroll', () => this.#drawSoon(), { passive: true })
    this.element.addEventListener('keydown', (event) => this.#steer(event))
    this.#poll = new Poll(REFRESH_MILLISECONDS, () => this.#load())
    this.#observer = new ResizeObserver(() => this.#drawSoon())
  }

  show(): void {
    this.#observer.observe(this.element)
    this.#poll.start()
  }

  hide(): void {
    this.#observer.disconnect()
    this.#poll.stop()
  }

  setSorting(sorting: Sorting): void {
    this.#sorting = sorting
    this.#drawSoon()
  }

  /** Of the row that is open; '' for none. */
  select(id: string): void {
    this.#selectedId = id
    this.#findSelected()
    this.#drawSoon()
  }

  /** Other rows are wanted: from the top. */
  reset(): void {
    this.element.scrollTop = 0
    this.#selectedIndex = -1
    this.#poll.now()
  }

  refresh(): void {
    this.#poll.now()
  }

  get matching(): number {
    return this.#loaded.matching
  }

  async #load(): Promise<void> {
    const { first, last } = this.#visible()
    const offset = Math.max(0, first - MARGIN_ROW_COUNT)
    const limit = Math.min(WINDOW_ROW_COUNT_MAX, last - offset + MARGIN_ROW_COUNT)
    try {
      this.#loaded = await this.#options.load(offset, limit)
      this.#problem = null
      this.#isLoaded = true
      this.#findSelected()
    } catch (error) {
      this.#problem = error
    }
    this.#drawSoon()
  }

  /** The rows that can be seen, of as many as there are said to be. */
  #visible(): { first: number; last: number } {
    const first = Math.floor(this.element.scrollTop / ROW_PIXELS)
    return { first, last: first + Math.ceil((this.element.clientHeight || 600) / ROW_PIXELS) }
  }

  /** Rows move while one is selected: it is the row that is, not the place. */
  #findSelected(): void {
    const { idOf } = this.#options
    const chosen = this.#loaded.rows[this.#selectedIndex - this.#loaded.offset]
    // Chosen by keyboard before it was loaded.
    if (this.#selectedId === '' && chosen !== undefined) this.#selectedId = idOf(chosen)
    const at = this.#loaded.rows.findIndex((row) => idOf(row) === this.#selectedId)
    if (at >= 0) this.#selectedIndex = this.#loaded.offset + at
  }

  #drawSoon(): void {
    if (this.#isDrawAsked) return
    this.#isDrawAsked = true
    requestAnimationFrame(() => {
      this.#isDrawAsked = false
      this.#draw()
    })
  }

  #draw(): void {
    const { first, last } = this.#visible()
    const { matching, offset, rows } = this.#loaded
    const start = Math.max(0, Math.min(first - OVERSCAN_ROW_COUNT, matching))
    const end = Math.min(matching, last + OVERSCAN_ROW_COUNT)
    render(this.#table(start, end), this.element)
    const seenEnd = Math.min(matching, last)
    const isMissing = this.#isLoaded && (Math.min(first, matching) < offset || seenEnd > offset + rows.length)
    if (isMissing && this.#problem === null) this.#poll.now()
  }

  #table(start: number, end: number): TemplateResult {
    const { columns, empty, label } = this.#options
    const { matching } = this.#loaded
    const active = this.#selectedIndex >= start && this.#selectedIndex < end ? rowId(this.#selectedIndex) : nothing
    return html`<table class="grid" role="grid" tabindex="0" aria-label=${label} aria-rowcount=${matching + 1}
        aria-activedescendant=${active} aria-busy=${!this.#isLoaded}>
        <thead><tr aria-rowindex="1">${columns.map((column) => this.#header(column))}</tr></thead>
        <tbody>
          ${spacer(start)}
          ${repeat(
            Array.from({ length: end - start }, (_, index) => start + index),
            // A row that stays in sight stays as it is.
            (index) => index,
            (index) => this.#row(index),
          )}
          ${spacer(matching - end)}
        </tbody>
      </table>
      ${this.#problem === null ? '' : html`<p class="problem" role="alert">${textOf(this.#problem)}</p>`}
      ${this.#isLoaded && matching === 0 ? html`<p class="empty">${empty()}</p>` : ''}`
  }

  #header(column: Column<Row>): TemplateResult {
    const { isNumber, isSortable = true, key, label } = column
    const classes = classesOf(column)
    if (!isSortable) return html`<th scope="col" class=${classes} data-column=${key}>${label}</th>`
    const isSorted = this.#sorting.key === key
    const order = isSorted ? (this.#sorting.isDescending ? 'descending' : 'ascending') : 'none'
    // Numbers are asked for from the largest on.
    const isDescending = isSorted ? !this.#sorting.isDescending : (isNumber ?? false)
    const sort = () => this.#options.onSort({ key, isDescending })
    return html`<th scope="col" class=${classes} data-column=${key} aria-sort=${order}>
      <button type="button" data-sort=${key} @click=${sort}>${label}<span class="arrow" aria-hidden="true"></span></button>
    </th>`
  }

  #row(index: number): TemplateResult {
    const { columns, idOf, onOpen } = this.#options
    const row = this.#loaded.rows[index - this.#loaded.offset]
    if (row === undefined) {
      return html`<tr id=${rowId(index)} class="waiting" aria-rowindex=${index + 2}><td>…</td></tr>`
    }
    const isSelected = idOf(row) === this.#selectedId
    const open = () => {
      this.#choose(index)
      onOpen(row, false)
    }
    return html`<tr id=${rowId(index)} data-id=${idOf(row)} aria-rowindex=${index + 2} aria-selected=${isSelected}
      @click=${open}>
      ${columns.map((column) => html`<td class=${classesOf(column)}>${column.cell(row)}</td>`)}
    </tr>`
  }

  #choose(index: number): void {
    const row = this.#loaded.rows[index - this.#loaded.offset]
    this.#selectedIndex = index
    this.#selectedId = row === undefined ? '' : this.#options.idOf(row)
    this.#reveal(index)
    this.#drawSoon()
  }

  /** Scrolls no more than it takes; the header stands before the first row. */
  #reveal(index: number): void {
    const top = index * ROW_PIXELS
    const room = this.element.clientHeight - 2 * ROW_PIXELS
    if (top < this.element.scrollTop) this.element.scrollTop = top
    else if (top > this.element.scrollTop + room) this.element.scrollTop = top - room
  }

  #steer(event: KeyboardEvent): void {
    if (!(event.target instanceof HTMLTableElement) || event.altKey || event.ctrlKey || event.metaKey) return
    const last = this.#loaded.matching - 1
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_PIXELS) - 2)
    const from = this.#selectedIndex
    const targets: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: from < 0 ? last : from - 1,
      PageDown: Math.max(0, from) + page,
      PageUp: from - page,
      Home: 0,
      End: last,
    }
    if (event.key === 'Enter' && from >= 0) {
      const row = this.#loaded.rows[from - this.#loaded.offset]
      if (row !== undefined) this.#options.onOpen(row, true)
    } else if (event.key in targets && last >= 0) this.#choose(Math.max(0, Math.min(last, targets[event.key])))
    else return
    event.preventDefault()
  }
}

function classesOf({ isNumber = false, isOptional = false }: { isNumber?: boolean; isOptional?: boolean }): string {
  return `${isNumber ? 'number' : ''} ${isOptional ? 'optional' : ''}`.trim()
}

function rowId(index: number): string {
  return `row-${index}`
}

/** One cell: a span over columns that are left out would make them room. */
function spacer(rowCount: number): TemplateResult | string {
  if (rowCount <= 0) return ''
  return html`<tr class="spacer" aria-hidden="true" .style=${`block-size: ${rowCount * ROW_PIXELS}px`}><td></td></tr>`
}
