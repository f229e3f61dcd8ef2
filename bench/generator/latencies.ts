// Times from sending to arrival in preallocated memory: a count for every tenth of a microsecond up to 0.2 s.

/** Stamps and buckets. */
const TICKS_PER_MILLISECOND = 10_000
const BUCKET_COUNT = 200 * TICKS_PER_MILLISECOND

/** The time now, as a stamp of 32 bits. */
export function stampNow(): number {
  return (performance.now() * TICKS_PER_MILLISECOND) | 0
}

export class Latencies {
  readonly #counts = new Int32Array(BUCKET_COUNT + 1)
  /** When the packets that add() is told of were received: one look at the clock serves a batch. */
  now = 0
  isCounting = false
  count = 0

  add(stamp: number): void {
    if (!this.isCounting) return
    const ticks = (this.now - stamp) | 0
    this.#counts[Math.max(0, Math.min(ticks, BUCKET_COUNT))]++
    this.count++
  }

  /** Microseconds that this share of the packets did not exceed; 200,000 also stands for more. NaN without packets. */
  percentile(share: number): number {
    let remaining = Math.ceil(this.count * share)
    if (remaining === 0) return Number.NaN
    for (let bucket = 0; bucket <= BUCKET_COUNT; bucket++) {
      remaining -= this.#counts[bucket]
      if (remaining <= 0) return (bucket * 1000) / TICKS_PER_MILLISECOND
    }
    return Number.NaN
  }
}
