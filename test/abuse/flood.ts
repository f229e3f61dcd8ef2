// Datagrams from as many addresses of 127.0.0.0/8 as the attacker likes, without a socket for each: one socket on the wildcard address names
// its source with every message (IP_PKTINFO) and hears what comes back to any of them. Only where withoutKoffi() is false.
import { setTimeout as delay } from 'node:timers/promises'
import { Endpoint, portWord, swapBytes } from '../../bench/generator/endpoint.js'
import { IncomingMessages } from '../../bench/generator/incoming-messages.js'
import { type Kernel, openKernel } from '../../bench/generator/kernel.js'
import { OutgoingMessages } from '../../bench/generator/outgoing-messages.js'
import type { Closing } from '../support/closing.js'
import type { AttackReport } from './attack.js'

const BATCH_COUNT = 32
const STEP_MILLISECONDS = 1
const DRAIN_MILLISECONDS = 200
const LENGTH_MAX = 65_507

/** 127.64.0.0 and the addresses behind it, as a word of a TransportAddress. */
export function floodSource(index: number): number {
  return 0x7f400000 + 1 + index
}

/** Writes the datagram of this number and returns its length. */
export type Fill = (slot: Buffer, index: number) => number

export interface FloodPlan {
  readonly perSecond: number
  readonly milliseconds: number
  /** At most so many. */
  readonly countMax?: number
  readonly fill: Fill
  /** Which address it comes from: a word as in TransportAddress. One of many unless given. */
  readonly source?: (index: number) => number
  /** Where to, if not the server. */
  readonly toPort?: (index: number) => number
}

export interface FloodResult {
  readonly sent: number
  readonly sentBytes: number
  readonly milliseconds: number
}

/** One of it in a thread at a time is enough: it takes 48 MB. */
let kernel: Kernel | null = null

export class Flood {
  replies = 0
  replyBytes = 0
  /** Called for each reply, if anybody wants to know. */
  onReply: ((bytes: Buffer, to: number) => void) | null = null
  /** What came to each address, if it is counted. */
  readonly repliesTo = new Map<number, number>()
  readonly #kernel: Kernel
  readonly #endpoint: Endpoint
  readonly #outgoing: OutgoingMessages
  readonly #incoming: IncomingMessages
  readonly #slots: Buffer[]
  readonly #slotStarts: number[]
  readonly #port: number
  #next = 0

  /** @param port of the server, on 127.0.0.1 @param slotLength the longest datagram */
  constructor(closing: Closing, port: number, slotLength = 1_536) {
    kernel ??= openKernel()
    this.#kernel = kernel
    this.#port = port
    this.#endpoint = new Endpoint(kernel, 0)
    closing.teardown(() => this.#endpoint.close())
    const { arena } = kernel
    this.#slotStarts = Array.from({ length: BATCH_COUNT }, () => arena.reserve(Math.min(slotLength, LENGTH_MAX)))
    this.#slots = this.#slotStarts.map((start) =>
      Buffer.from(arena.bytes.buffer, arena.bytes.byteOffset + start, slotLength),
    )
    this.#incoming = new IncomingMessages(kernel, BATCH_COUNT)
    const empty = { portWord: portWord(port), hostWord: swapBytes(0x7f000001), sourceHostWord: 0, segmentCount: 1 }
    this.#outgoing = new OutgoingMessages(
      kernel,
      this.#endpoint,
      this.#slotStarts.map((start) => ({ ...empty, start, segmentLength: 1 })),
    )
  }

  /** The port that all its addresses send from. */
  get localPort(): number {
    return this.#endpoint.port
  }

  /** Offers as much as is asked for, or as much as this thread can. Resolves when the last replies have had time to come. */
  async run(plan: FloodPlan): Promise<FloodResult> {
    const start = performance.now()
    let [sent, sentBytes, elapsed] = [0, 0, 0]
    const countMax = plan.countMax ?? Number.POSITIVE_INFINITY
    while (elapsed < plan.milliseconds && sent < countMax) {
      elapsed = performance.now() - start
      const due = Math.min(countMax, Math.floor((Math.min(elapsed, plan.milliseconds) * plan.perSecond) / 1000))
      while (sent < due) {
        const count = Math.min(BATCH_COUNT, due - sent)
        sentBytes += this.#sendSome(plan, count)
        sent += count
        this.receive()
      }
      this.receive()
      await delay(STEP_MILLISECONDS)
    }
    const milliseconds = performance.now() - start
    await this.drain()
    return { sent, sentBytes, milliseconds }
  }

  /** Takes what comes for a little while. */
  async drain(milliseconds = DRAIN_MILLISECONDS): Promise<void> {
    const end = performance.now() + milliseconds
    while (performance.now() < end) {
      this.receive()
      await delay(STEP_MILLISECONDS)
    }
  }

  receive(): void {
    for (;;) {
      const count = this.#incoming.receive(this.#endpoint)
      for (let index = 0; index < count; index++) this.#take(index)
      if (count < BATCH_COUNT) return
    }
  }

  #sendSome({ fill, source = manySources, toPort }: FloodPlan, count: number): number {
    let bytes = 0
    for (let index = 0; index < count; index++) {
      const number = this.#next++
      const length = fill(this.#slots[index], number)
      bytes += length
      this.#outgoing.set(index, {
        portWord: portWord(toPort === undefined ? this.#port : toPort(number)),
        hostWord: swapBytes(0x7f000001),
        sourceHostWord: swapBytes(source(number)),
        start: this.#slotStarts[index],
        segmentLength: length,
        segmentCount: 1,
      })
    }
    let sent = 0
    while (sent < count) sent += this.#outgoing.send(sent, count - sent)
    return bytes
  }

  #take(index: number): void {
    const length = this.#incoming.length(index)
    const segmentLength = this.#incoming.segmentLength(index)
    const start = this.#incoming.start(index)
    const to = swapBytes(this.#incoming.destinationHostWord(index))
    for (let at = 0; at < length; at += segmentLength) {
      const bytes = this.#kernel.arena.bytes.subarray(start + at, start + Math.min(length, at + segmentLength))
      this.replies++
      this.replyBytes += bytes.length
      this.repliesTo.set(to, (this.repliesTo.get(to) ?? 0) + 1)
      this.onReply?.(Buffer.from(bytes), to)
    }
  }
}

/** 10,000 of them in turn. */
const MANY = 10_000
export function manySources(index: number): number {
  return floodSource(index % MANY)
}

/** A flood's part of the report. */
export function floodReport(flood: Flood, result: FloodResult): Omit<AttackReport, 'failures'> {
  return { ...result, replies: flood.replies, replyBytes: flood.replyBytes }
}
