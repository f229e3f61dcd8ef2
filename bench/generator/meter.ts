// Readings at the start and the end of what is measured: time, packets, the server's CPU time, its core's.
import { coreBusySeconds, cpuTime } from '../servers/proc-files.js'
import type { Deliveries } from './payload.js'
import type { Target } from './stage.js'

/** What is read of one direction of a load. */
export interface MeteredLane {
  readonly sender: { readonly sent: number }
  readonly receiver: { readonly received: number; readonly arrivals: number; readonly deliveries: Deliveries }
}

/** What a load did. */
export interface LoadResult {
  readonly seconds: number
  /** Delivered, once and whole, to where they belong, in the measured time. */
  readonly delivered: number
  /** Packets that arrived for each datagram that the kernel handed over: 16 where bursts of 16 stay whole. */
  readonly packetsPerArrival: number
  /** User and system time of all threads of the server. */
  readonly serverUserSeconds: number
  readonly serverSystemSeconds: number
  /** Of the server's core, whoever used it. */
  readonly coreBusySeconds: number
  /** The share of the measured time in which the generator did not have its core. */
  readonly generatorHeldUp: number
  /** The share of the measured time in which the generator neither sent nor received anything. */
  readonly generatorIdle: number
  // From the first packet to the last, before and after the measured time too.
  readonly sent: number
  readonly lost: number
  readonly duplicates: number
  readonly reordered: number
  readonly corrupted: number
  readonly misdelivered: number
}

interface Reading {
  readonly milliseconds: number
  readonly delivered: number
  readonly received: number
  readonly arrivals: number
  readonly userSeconds: number
  readonly systemSeconds: number
  readonly busySeconds: number
  readonly ownSeconds: number
}

export class Meter {
  readonly #lanes: readonly MeteredLane[]
  readonly #target: Target | null
  #start: Reading
  #end: Reading

  constructor(lanes: readonly MeteredLane[], target: Target | null) {
    this.#lanes = lanes
    this.#target = target
    this.#start = this.#read()
    this.#end = this.#start
  }

  start(): void {
    this.#start = this.#read()
  }

  stop(): void {
    this.#end = this.#read()
  }

  /** Called when nothing is on its way any more. */
  result(generatorIdleMilliseconds: number): LoadResult {
    const start = this.#start
    const end = this.#end
    const elapsed = end.milliseconds - start.milliseconds
    const sent = this.#sum((lane) => lane.sender.sent)
    return {
      seconds: elapsed / 1000,
      delivered: end.delivered - start.delivered,
      packetsPerArrival: (end.received - start.received) / Math.max(1, end.arrivals - start.arrivals),
      serverUserSeconds: end.userSeconds - start.userSeconds,
      serverSystemSeconds: end.systemSeconds - start.systemSeconds,
      coreBusySeconds: end.busySeconds - start.busySeconds,
      generatorHeldUp: Math.max(0, 1 - (end.ownSeconds - start.ownSeconds) / (elapsed / 1000)),
      generatorIdle: generatorIdleMilliseconds / elapsed,
      sent,
      lost: sent - this.#sum((lane) => lane.receiver.deliveries.delivered),
      duplicates: this.#sum((lane) => lane.receiver.deliveries.duplicates),
      reordered: this.#sum((lane) => lane.receiver.deliveries.reordered),
      corrupted: this.#sum((lane) => lane.receiver.deliveries.corrupted),
      misdelivered: this.#sum((lane) => lane.receiver.deliveries.misdelivered),
    }
  }

  #read(): Reading {
    const target = this.#target
    const cpu = target === null ? { userSeconds: 0, systemSeconds: 0 } : cpuTime(target.pid)
    const own = process.cpuUsage()
    return {
      ...cpu,
      busySeconds: target === null ? 0 : coreBusySeconds(target.core),
      delivered: this.#sum((lane) => lane.receiver.deliveries.delivered),
      received: this.#sum((lane) => lane.receiver.received),
      arrivals: this.#sum((lane) => lane.receiver.arrivals),
      ownSeconds: (own.user + own.system) / 1e6,
      milliseconds: performance.now(),
    }
  }

  #sum(value: (lane: MeteredLane) => number): number {
    return this.#lanes.reduce((sum, lane) => sum + value(lane), 0)
  }
}
