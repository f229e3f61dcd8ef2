// Nothing stays behind: what must be undone when the bench ends early, by Ctrl-C, a signal or an error.

const undoings = new Set<() => void>()

/** Has this called when the process ends, unless the returned function is called before. */
export function undoAtExit(undo: () => void): () => void {
  undoings.add(undo)
  return () => undoings.delete(undo)
}

process.once('exit', () => {
  for (const undo of undoings) undo()
})
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(code))
}
