// Where what must be closed at the end is handed over: a tap test is such a place, and so is a list, for what runs outside of tap.

export interface Closing {
  teardown(close: () => unknown): unknown
}

export class ClosingList implements Closing {
  readonly #closes: (() => unknown)[] = []

  teardown(close: () => unknown): void {
    this.#closes.push(close)
  }

  /** The last one first, as they may be built upon each other. */
  async close(): Promise<void> {
    for (const close of this.#closes.splice(0).reverse()) await close()
  }
}
