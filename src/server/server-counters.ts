// The counters of a server as people read them: names and numbers, averages worked out, what never happened left out.
import type { CounterValues } from '../admin/administered.js'
import { CONNECTION_REFUSAL_NAMES } from '../log/connection-refusals.js'
import { REFUSAL_REASON_NAMES } from '../log/refusals.js'
import {
  COUNTER_GSO_SEGMENTS,
  COUNTER_GSO_SENDS,
  COUNTER_NAMES,
  COUNTER_PACKETS_RECEIVED,
  COUNTER_RECEIVE_CALLS,
  type EngineCounterName,
} from '../net/counters.js'
import { DROP_NAMES } from '../turn/drop-reasons.js'
import { byTransport, type Totals } from './statistics.js'

/** Packets and bytes of all listeners and relays since start, and how well they were batched (0 where that is unknown). */
export type EngineCounters = Readonly<Record<EngineCounterName, number>> & {
  /** Packets for each call that received some. */
  readonly averageReceiveBatch: number
  /** Packets for each message that the kernel cut up (UDP_SEGMENT). */
  readonly averageGsoSegments: number
}

/** What the admin plane shows: every name, whether it has happened or not. */
export function counterValues(totals: Totals): CounterValues {
  const { allocations, connectionRefusals, drops, engine, refusals, reportsLost, workerDeaths } = totals
  return {
    engine: named(COUNTER_NAMES, engine),
    drops: named(DROP_NAMES, drops),
    refusals: named(REFUSAL_REASON_NAMES, refusals),
    connectionRefusals: named(CONNECTION_REFUSAL_NAMES, connectionRefusals),
    allocations: byTransport(allocations),
    workerDeaths,
    reportsLost,
  }
}

function named(names: readonly string[], counts: Float64Array): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, counts[index]]))
}

export interface ServerCounters {
  readonly engine: EngineCounters
  readonly drops: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  /** Connections that were closed before they asked TURN for anything. */
  readonly connectionRefusals: Readonly<Record<string, number>>
}

export function serverCounters({ connectionRefusals, drops, engine, refusals }: Totals): ServerCounters {
  return {
    engine: {
      ...(Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, engine[index]])) as EngineCounters),
      averageReceiveBatch: average(engine[COUNTER_PACKETS_RECEIVED], engine[COUNTER_RECEIVE_CALLS]),
      averageGsoSegments: average(engine[COUNTER_GSO_SEGMENTS], engine[COUNTER_GSO_SENDS]),
    },
    drops: occurred(DROP_NAMES, drops),
    refusals: occurred(REFUSAL_REASON_NAMES, refusals),
    connectionRefusals: occurred(CONNECTION_REFUSAL_NAMES, connectionRefusals),
  }
}

/** To two decimals. */
function average(sum: number, count: number): number {
  return count === 0 ? 0 : Math.round((sum / count) * 100) / 100
}

export function occurred(names: readonly string[], counts: Float64Array): Record<string, number> {
  const entries = names.map((name, index): [string, number] => [name, counts[index]])
  return Object.fromEntries(entries.filter(([, count]) => count > 0))
}
