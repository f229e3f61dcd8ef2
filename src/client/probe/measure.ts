// Sends numbered packets through a relay and counts what arrives: round trips of a few packets, and how many of a steady stream get through.
import { randomBytes } from 'node:crypto'
import {
  PROBE_BURST_COUNT_MAX,
  PROBE_PACKETS_PER_SECOND_MAX,
  PROBE_ROUND_TRIP_INTERVAL_MILLISECONDS,
  PROBE_STRAGGLER_MILLISECONDS,
  PROBE_TICK_MILLISECONDS,
} from '../../limits/clients.js'
import { ClientError } from '../client-error.js'
import type { RelayPath } from './relay-path.js'

/** Of packets that went from this machine to the server, through the relay, and back here. Milliseconds. */
export interface RoundTrips {
  readonly sentCount: number
  readonly receivedCount: number
  readonly lossPercent: number
  /** null if nothing arrived. */
  readonly times: {
    readonly minimum: number
    readonly median: number
    readonly p95: number
    readonly maximum: number
    /** The mean difference between one packet's time and the next one's. */
    readonly jitter: number
  } | null
}

export interface Throughput {
  readonly seconds: number
  /** Of payload. */
  readonly sentBitsPerSecond: number
  readonly receivedBitsPerSecond: number
  readonly sentCount: number
  readonly receivedCount: number
  readonly lossPercent: number
}

const MARK_LENGTH = 8
const SEQUENCE_AT = MARK_LENGTH

/** One of `count` packets each 10 ms. */
export async function measureRoundTrips(
  path: RelayPath,
  count: number,
  payloadLength: number,
  signal?: AbortSignal,
): Promise<RoundTrips> {
  const run = new PacketRun(path, count, payloadLength)
  const packetsPerSecond = 1000 / PROBE_ROUND_TRIP_INTERVAL_MILLISECONDS
  await run.send(packetsPerSecond, count / packetsPerSecond, signal)
  const times = run.times()
  const { lossPercent, receivedCount, sentCount } = run
  return { sentCount, receivedCount, lossPercent, times: times.length === 0 ? null : summaryOf(times) }
}

/** A stream of this rate for so long; less than the rate where packets would be too many, or a connection takes no more. */
export async function measureThroughput(
  path: RelayPath,
  bitsPerSecond: number,
  seconds: number,
  payloadLength: number,
  signal?: AbortSignal,
): Promise<Throughput> {
  const packetsPerSecond = Math.min(bitsPerSecond / (payloadLength * 8), PROBE_PACKETS_PER_SECOND_MAX)
  const run = new PacketRun(path, Math.max(1, Math.ceil(packetsPerSecond * seconds)), payloadLength)
  const sentSeconds = await run.send(packetsPerSecond, seconds, signal)
  const rateOf = (count: number, inSeconds: number) => Math.round((count * payloadLength * 8) / inSeconds)
  const { lossPercent, receivedCount, sentCount } = run
  return {
    seconds: sentSeconds,
    sentBitsPerSecond: rateOf(sentCount, sentSeconds),
    // What a slow link has queued arrives after the end of sending: at its rate, not at ours.
    receivedBitsPerSecond: rateOf(receivedCount, Math.max(sentSeconds, run.lastArrivalSeconds)),
    ...{ sentCount, receivedCount, lossPercent },
  }
}

/** Times in the order of sending. */
export function summaryOf(times: readonly number[]): NonNullable<RoundTrips['times']> {
  const sorted = [...times].sort((one, other) => one - other)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
  const differences = times.slice(1).map((time, index) => Math.abs(time - times[index]))
  const jitter = differences.reduce((sum, difference) => sum + difference, 0) / Math.max(1, differences.length)
  return { minimum: sorted[0], median: at(0.5), p95: at(0.95), maximum: sorted[sorted.length - 1], jitter }
}

