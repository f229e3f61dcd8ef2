// Virtual time of the simulator: what will happen, in order. Same time: first come, first served, so that runs repeat exactly.

interface ScheduledEvent {
  readonly time: number
  readonly order: number
  readonly run: () => void
}

/** A binary heap of events by time. */
export class Schedule {
  readonly #heap: ScheduledEvent[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  add(time: number, run: () => void): void {
    const heap = this.#heap
    let index = heap.push({ time, order: this.#order++, run }) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (isBefore(heap[parent], heap[index])) break
      swap(heap, parent, index)
      index = parent
    }
  }

  /** The time of the next event, or Infinity. */
  get nextTime(): number {
    return this.#heap.length > 0 ? this.#heap[0].time : Number.POSITIVE_INFINITY
  }

  /** Takes the next event out; there must be one. */
  take(): () => void {
    const heap = this.#heap
    const { run } = heap[0]
    const last = heap.pop() as ScheduledEvent
    if (heap.length > 0) {
      heap[0] = last
      this.#sink()
    }
    return run
  }

  #sink(): void {
    const heap = this.#heap
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) return
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++
      if (isBefore(heap[index], heap[child])) return
      swap(heap, index, child)
      index = child
    }
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}

function swap(heap: ScheduledEvent[], a: number, b: number): void {
  const kept = heap[a]
  heap[a] = heap[b]
  heap[b] = kept
}
