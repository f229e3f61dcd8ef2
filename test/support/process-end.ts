// Runs clean-ups when the test process ends, however it ends: normally, by an uncaught error, or by a signal.
// Used for what would outlive the process: child processes, network namespaces, temporary directories.

const cleanups = new Set<() => void>()
// SIGALRM is how tap ends a file that takes too long.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGALRM'] as const
let isWatching = false

/** `cleanup` must be synchronous. Returns a function that forgets it again. */
export function onProcessEnd(cleanup: () => void): () => void {
  watch()
  cleanups.add(cleanup)
  return () => cleanups.delete(cleanup)
}

function watch(): void {
  if (isWatching) return
  isWatching = true
  process.once('exit', runAll)
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      runAll()
      process.kill(process.pid, signal)
    })
  }
}

function runAll(): void {
  for (const cleanup of cleanups) {
    cleanups.delete(cleanup)
    try {
      cleanup()
    } catch (error) {
      // The others must still run.
      console.error(error)
    }
  }
}