class PacketRun {
  sentCount = 0
  receivedCount = 0
  /** Since the beginning; 0 before the first one. */
  lastArrivalSeconds = 0
  #startedAt = 0
  readonly #path: RelayPath
  /** Tells the packets of this run from all others. */
  readonly #mark = randomBytes(MARK_LENGTH)
  readonly #packet: Buffer
  readonly #sentAt: Float64Array
  /** 0 for what has not arrived. */
  readonly #times: Float64Array
  #noteArrival: () => void = () => {}

  constructor(path: RelayPath, countMax: number, payloadLength: number) {
    this.#path = path
    this.#packet = Buffer.alloc(payloadLength)
    this.#mark.copy(this.#packet)
    this.#sentAt = new Float64Array(countMax)
    this.#times = new Float64Array(countMax)
  }

  get lossPercent(): number {
    return this.sentCount === 0 ? 0 : ((this.sentCount - this.receivedCount) / this.sentCount) * 100
  }

  /** Of what has arrived, in the order of sending. */
  times(): number[] {
    return Array.from(this.#times).filter((time) => time > 0)
  }

  /** Resolves when all has arrived, or nothing more can be expected: with the seconds for which it sent. Rejects if the path ends. */
  async send(packetsPerSecond: number, seconds: number, signal?: AbortSignal): Promise<number> {
    let stop = () => {}
    try {
      return await new Promise<number>((resolve, reject) => {
        const abort = () => reject(new ClientError('aborted', 'given up'))
        signal?.addEventListener('abort', abort, { once: true })
        const stopSending = this.#startSending(packetsPerSecond, seconds, resolve)
        this.#path.onPacket = (packet) => this.#receive(packet)
        this.#path.onFault = reject
        stop = () => {
          stopSending()
          signal?.removeEventListener('abort', abort)
        }
        if (signal?.aborted) abort()
      })
    } finally {
      stop()
      this.#path.onPacket = () => {}
      this.#path.onFault = () => {}
    }
  }

  /** Calls `done` with the seconds for which it sent. Returns what stops it. */
  #startSending(packetsPerSecond: number, seconds: number, done: (sentSeconds: number) => void): () => void {
    this.#startedAt = performance.now()
    let sentSeconds = 0
    let stragglers: NodeJS.Timeout | undefined
    this.#noteArrival = () => {
      if (sentSeconds > 0 && this.receivedCount >= this.sentCount) done(sentSeconds)
    }
    const tick = setInterval(() => {
      const elapsedSeconds = (performance.now() - this.#startedAt) / 1000
      this.#sendDue(Math.floor(Math.min(elapsedSeconds, seconds) * packetsPerSecond) + 1)
      if (elapsedSeconds < seconds) return
      clearInterval(tick)
      sentSeconds = elapsedSeconds
      stragglers = setTimeout(done, PROBE_STRAGGLER_MILLISECONDS, sentSeconds)
      this.#noteArrival()
    }, PROBE_TICK_MILLISECONDS)
    return () => {
      clearInterval(tick)
      clearTimeout(stragglers)
    }
  }

  /** @param due how many should have been sent by now */
  #sendDue(due: number): void {
    const end = Math.min(due, this.#sentAt.length, this.sentCount + PROBE_BURST_COUNT_MAX)
    while (this.sentCount < end) {
      this.#packet.writeUInt32BE(this.sentCount, SEQUENCE_AT)
      this.#sentAt[this.sentCount] = performance.now()
      if (!this.#path.send(this.#packet)) return
      this.sentCount++
    }
  }

  #receive(packet: Uint8Array): void {
    const now = performance.now()
    const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length)
    if (bytes.length !== this.#packet.length || !this.#mark.equals(bytes.subarray(0, MARK_LENGTH))) return
    const sequence = bytes.readUInt32BE(SEQUENCE_AT)
    if (sequence >= this.sentCount || this.#times[sequence] > 0) return
    this.#times[sequence] = Math.max(now - this.#sentAt[sequence], Number.MIN_VALUE)
    this.receivedCount++
    this.lastArrivalSeconds = (now - this.#startedAt) / 1000
    this.#noteArrival()
  }
}
