// The charts of the overview together: one range for all, one cursor over all, fed by the history and each sample.
import type { HistoryRange } from '../admin/schema/status.js'
import { Chart } from './chart.js'
import { CHARTS } from './chart-specs.js'
import { clock } from './format.js'
import type { Host } from './host.js'
import { Poll } from './poll.js'
import { SampleColumns } from './sample-columns.js'

const DAY_SECONDS = 24 * 60 * 60
/** The day is kept by minutes. */
const DAY_POLL_MILLISECONDS = 60_000

export class ChartBoard {
  readonly element = document.createElement('div')
  readonly #host: Host
  readonly #day = new SampleColumns(DAY_SECONDS)
  readonly #poll: Poll
  #charts: Chart[] = []
  #range: HistoryRange = 'recent'

  constructor(host: Host) {
    this.#host = host
    this.element.className = 'charts'
    this.element.addEventListener('keydown', (event) => this.#steer(event))
    this.#poll = new Poll(DAY_POLL_MILLISECONDS, () => this.#loadDay())
  }

  get range(): HistoryRange {
    return this.#range
  }

  setRange(range: HistoryRange): void {
    this.#range = range
    if (this.#charts.length > 0 && range === 'day') this.#poll.start()
    else this.#poll.stop()
    this.update()
  }

  show(): void {
    if (this.#charts.length > 0) return
    this.#charts = CHARTS.map((spec) => new Chart(spec, this.#shown))
    this.element.replaceChildren(...this.#charts.map(({ element }) => element))
    if (this.#range === 'day') this.#poll.start()
  }

  hide(): void {
    this.#poll.stop()
    for (const chart of this.#charts) chart.destroy()
    this.#charts = []
    this.element.replaceChildren()
  }

  /** There are newer samples. */
  update(): void {
    for (const chart of this.#charts) chart.update(this.#shown)
  }

  get #shown(): SampleColumns {
    return this.#range === 'day' ? this.#day : this.#host.samples
  }

  async #loadDay(): Promise<void> {
    try {
      this.#day.load(await this.#host.api.history('day'))
      this.update()
    } catch (error) {
      this.#host.report(error)
    }
  }

  /** The cursor by keyboard, on all charts at once. */
  #steer(event: KeyboardEvent): void {
    const chart = this.#charts.find(({ element }) => element.contains(event.target as Node))
    if (chart === undefined || this.#shown.length === 0) return
    const last = this.#shown.length - 1
    const from = chart.cursorIndex ?? last
    const step = event.shiftKey ? 10 : 1
    const to: Record<string, number | null> = {
      ArrowLeft: from - step,
      ArrowRight: from + step,
      Home: 0,
      End: last,
      Escape: null,
    }
    const target = to[event.key]
    if (target === undefined) return
    event.preventDefault()
    const index = target === null ? null : Math.max(0, Math.min(last, target))
    for (const each of this.#charts) each.setCursor(index)
    if (index !== null) this.#host.announce(this.#describe(chart, index))
  }

  #describe({ spec }: Chart, index: number): string {
    const samples = this.#shown
    const values = spec.series.map(({ key, label }) => `${label} ${spec.format(samples.column(key)[index])}`)
    return `${clock(samples.column('time')[index] * 1000)}: ${values.join(', ')}`
  }
}
