// What a running server was doing lately: samples by the second for some minutes, and their means by the minute for a day. Kept by column, as charts
// take them.
import { SAMPLE_KEYS } from '../admin/schema/sample-keys.js'
import type { History, HistoryRange, Sample } from '../admin/schema/status.js'
import { SAMPLE_DAY_COUNT, SAMPLE_OF_MINUTE_COUNT, SAMPLE_RECENT_COUNT } from '../limits/reports.js'

type SampleKey = keyof Sample

export class SampleHistory {
  readonly #recent = new SampleRing(SAMPLE_RECENT_COUNT)
  readonly #day = new SampleRing(SAMPLE_DAY_COUNT)
  /** Of the minute that is not over yet. */
  readonly #sums = new Map<SampleKey, number>()
  #count = 0

  add(sample: Sample): void {
    this.#recent.add(sample)
    for (const key of SAMPLE_KEYS) this.#sums.set(key, (this.#sums.get(key) ?? 0) + sample[key])
    if (++this.#count < SAMPLE_OF_MINUTE_COUNT) return
    const means = SAMPLE_KEYS.map((key) => [key, (this.#sums.get(key) as number) / this.#count])
    this.#day.add({ ...(Object.fromEntries(means) as Sample), time: sample.time })
    this.#sums.clear()
    this.#count = 0
  }

  of(range: HistoryRange): History {
    return range === 'recent'
      ? { stepSeconds: 1, columns: this.#recent.columns() }
      : { stepSeconds: SAMPLE_OF_MINUTE_COUNT, columns: this.#day.columns() }
  }
}

/** The latest samples, the oldest overwritten. */
class SampleRing {
  readonly #capacity: number
  readonly #columns: ReadonlyMap<SampleKey, Float64Array>
  #length = 0
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#columns = new Map(SAMPLE_KEYS.map((key) => [key, new Float64Array(capacity)]))
  }

  add(sample: Sample): void {
    for (const [key, column] of this.#columns) column[this.#next] = sample[key]
    this.#next = (this.#next + 1) % this.#capacity
    this.#length = Math.min(this.#length + 1, this.#capacity)
  }

  /** Oldest first. */
  columns(): Record<SampleKey, number[]> {
    const start = this.#length < this.#capacity ? 0 : this.#next
    const inOrder = (column: Float64Array) => [
      ...column.subarray(start, this.#length),
      ...(start === 0 ? [] : column.subarray(0, start)),
    ]
    const entries = [...this.#columns].map(([key, column]) => [key, inOrder(column)])
    return Object.fromEntries(entries) as Record<SampleKey, number[]>
  }
}
