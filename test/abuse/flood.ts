// Datagrams from as many addresses of 127.0.0.0/8 as the attacker likes, without a socket for each: one socket on the wildcard address names
// its source with every message (IP_PKTINFO) and hears what comes back to any of them. Only where withoutKoffi() is false.
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { Endpoint, portWord, swapBytes } from '../../bench/generator/endpoint.js'
import { IncomingMessages } from '../../bench/generator/incoming-messages.js'
import { type Kernel, openKernel } from '../../bench/generator/kernel.js'
import { OutgoingMessages } from '../../bench/generator/outgoing-messages.js'
import { TransportAddress } from '../../src/stun/address.js'
import type { ClientTransport } from '../support/client-transport.js'
import type { Closing } from '../support/closing.js'
import type { RequestOptions } from '../support/turn-requests.js'
import type { AttackReport } from './attack.js'
import { PersistentClient } from './persistent-client.js'
import { QueueGauge } from './queue-gauge.js'

const BATCH_COUNT = 32
const STEP_MILLISECONDS = 1
const DRAIN_MILLISECONDS = 100
/** Between turns of the event loop, where as much as possible is sent. */
const UNBOUNDED_COUNT = 16 * BATCH_COUNT
/** What a busy machine kept this thread from sending is not sent in one burst afterwards. */
const CATCH_UP_MILLISECONDS = 10
const LENGTH_MAX = 65_507
const LAST_MILLISECONDS_MAX = 60_000

/** 127.64.0.0 and the addresses behind it, as a word of a TransportAddress. */
export function floodSource(index: number): number {
  return 0x7f400000 + 1 + index
}

/** Writes the datagram of this number and returns its length. */
export type Fill = (slot: Buffer, index: number) => number

export interface FloodPlan {
  /** Infinity: all that this thread can, whether the server reads it or not. */
  readonly perSecond: number
  readonly milliseconds: number
  /** At least so many, however long it takes on a busy machine; and at most so many. */
  readonly countMin?: number
  readonly countMax?: number
  readonly fill: Fill
  /** So many at a time are one message to the kernel (UDP_SEGMENT), for those that are all equally long and go to one port; 1 unless given. */
  readonly segmentCount?: number
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

/** All floods of an attack share one, and its memory goes with the attack. */
const kernels = new WeakMap<Closing, Kernel>()

function kernelOf(closing: Closing): Kernel {
  const kernel = kernels.get(closing) ?? openKernel()
  kernels.set(closing, kernel)
  return kernel
}

export class Flood {
  replies = 0
  replyBytes = 0
  sent = 0
  sentBytes = 0
  /** The most that it was asked for. */
  askedPerSecond = 0
  /** Called for each reply, if anybody wants to know. */
  onReply: ((bytes: Buffer, to: number) => void) | null = null
  /** How many came to each address. */
  readonly repliesTo = new Map<number, number>()
  readonly #kernel: Kernel
  readonly #endpoint: Endpoint
  readonly #outgoing: OutgoingMessages
  readonly #incoming: IncomingMessages
  readonly #slots: Buffer[]
  readonly #slotStarts: number[]
  readonly #port: number
  readonly #ears = new Map<number, (bytes: Buffer) => void>()
  readonly #closing: Closing
  #timer: NodeJS.Timeout | null = null
  #next = 0

