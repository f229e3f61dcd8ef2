// Waits until nobody else uses the machine: what is measured beside other programs says more about them.
import type { BenchContext } from './context.js'
import { coreBusySeconds } from './servers/proc-files.js'

const LOOK_MS = 150
const BUSY_SHARE_MAX = 0.1

/** Returns when the cores of the bench are idle, or when the run's patience is used up. */
export async function waitForQuiet(context: BenchContext): Promise<void> {
  if (process.platform !== 'linux') return
  const cores = Object.values(context.options.cores)
  while (context.patienceSeconds > 0) {
    const before = cores.map(coreBusySeconds)
    const start = performance.now()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const seconds = (performance.now() - start) / 1000
    const isQuiet = cores.every((core, index) => (coreBusySeconds(core) - before[index]) / seconds < BUSY_SHARE_MAX)
    if (isQuiet) return
    context.patienceSeconds -= seconds
  }
}
