// A test hook and nothing else: with TURND_TEST_CRASH_WORKER=INDEX in the environment, SIGUSR2 makes the loop of that worker throw, so
// that tests can watch a worker die. Without the variable there is no handler, and no command that does this is ever sent.

/** Returns what takes the handler away again. */
export function installCrashHook(
  firstIndex: number,
  workerCount: number,
  crash: (workerIndex: number) => void,
): () => void {
  const workerIndex = Number(process.env.TURND_TEST_CRASH_WORKER ?? Number.NaN)
  const isOurs = workerIndex >= firstIndex && workerIndex < firstIndex + workerCount
  if (!Number.isInteger(workerIndex) || !isOurs) return () => {}
  const onSignal = () => crash(workerIndex)
  process.on('SIGUSR2', onSignal)
  return () => void process.off('SIGUSR2', onSignal)
}
