// How much of each flow may be on its way: more is sent only as packets arrive, so that a server is kept busy without drowning. In flight
// is what was sent and neither arrived nor was overtaken by later packets of its flow, which are in order on every way through a server.

/** Of a flow from which nothing came for so long, nothing more is expected. */
const STALL_MS = 250

interface Progress {
  next: number
  writtenOff: number
  time: number
}

export class FlowWindows {
  readonly #inFlightMax: number
  readonly #flows: readonly Progress[]

  constructor(flowCount: number, inFlightMax: number) {
    this.#inFlightMax = inFlightMax
    this.#flows = Array.from({ length: flowCount }, () => ({ next: 0, writtenOff: 0, time: 0 }))
  }

  /**
   * Whether so many more of a flow may be sent.
   * @param sent how many were sent so far
   * @param next how many of these have arrived or been overtaken
   */
  hasRoom(flow: number, count: number, sent: number, next: number, now: number): boolean {
    const progress = this.#flows[flow]
    if (next !== progress.next || sent === Math.max(next, progress.writtenOff)) {
      progress.next = next
      progress.time = now
    } else if (now - progress.time > STALL_MS) {
      progress.writtenOff = sent
      progress.time = now
    }
    return sent - Math.max(next, progress.writtenOff) + count <= this.#inFlightMax
  }
}
