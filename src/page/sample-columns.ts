// Samples by column, as charts take them: a history, to which the newest are added while the oldest leave. Pure.
import type { History, Sample } from '../admin/schema/status.js'

export type SampleKey = keyof Sample

const KEYS: readonly SampleKey[] = [
  ...(['time', 'clients', 'relaysUdp', 'relaysTcp', 'relaysTls'] as const),
  ...(['bitsReceivedPerSecond', 'bitsSentPerSecond', 'packetsReceivedPerSecond', 'packetsSentPerSecond'] as const),
  ...(['dropsPerSecond', 'refusalsPerSecond', 'cpuCores', 'residentBytes'] as const),
]

export class SampleColumns {
  readonly spanSeconds: number
  readonly #columns: Record<SampleKey, number[]>

  constructor(spanSeconds: number) {
    this.spanSeconds = spanSeconds
    this.#columns = emptyColumns()
  }

  /** What a server lacks is 0. */
  load({ columns }: History): void {
    const times = columns.time ?? []
    for (const key of KEYS) {
      const given = columns[key] ?? []
      this.#columns[key] = times.map((_, index) => given[index] ?? 0)
    }
  }

  /** Nothing that is not newer than the last. */
  append(sample: Sample): void {
    const last = this.#columns.time.at(-1)
    if (last !== undefined && sample.time <= last) return
    for (const key of KEYS) this.#columns[key].push(sample[key] ?? 0)
    this.#forgetBefore(sample.time - this.spanSeconds)
  }

  get length(): number {
    return this.#columns.time.length
  }

  column(key: SampleKey): readonly number[] {
    return this.#columns[key]
  }

  last(key: SampleKey): number {
    return this.#columns[key].at(-1) ?? 0
  }

  #forgetBefore(time: number): void {
    const first = this.#columns.time.findIndex((value) => value >= time)
    if (first > 0) for (const key of KEYS) this.#columns[key].splice(0, first)
  }
}

function emptyColumns(): Record<SampleKey, number[]> {
  return Object.fromEntries(KEYS.map((key) => [key, [] as number[]])) as Record<SampleKey, number[]>
}
