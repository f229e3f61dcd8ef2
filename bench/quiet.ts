// Waits until nobody else uses the machine: what is measured beside other programs says more about them.
import type { BenchContext } from './context.js'
import { coreBusySeconds } from './servers/proc-files.js'

/** The kernel counts in hundredths of a second: one of them may be the bench's own. */
const LOOK_MS = 60
const BUSY_SHARE_MAX = 0.2
/** Not all patience at once. */
const WAIT_SECONDS_MAX = 30
const SILENT_SECONDS = 2

/** Returns when the cores of the bench are idle, or when the run's patience is used up. */
export async function waitForQuiet(context: BenchContext): Promise<void> {
  if (process.platform !== 'linux') return
  const cores = Object.values(context.options.cores)
  let waited = 0
  while (context.patienceSeconds > 0 && waited < WAIT_SECONDS_MAX) {
    const before = cores.map(coreBusySeconds)
    const start = performance.now()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    const seconds = (performance.now() - start) / 1000
    const isQuiet = cores.every((core, index) => (coreBusySeconds(core) - before[index]) / seconds < BUSY_SHARE_MAX)
    if (isQuiet) return
    context.patienceSeconds -= seconds
    if (waited < SILENT_SECONDS && waited + seconds >= SILENT_SECONDS) context.progress('waiting for other programs')
    waited += seconds
  }
}
