// What the process is made of, for metrics: time, memory, files, and how late the main thread is.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { openFileCount, openFileLimit } from '../net/open-file-limit.js'
import { ResidentMemory } from './resident-memory.js'

const DELAY_RESOLUTION_MILLISECONDS = 20
const PERCENTILES = [50, 99, 100]

export class ProcessFacts {
  readonly startTimeSeconds = Date.now() / 1000 - process.uptime()
  readonly openFileLimit = openFileLimit()
  readonly #memory = new ResidentMemory()
  readonly #delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MILLISECONDS })

  constructor() {
    this.#delays.enable()
  }

  cpuSeconds(): number {
    const { system, user } = process.cpuUsage()
    return (system + user) / 1e6
  }

  residentBytes(): number {
    return this.#memory.bytes()
  }

  heapUsedBytes(): number {
    return getHeapStatistics().used_heap_size
  }

  openFileCount(): number {
    return openFileCount()
  }

  /** By percentile, since they were taken before: beyond the time between two looks. */
  takeDelays(): (readonly [percentile: string, seconds: number])[] {
    const taken = PERCENTILES.map((percentile) => {
      const milliseconds = this.#delays.percentile(percentile) / 1e6 - DELAY_RESOLUTION_MILLISECONDS
      return [`${percentile}`, Math.max(0, milliseconds) / 1000] as const
    })
    this.#delays.reset()
    return taken
  }

  close(): void {
    this.#delays.disable()
  }
}
