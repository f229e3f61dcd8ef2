// A slice of load on one server: what the generator found, and what follows from it.
import type { LoadResult } from './generator/meter.js'
import { DISTURBANCE_LIMIT, type SliceFacts } from './slices.js'
import { median, sum } from './statistics.js'
import { formatCount, formatPercent } from './table.js'

export interface LoadSlice extends LoadResult, SliceFacts {
  readonly packetsPerSecond: number
  readonly serverCpuSeconds: number
  readonly packetsPerCpuSecond: number
}

/** Above this share of the server's core it is the server that limits. */
const SERVER_LIMIT = 0.95
/** A generator with less spare time than this is near its own limit too. */
const GENERATOR_IDLE_MIN = 0.05

export function loadSlice<Result extends LoadResult>(result: Result): Result & LoadSlice {
  const serverCpuSeconds = result.serverUserSeconds + result.serverSystemSeconds
  const others = Math.max(0, (result.coreBusySeconds - serverCpuSeconds) / result.seconds)
  return {
    ...result,
    packetsPerSecond: result.delivered / result.seconds,
    serverCpuSeconds,
    packetsPerCpuSecond: result.delivered / serverCpuSeconds,
    disturbance: Math.max(others, result.generatorHeldUp),
  }
}

export function wrongCount(slice: LoadResult): number {
  return slice.duplicates + slice.corrupted + slice.misdelivered
}

export function describeLoadSlice(slice: LoadSlice): string {
  const cpu = formatPercent(slice.serverCpuSeconds / slice.seconds)
  const rates = `${formatCount(slice.packetsPerSecond)}/s, ${formatCount(slice.packetsPerCpuSecond)} per CPU second`
  const wrong = wrongCount(slice) > 0 ? `, WRONG DELIVERIES ${wrongCount(slice)}` : ''
  const idle = formatPercent(slice.generatorIdle)
  return `${rates}, CPU ${cpu}, generator idle ${idle}, lost ${slice.lost} of ${slice.sent}${wrong}`
}

export const LOAD_HEAD = ['packets/s', 'per CPU s', 'CPU', 'per arrival', 'lost', 'wrong', 'generator idle', 'limit']

/** The cells of LOAD_HEAD for all slices of one server: medians; totals of what went wrong. */
export function loadCells(slices: readonly LoadSlice[]): string[] {
  const middle = (value: (slice: LoadSlice) => number) => median(slices.map(value))
  const cpu = middle((slice) => slice.serverCpuSeconds / slice.seconds)
  const idle = middle((slice) => slice.generatorIdle)
  const disturbance = middle((slice) => slice.disturbance)
  return [
    formatCount(middle((slice) => slice.packetsPerSecond)),
    formatCount(middle((slice) => slice.packetsPerCpuSecond)),
    formatPercent(cpu),
    middle((slice) => slice.packetsPerArrival).toFixed(1),
    formatPercent(sum(slices.map((slice) => slice.lost)) / sum(slices.map((slice) => slice.sent)), 3),
    formatCount(sum(slices.map(wrongCount))),
    formatPercent(idle),
    limit(cpu, idle, disturbance),
  ]
}

/** What kept the server from relaying more: its core, other programs on the cores, or the offered load. */
function limit(cpu: number, generatorIdle: number, disturbance: number): string {
  if (cpu >= SERVER_LIMIT) return generatorIdle >= GENERATOR_IDLE_MIN ? 'server' : 'both'
  return disturbance > DISTURBANCE_LIMIT ? 'other programs' : 'generator'
}
