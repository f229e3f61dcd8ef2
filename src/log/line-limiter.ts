// Keeps a flood of refusals from becoming a flood of log lines or messages, and one noisy source from hiding the others.

export class LineLimiter {
  /** In one second, of all sources. */
  readonly #countMax: number
  /** In one second, of one source (an IP address). */
  readonly #countOfSourceMax: number
  #second = 0
  #count = 0
  /** Never more entries than are let through in a second. */
  readonly #countBySource = new Map<string, number>()

  constructor(countMax: number, countOfSourceMax: number) {
    this.#countMax = countMax
    this.#countOfSourceMax = countOfSourceMax
  }

  admits(source: string, timeMs: number): boolean {
    const second = Math.floor(timeMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#count = 0
      this.#countBySource.clear()
    }
    const ofSource = this.#countBySource.get(source) ?? 0
    if (this.#count >= this.#countMax || ofSource >= this.#countOfSourceMax) return false
    this.#count++
    this.#countBySource.set(source, ofSource + 1)
    return true
  }
}
