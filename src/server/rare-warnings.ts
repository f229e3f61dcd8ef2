// Sentences for the operator that several workers find at the same time, or one again and again: one is enough.
import { WARNING_MILLISECONDS } from '../limits/reports.js'

export class RareWarnings {
  readonly #tell: (text: string) => void
  readonly #toldAt = new Map<string, number>()

  constructor(tell: (text: string) => void) {
    this.#tell = tell
  }

  warn(text: string): void {
    const now = performance.now()
    for (const [known, at] of this.#toldAt) if (now - at > WARNING_MILLISECONDS) this.#toldAt.delete(known)
    if (this.#toldAt.has(text)) return
    this.#toldAt.set(text, now)
    this.#tell(text)
  }
}
