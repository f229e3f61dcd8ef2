// One chart: uPlot draws the lines, a table below says the same in numbers, of now or of where the cursor is.
import { html, render } from 'lit-html'
import uPlot from 'uplot'
import { axisNumber, clock } from './format.js'
import { type Summary, summary } from './quantiles.js'
import type { SampleColumns, SampleKey } from './sample-columns.js'
import { onThemeChange } from './theme.js'

const HEIGHT_PIXELS = 148
const AXIS_WIDTH_PIXELS = 44

export interface ChartSeries {
  readonly key: SampleKey
  readonly label: string
  /** A number of style.css: `--series-1`. */
  readonly colour: 1 | 2 | 3 | 4
}

export interface ChartSpec {
  readonly id: string
  readonly title: string
  /** Beside the title. */
  readonly unit: string
  readonly format: (value: number) => string
  readonly series: readonly ChartSeries[]
  /** The axis ends no lower, so that nothing is not drawn as much. */
  readonly least: number
}

export class Chart {
  readonly element = document.createElement('figure')
  readonly spec: ChartSpec
  readonly #plot: uPlot
  readonly #plotArea = document.createElement('div')
  readonly #table = document.createElement('div')
  readonly #observer: ResizeObserver
  readonly #forgetTheme: () => void
  #samples: SampleColumns

  constructor(spec: ChartSpec, samples: SampleColumns) {
    this.spec = spec
    this.#samples = samples
    const caption = document.createElement('figcaption')
    const unit = document.createElement('span')
    unit.className = 'quiet'
    unit.textContent = spec.unit
    caption.append(spec.title, ' ', unit)
    this.#plotArea.className = 'plot'
    this.#plotArea.tabIndex = 0
    this.#plotArea.role = 'img'
    this.#plotArea.dataset.chart = spec.id
    this.#plotArea.ariaLabel = `${spec.title}: a chart over time. Arrow keys move along it; the table below has the values.`
    this.element.className = 'chart card'
    this.element.append(caption, this.#plotArea, this.#table)
    this.#plot = new uPlot(this.#options(), this.#data(), this.#plotArea)
    this.#observer = new ResizeObserver(() => this.#fit())
    this.#observer.observe(this.#plotArea)
    this.#forgetTheme = onThemeChange(() => this.#plot.redraw(false, true))
    this.#drawTable()
  }

  update(samples: SampleColumns): void {
    this.#samples = samples
    this.#plot.setData(this.#data())
    this.#drawTable()
  }

  /** Of the sample under the cursor; null: it is not on the chart. */
  get cursorIndex(): number | null {
    return this.#plot.cursor.idx ?? null
  }

  /** To a sample; null takes it away. */
  setCursor(index: number | null): void {
    const time = index === null ? undefined : this.#samples.column('time')[index]
    const left = time === undefined ? -10 : this.#plot.valToPos(time, 'x')
    this.#plot.setCursor({ left, top: time === undefined ? -10 : 10 })
  }

  destroy(): void {
    this.#observer.disconnect()
    this.#forgetTheme()
    this.#plot.destroy()
  }

  #data(): uPlot.AlignedData {
    const keys: SampleKey[] = ['time', ...this.spec.series.map(({ key }) => key)]
    return keys.map((key) => this.#samples.column(key)) as unknown as uPlot.AlignedData
  }

  #fit(): void {
    const width = this.#plotArea.clientWidth
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT_PIXELS })
  }

  #options(): uPlot.Options {
    const { least, series } = this.spec
    const axis = { stroke: () => colour('--muted'), font: '11px system-ui, sans-serif', ticks: { show: false } }
    const grid = { stroke: () => colour('--line'), width: 1 }
    return {
      width: 300,
      height: HEIGHT_PIXELS,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, sync: { key: 'turnd' }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (_plot, _min, max) => [(max || Date.now() / 1000) - this.#samples.spanSeconds, max] },
        y: { range: (_plot, _min, max) => [0, Math.max(least, (max ?? 0) * 1.12)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 24,
          gap: 4,
          space: 64,
          values: (_plot, times) => times.map(hoursAndMinutes),
        },
        {
          ...axis,
          grid,
          size: AXIS_WIDTH_PIXELS,
          gap: 6,
          space: 26,
          values: (_plot, values) => values.map(axisNumber),
        },
      ],
      series: [{}, ...series.map(lineOf)],
      hooks: { setCursor: [() => this.#drawTable()] },
    }
  }

  #drawTable(): void {
    const index = this.#plot?.cursor.idx ?? null
    const time = index === null ? undefined : this.#samples.column('time')[index]
    const rows = this.spec.series.map(({ colour: number, key, label }) => {
      const values = this.#samples.column(key)
      const total = summary(values)
      const shown = time === undefined || index === null ? total?.last : values[index]
      return html`<tr><th scope="row"><span class="swatch series-${number}"></span>${label}</th>
        <td class="now">${this.#text(shown)}</td>${this.#cells(total)}</tr>`
    })
    const when = time === undefined ? 'Now' : clock(time * 1000)
    render(
      html`<table class="legend"><caption class="hidden-text">${this.spec.title}, in numbers</caption>
        <thead><tr><th scope="col"><span class="hidden-text">What</span></th><th scope="col" class="now">${when}</th>
          <th scope="col">Mean</th><th scope="col">Most</th></tr></thead>
        <tbody>${rows}</tbody></table>`,
      this.#table,
    )
  }

  #cells(total: Summary | null) {
    return html`<td>${this.#text(total?.mean)}</td><td>${this.#text(total?.most)}</td>`
  }

  #text(value: number | undefined): string {
    return value === undefined ? '–' : this.spec.format(value)
  }
}

/** The first one is filled: areas over areas would hide each other. */
function lineOf({ colour: number, label }: ChartSeries, index: number): uPlot.Series {
  return {
    label,
    width: 1.5,
    stroke: () => colour(`--series-${number}`),
    ...(index === 0 ? { fill: () => colour(`--series-${number}-fill`) } : {}),
    points: { show: false },
  }
}

function hoursAndMinutes(seconds: number): string {
  return clock(seconds * 1000).slice(0, 5)
}

let probe: HTMLElement | null = null

/** What a variable of style.css is in the theme of now: a canvas knows no variables. */
function colour(variable: string): string {
  if (probe === null) {
    probe = document.createElement('span')
    probe.hidden = true
    document.body.append(probe)
  }
  probe.style.color = `var(${variable})`
  return getComputedStyle(probe).color
}
