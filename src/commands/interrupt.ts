// Ctrl-C, and the SIGTERM of whoever bounds a command's time: what it holds at a server is given back before it ends. Used by the commands
// that ask servers.

/** The process. */
export interface SignalSource {
  once(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Runs it with a signal that the first of them aborts; a second one of the same ends the process at once. */
export async function interruptible<Result>(
  source: SignalSource,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController()
  const onSignal = () => abort.abort()
  for (const name of SIGNALS) source.once(name, onSignal)
  try {
    return await run(abort.signal)
  } finally {
    for (const name of SIGNALS) source.off(name, onSignal)
  }
}
