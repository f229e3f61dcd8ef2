// Looks once a second at what a running server counts, and makes a sample of it: rates over the time since the last look.
import { ResidentMemory } from '../admin/resident-memory.js'
import type { Sample } from '../admin/schema/status.js'
import {
  COUNTER_BYTES_RECEIVED,
  COUNTER_BYTES_SENT,
  COUNTER_PACKETS_RECEIVED,
  COUNTER_PACKETS_SENT,
  COUNTER_SEND_QUEUE_DROPS,
  COUNTER_STALLED_DROPS,
} from '../net/counters.js'
import { byTransport, type Totals } from './statistics.js'

/** What there is to look at. */
export interface Sampled {
  totals(): Totals
  allocationCount(): number
}

interface Look {
  readonly timeMs: number
  readonly cpuMicroseconds: number
  readonly engine: Float64Array
  readonly drops: number
  readonly refusals: number
  readonly relays: Int32Array
}

const BITS_PER_BYTE = 8

export class Sampler {
  readonly #sampled: Sampled
  #last: Look
  readonly #memory = new ResidentMemory()

  constructor(sampled: Sampled) {
    this.#sampled = sampled
    this.#last = this.#look()
  }

  sample(): Sample {
    const before = this.#last
    const now = this.#look()
    this.#last = now
    const seconds = Math.max((now.timeMs - before.timeMs) / 1000, 0.001)
    const rate = (value: number, earlier: number) => Math.max(0, value - earlier) / seconds
    const rateOf = (index: number) => rate(now.engine[index], before.engine[index])
    const { dtls, tcp, tls, udp } = byTransport(now.relays)
    return {
      time: Date.now() / 1000,
      clients: this.#sampled.allocationCount(),
      relaysUdp: udp,
      relaysTcp: tcp,
      relaysTls: tls + dtls,
      bitsReceivedPerSecond: rateOf(COUNTER_BYTES_RECEIVED) * BITS_PER_BYTE,
      bitsSentPerSecond: rateOf(COUNTER_BYTES_SENT) * BITS_PER_BYTE,
      packetsReceivedPerSecond: rateOf(COUNTER_PACKETS_RECEIVED),
      packetsSentPerSecond: rateOf(COUNTER_PACKETS_SENT),
      dropsPerSecond: rate(now.drops, before.drops),
      refusalsPerSecond: rate(now.refusals, before.refusals),
      cpuCores: rate(now.cpuMicroseconds, before.cpuMicroseconds) / 1e6,
      residentBytes: this.#memory.bytes(),
    }
  }

  #look(): Look {
    const { drops, engine, refusals, relays } = this.#sampled.totals()
    const { system, user } = process.cpuUsage()
    return {
      timeMs: performance.now(),
      cpuMicroseconds: system + user,
      engine,
      drops: sumOf(drops) + engine[COUNTER_SEND_QUEUE_DROPS] + engine[COUNTER_STALLED_DROPS],
      refusals: sumOf(refusals),
      relays,
    }
  }
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}
