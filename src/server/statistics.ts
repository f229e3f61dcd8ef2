// What one core and its engine count, in memory that other threads may read: written by one thread, read by reports. A worker that
// is started again goes on with its predecessor's, so that nothing that was counted is lost.
//
//   engine     by COUNTER_ index        packets, bytes, calls
//   drops      by DROP_ reason          frames and datagrams that went nowhere
//   refusals   by reason                every refusal
//   heldBack   by reason                those of them that were not reported one by one
//   allocations  by TRANSPORT_          that were made
//   relays     by TRANSPORT_            that exist now
//   connectionRefusals, connectionsHeldBack   the same of connections that were closed before they asked for anything
//   words      32-bit: see WORD_
import { CONNECTION_REFUSAL_NAMES, type ConnectionRefusal } from '../log/connection-refusals.js'
import { REFUSAL_REASON_NAMES, type RefusalReason } from '../log/refusals.js'
import { COUNTER_NAMES } from '../net/counters.js'
import { DROP_NAMES } from '../turn/drop-reasons.js'
import { TRANSPORT_NAMES, type TransportName } from '../turn/five-tuple.js'

/** Allocations that exist now. */
export const WORD_ALLOCATIONS = 0
/** Commands that were posted to the worker: it looks for messages when this has changed. */
export const WORD_COMMANDS = 1
/** Batches of reports that the main thread has read. */
export const WORD_BATCHES_READ = 2
/** Reports that found no room. */
export const WORD_REPORTS_LOST = 3
/** Workers of this place that have died. */
export const WORD_DEATHS = 4
/** Messages of captured packets that the main thread has read. */
export const WORD_CAPTURES_READ = 5
/** Workers of this place that have ended: what was numbered by one of them is not its successors'. */
export const WORD_ENDS = 6
/** Relays that exist now, by TRANSPORT_ of their client. */
const RELAYS_START = 7
const WORD_COUNT = RELAYS_START + TRANSPORT_NAMES.length

const REASON_COUNT = REFUSAL_REASON_NAMES.length
const CONNECTION_REASON_COUNT = CONNECTION_REFUSAL_NAMES.length
const TRANSPORT_COUNT = TRANSPORT_NAMES.length
const ALLOCATIONS_START = COUNTER_NAMES.length + DROP_NAMES.length + 2 * REASON_COUNT + 2 * CONNECTION_REASON_COUNT
const FLOAT_COUNT = ALLOCATIONS_START + TRANSPORT_COUNT
const REASON_INDEXES: ReadonlyMap<string, number> = new Map(REFUSAL_REASON_NAMES.map((name, index) => [name, index]))

export class Statistics {
  readonly memory: SharedArrayBuffer
  readonly engine: Float64Array
  readonly drops: Float64Array
  readonly refusals: Float64Array
  readonly heldBack: Float64Array
  readonly connectionRefusals: Float64Array
  readonly connectionsHeldBack: Float64Array
  readonly allocations: Float64Array
  readonly relays: Int32Array
  readonly words: Int32Array

  /** @param memory of another Statistics, to share it; new and zero if absent */
  constructor(memory = new SharedArrayBuffer(FLOAT_COUNT * 8 + WORD_COUNT * 4)) {
    this.memory = memory
    const floats = new Float64Array(memory, 0, FLOAT_COUNT)
    const dropsStart = COUNTER_NAMES.length
    const refusalsStart = dropsStart + DROP_NAMES.length
    this.engine = floats.subarray(0, dropsStart)
    this.drops = floats.subarray(dropsStart, refusalsStart)
    this.refusals = floats.subarray(refusalsStart, refusalsStart + REASON_COUNT)
    const connectionsStart = refusalsStart + 2 * REASON_COUNT
    this.heldBack = floats.subarray(refusalsStart + REASON_COUNT, connectionsStart)
    this.connectionRefusals = floats.subarray(connectionsStart, connectionsStart + CONNECTION_REASON_COUNT)
    this.connectionsHeldBack = floats.subarray(connectionsStart + CONNECTION_REASON_COUNT, ALLOCATIONS_START)
    this.allocations = floats.subarray(ALLOCATIONS_START)
    this.words = new Int32Array(memory, FLOAT_COUNT * 8, WORD_COUNT)
    this.relays = this.words.subarray(RELAYS_START)
  }

  /** Reports that were lost because the main thread did not keep up. */
  get reportsLost(): number {
    return this.words[WORD_REPORTS_LOST]
  }

  get workerDeaths(): number {
    return this.words[WORD_DEATHS]
  }

  /** Its worker has ended unasked. */
  noteDeath(): void {
    this.words[WORD_DEATHS]++
  }

  /** Its worker has ended, however: what existed there does no more. */
  noteEnd(): void {
    this.words[WORD_ENDS]++
    this.words[WORD_ALLOCATIONS] = 0
    this.relays.fill(0)
  }
}

/** Numbers by TRANSPORT_, as people read them. */
export function byTransport(counts: ArrayLike<number>): Record<TransportName, number> {
  const [udp, tcp, tls, dtls] = Array.from(counts)
  return { udp, tcp, tls, dtls }
}

export function reasonIndex(reason: RefusalReason): number {
  return REASON_INDEXES.get(reason) as number
}

export function connectionReasonIndex(reason: ConnectionRefusal): number {
  return CONNECTION_REFUSAL_NAMES.indexOf(reason)
}

/** Sums over cores; plain numbers at one moment. */
export interface Totals {
  readonly engine: Float64Array
  readonly drops: Float64Array
  readonly refusals: Float64Array
  readonly heldBack: Float64Array
  readonly connectionRefusals: Float64Array
  readonly connectionsHeldBack: Float64Array
  readonly allocations: Float64Array
  readonly relays: Int32Array
  readonly reportsLost: number
  readonly workerDeaths: number
}

/** Of no core: all zero. */
export function totalsOf(parts: readonly Totals[]): Totals {
  const totals = new Statistics()
  for (const part of parts) {
    addTo(totals.engine, part.engine)
    addTo(totals.drops, part.drops)
    addTo(totals.refusals, part.refusals)
    addTo(totals.heldBack, part.heldBack)
    addTo(totals.connectionRefusals, part.connectionRefusals)
    addTo(totals.connectionsHeldBack, part.connectionsHeldBack)
    addTo(totals.allocations, part.allocations)
    addTo(totals.relays, part.relays)
    totals.words[WORD_REPORTS_LOST] += part.reportsLost
    totals.words[WORD_DEATHS] += part.workerDeaths
  }
  return totals
}

function addTo<Numbers extends Float64Array | Int32Array>(sums: Numbers, values: Numbers): void {
  for (let index = 0; index < values.length; index++) sums[index] += values[index]
}
