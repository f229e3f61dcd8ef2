// The memory of this process that lies in RAM.

export class ResidentMemory {
  #bytes = 0

  /** It is read from a file: where no descriptor is left, the last number is as good as an end of the process is not. */
  bytes(): number {
    try {
      this.#bytes = process.memoryUsage.rss()
    } catch {
      // EMFILE, or a system without such a file.
    }
    return this.#bytes
  }
}
