// Keeps a flood of refusals from becoming a flood of log lines, and one noisy source from hiding the others.

/** Lines in one second, of all sources. */
export const LINES_PER_SECOND_MAX = 50
/** Lines in one second of one source (an IP address). */
export const LINES_PER_SOURCE_MAX = 10

export class LineLimiter {
  #second = 0
  #lineCount = 0
  #suppressedCount = 0
  /** Never more entries than lines in a second. */
  readonly #linesBySource = new Map<string, number>()

  mayLog(source: string, timeMs: number): boolean {
    const second = Math.floor(timeMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#lineCount = 0
      this.#linesBySource.clear()
    }
    const ofSource = this.#linesBySource.get(source) ?? 0
    if (this.#lineCount >= LINES_PER_SECOND_MAX || ofSource >= LINES_PER_SOURCE_MAX) {
      this.#suppressedCount++
      return false
    }
    this.#lineCount++
    this.#linesBySource.set(source, ofSource + 1)
    return true
  }

  /** How many lines were suppressed since the last call. */
  takeSuppressed(): number {
    const count = this.#suppressedCount
    this.#suppressedCount = 0
    return count
  }
}