  /** @param port of the server, on 127.0.0.1 @param slotLength the longest datagram */
  constructor(closing: Closing, port: number, slotLength = 1_536) {
    const kernel = kernelOf(closing)
    this.#kernel = kernel
    this.#port = port
    this.#endpoint = new Endpoint(kernel, 0)
    this.#closing = closing
    closing.teardown(() => {
      if (this.#timer !== null) clearInterval(this.#timer)
      this.#endpoint.close()
    })
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

  /**
   * Offers as much as is asked for, or less where this machine is too busy with something else to let the server read it: a flood that its
   * socket buffers do not carry says nothing about the server. Without a rate it heeds nothing of this. Resolves when the last replies have had time to come.
   */
  async run(plan: FloodPlan): Promise<FloodResult> {
    const start = performance.now()
    const bytesBefore = this.sentBytes
    const { countMax = Number.POSITIVE_INFINITY, countMin = 0, milliseconds: end, perSecond, segmentCount = 1 } = plan
    this.askedPerSecond = Math.max(this.askedPerSecond, perSecond)
    const isUnbounded = perSecond === Number.POSITIVE_INFINITY
    const gauge = new QueueGauge(plan.toPort?.(0) ?? this.#port)
    let [sent, due, last] = [0, 0, start]
    while ((last - start < end || sent < countMin) && sent < countMax && last - start < LAST_MILLISECONDS_MAX) {
      await (isUnbounded ? turn() : delay(STEP_MILLISECONDS))
      const now = performance.now()
      const elapsed = Math.min(now - last, CATCH_UP_MILLISECONDS)
      if (isUnbounded) due = Math.min(countMax, sent + UNBOUNDED_COUNT * segmentCount)
      else if (!gauge.isFull(now)) due = Math.min(countMax, due + (elapsed * perSecond) / 1000)
      last = now
      while (sent + segmentCount <= due) {
        const count = Math.min(BATCH_COUNT, Math.floor((due - sent) / segmentCount))
        this.#sendSome(plan, count)
        sent += count * segmentCount
        if (!isUnbounded) this.receive()
      }
      this.receive()
    }
    const milliseconds = performance.now() - start
    await this.drain()
    return { sent, sentBytes: this.sentBytes - bytesBefore, milliseconds }
  }

  /**
   * A client's transport from one of the addresses: hundreds of clients need no socket of their own.
   * @param source a word as in TransportAddress
   */
  transport(source: number): ClientTransport {
    const localAddress = new TransportAddress().setIPv4(source, this.localPort)
    // No event tells of a socket that Node did not open: it is looked at.
    this.#timer ??= setInterval(() => this.receive(), STEP_MILLISECONDS)
    return {
      localAddress,
      send: (frame) => this.send(frame, source),
      receive: (onFrame) => void this.#ears.set(source, onFrame),
      close: async () => void this.#ears.delete(source),
    }
  }

  /** A client over such a transport, which asks again. */
  client(user: RequestOptions, source: number): PersistentClient {
    const transport = this.transport(source)
    this.#closing.teardown(() => transport.close())
    return new PersistentClient(transport, user)
  }

  /** One datagram to the server, now. */
  send(bytes: Uint8Array, source: number): void {
    this.#sendSome(
      {
        perSecond: 0,
        milliseconds: 0,
        source: () => source,
        fill: (slot) => {
          slot.set(bytes)
          return bytes.length
        },
      },
      1,
    )
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

  /** @param count of messages */
  #sendSome({ fill, segmentCount = 1, source = manySources, toPort }: FloodPlan, count: number): void {
    for (let index = 0; index < count; index++) {
      const number = this.#next
      const slot = this.#slots[index]
      let length = 0
      for (let segment = 0; segment < segmentCount; segment++) {
        length = fill(segment === 0 ? slot : slot.subarray(segment * length), this.#next++)
      }
      this.sentBytes += length * segmentCount
      this.#outgoing.set(index, {
        portWord: portWord(toPort === undefined ? this.#port : toPort(number)),
        hostWord: swapBytes(0x7f000001),
        sourceHostWord: swapBytes(source(number)),
        start: this.#slotStarts[index],
        segmentLength: length,
        segmentCount,
      })
    }
    let sent = 0
    while (sent < count) sent += this.#outgoing.send(sent, count - sent)
    this.sent += count * segmentCount
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
      this.#ears.get(to)?.(Buffer.from(bytes))
    }
  }
}

/** 10,000 of them in turn. */
const MANY = 10_000
export function manySources(index: number): number {
  return floodSource(index % MANY)
}

/** Floods' part of the report: all that they have sent and received. */
export function floodReport(milliseconds: number, ...floods: readonly Flood[]): Omit<AttackReport, 'failures'> {
  const sum = (read: (flood: Flood) => number) => floods.reduce((total, flood) => total + read(flood), 0)
  const askedPerSecond = sum((flood) => flood.askedPerSecond)
  return {
    ...(askedPerSecond > 0 ? { askedPerSecond } : {}),
    sent: sum(({ sent }) => sent),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    milliseconds,
    replies: sum(({ replies }) => replies),
    replyBytes: sum(({ replyBytes }) => replyBytes),
  }
}
