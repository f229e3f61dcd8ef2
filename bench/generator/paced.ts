// A light load at a fixed rate, both directions at once, for latencies: packets leave one at a time after random gaps (a Poisson
// process, the same one in every run), so that some of them meet a queue, as in life.
import { Latencies, stampNow } from './latencies.js'
import { type LoadResult, Meter } from './meter.js'
import { type Lane, Stage, type StageOptions } from './stage.js'

export interface PacedOptions extends StageOptions {
  readonly payloadLength: number
  /** Of both directions together. */
  readonly packetsPerSecond: number
  /** The loop takes a few microseconds. When it took so long, somebody else had the generator's core: default STALL_MS. */
  readonly stallMilliseconds?: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface PacedResult extends LoadResult {
  /** Microseconds from the call that sends to the return of the call that receives; by percentile. */
  readonly microseconds: { readonly p50: number; readonly p95: number; readonly p99: number; readonly p999: number }
  readonly sampleCount: number
  /** How often the generator itself was held up; what arrived meanwhile is not among the samples. */
  readonly stallCount: number
}

const GAP_COUNT = 1 << 14
const DRAIN_MS = 100
const STALL_MS = 0.1

export function paced(options: PacedOptions): PacedResult {
  const stage = new Stage(options)
  const latencies = new Latencies()
  const shapes = [{ payloadLength: options.payloadLength, burst: 1 }]
  const lanes = [stage.lane('client-to-peer', shapes, 1, latencies), stage.lane('peer-to-client', shapes, 1, latencies)]
  const pacer = new Pacer(lanes, latencies, options.packetsPerSecond, options.stallMilliseconds ?? STALL_MS)
  pacer.run(options.warmUpSeconds * 1000, false)
  const meter = new Meter(lanes, options.target)
  meter.start()
  const stallCount = pacer.run(options.seconds * 1000, true)
  meter.stop()
  pacer.drain()
  stage.close()
  const microseconds = {
    p50: latencies.percentile(0.5),
    p95: latencies.percentile(0.95),
    p99: latencies.percentile(0.99),
    p999: latencies.percentile(0.999),
  }
  return { ...meter.result(pacer.idleMilliseconds), microseconds, sampleCount: latencies.count, stallCount }
}

class Pacer {
  idleMilliseconds = 0
  readonly #lanes: readonly Lane[]
  readonly #latencies: Latencies
  readonly #stallMilliseconds: number
  readonly #gaps: Float64Array
  #nextGap = 0
  #nextMessage = 0

  constructor(lanes: readonly Lane[], latencies: Latencies, packetsPerSecond: number, stallMilliseconds: number) {
    this.#lanes = lanes
    this.#latencies = latencies
    this.#stallMilliseconds = stallMilliseconds
    this.#gaps = exponentialGaps(1000 / packetsPerSecond)
  }

  /** Returns how often the loop was held up. */
  run(milliseconds: number, isMeasured: boolean): number {
    const latencies = this.#latencies
    const [upwards, downwards] = this.#lanes
    let stallCount = 0
    let now = performance.now()
    const end = now + milliseconds
    let due = now
    this.idleMilliseconds = 0
    while (now < end) {
      const before = now
      now = performance.now()
      const isStalled = now - before > this.#stallMilliseconds
      if (isStalled) stallCount++
      latencies.isCounting = isMeasured && !isStalled
      const received = upwards.receiver.receive() + downwards.receiver.receive()
      if (now >= due) due = this.#sendNext(due)
      else if (received === 0) this.idleMilliseconds += now - before
    }
    latencies.isCounting = false
    return stallCount
  }

  drain(): void {
    const end = performance.now() + DRAIN_MS
    while (performance.now() < end) for (const lane of this.#lanes) lane.receiver.receive()
  }

  /** Sends one packet of the next flow, upwards or downwards in turn. Returns when the one after it is due. */
  #sendNext(due: number): number {
    const message = this.#nextMessage
    const { sender } = this.#lanes[message & 1]
    sender.send(message >> 1, 1, stampNow())
    this.#nextMessage = message + 1 === 2 * sender.messageCount ? 0 : message + 1
    this.#nextGap = (this.#nextGap + 1) % GAP_COUNT
    return due + this.#gaps[this.#nextGap]
  }
}

/** Gaps of this mean, always the same ones. */
function exponentialGaps(mean: number): Float64Array {
  let state = 0x2545f491
  return new Float64Array(GAP_COUNT).map(() => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return -mean * Math.log(((state >>> 0) + 1) / (2 ** 32 + 1))
  })
}
