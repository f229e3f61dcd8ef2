// End to end: turnd beside coturn on the same core of the same machine, in alternating slices. Both servers run all the time, one
// of them idle. The first pair warms up and is discarded; ratios are taken pair by pair, so that a drifting machine cancels out.
import { median } from './measure.js'
import { PAYLOAD_LENGTH } from './micro.js'
import type { Direction, Load } from './relay/generator.js'
import { type ServerCommand, ServerProcess } from './relay/server-process.js'
import { type Cores, runSlice, type Slice } from './relay/slice.js'
import { formatCount, type Table } from './table.js'

export interface RelayBenchOptions {
  readonly turnd: ServerCommand
  /** null where there is none: then turnd runs alone. */
  readonly coturn: ServerCommand | null
  readonly cores: Cores
  readonly flowCounts: readonly number[]
  readonly inFlightMax: number
  readonly seconds: number
  /** Pairs of slices, the discarded first one included. */
  readonly pairCount: number
}

export interface Comparison {
  readonly name: string
  readonly load: Load
  /** All slices but those of the first pair. */
  readonly slices: readonly Slice[]
}

/** Above this share of the server's core it is the server that limits. */
const SERVER_LIMIT = 0.95
/** A generator with less spare time than this is near its own limit too. */
const GENERATOR_IDLE_MIN = 0.05
const DISTURBANCE_LIMIT = 0.05
const REPEAT_COUNT_MAX = 3

export async function runRelayBench(
  options: RelayBenchOptions,
  progress: (line: string) => void,
): Promise<Comparison[]> {
  const servers: ServerProcess[] = []
  try {
    for (const command of [options.turnd, options.coturn]) {
      if (command !== null) servers.push(await ServerProcess.start(command, options.cores.server))
    }
    const comparisons: Comparison[] = []
    for (const load of loads(options)) comparisons.push(await compare(load, servers, options, progress))
    return comparisons
  } finally {
    for (const server of servers) await server.stop()
  }
}

function loads(options: RelayBenchOptions): Load[] {
  const { flowCounts, inFlightMax } = options
  const directions: Direction[] = ['client-to-peer', 'peer-to-client']
  const load = (direction: Direction, framing: Load['framing'], flowCount: number): Load => {
    return { direction, framing, flowCount, payloadLength: PAYLOAD_LENGTH, inFlightMax }
  }
  return [
    ...flowCounts.flatMap((flowCount) => directions.map((direction) => load(direction, 'channel', flowCount))),
    ...directions.map((direction) => load(direction, 'indication', flowCounts[0])),
  ]
}

async function compare(
  load: Load,
  servers: readonly ServerProcess[],
  options: RelayBenchOptions,
  progress: (line: string) => void,
): Promise<Comparison> {
  const name = describe(load)
  const slices: Slice[] = []
  for (let pair = 0; pair < options.pairCount; pair++) {
    for (const server of servers) {
      const label = `${name}, pair ${pair}${pair === 0 ? ' (discarded)' : ''}`
      const slice = await runQuietSlice(server, load, options, (line) => progress(`${label}: ${line}`))
      if (pair > 0) slices.push(slice)
    }
  }
  return { name, load, slices }
}

/** A slice that other programs disturbed is measured again, a few times at most. */
async function runQuietSlice(
  server: ServerProcess,
  load: Load,
  options: RelayBenchOptions,
  progress: (line: string) => void,
): Promise<Slice> {
  for (let repeat = 0; ; repeat++) {
    const slice = await runSlice(server, load, options.seconds, options.cores)
    const again = slice.disturbance > DISTURBANCE_LIMIT && repeat < REPEAT_COUNT_MAX
    progress(`${describeSlice(slice)}${again ? ': measured again' : ''}`)
    if (!again) return slice
  }
}

function describe(load: Load): string {
  const framing = load.framing === 'channel' ? 'ChannelData' : 'indications'
  const arrow = load.direction === 'client-to-peer' ? 'client → peer' : 'peer → client'
  return `${framing}, ${arrow}, ${load.flowCount} ${load.flowCount === 1 ? 'allocation' : 'allocations'}`
}

function describeSlice(slice: Slice): string {
  const cpu = percent(slice.serverCpuSeconds / slice.seconds)
  const rates = `${formatCount(slice.packetsPerSecond)}/s, ${formatCount(slice.packetsPerCpuSecond)} per CPU second`
  const wrong = slice.duplicates + slice.corrupted + slice.misdelivered
  const parts = [`${slice.server} ${rates}, CPU ${cpu}, generator idle ${percent(slice.generatorIdle)}`]
  parts.push(`lost ${slice.lost} of ${slice.sent}`)
  if (wrong > 0) parts.push(`WRONG DELIVERIES ${wrong}`)
  if (slice.disturbance > DISTURBANCE_LIMIT) parts.push(`others used ${percent(slice.disturbance)} of the core`)
  return parts.join(', ')
}

export function relayTable(comparisons: readonly Comparison[]): Table {
  return {
    head: ['load', 'server', 'packets/s', 'per CPU s', 'CPU', 'lost', 'wrong', 'generator idle', 'limit'],
    rows: comparisons.flatMap(({ name, slices }) => {
      return [...new Set(slices.map((slice) => slice.server))].map((server) => {
        const own = slices.filter((slice) => slice.server === server)
        return [name, server, ...serverCells(own)]
      })
    }),
  }
}

function serverCells(slices: readonly Slice[]): string[] {
  const middle = (value: (slice: Slice) => number) => median(slices.map(value))
  const total = (value: (slice: Slice) => number) => slices.reduce((sum, slice) => sum + value(slice), 0)
  const cpu = middle((slice) => slice.serverCpuSeconds / slice.seconds)
  const idle = middle((slice) => slice.generatorIdle)
  const disturbance = middle((slice) => slice.disturbance)
  return [
    formatCount(middle((slice) => slice.packetsPerSecond)),
    formatCount(middle((slice) => slice.packetsPerCpuSecond)),
    percent(cpu),
    percent(total((slice) => slice.lost) / total((slice) => slice.sent), 3),
    formatCount(total((slice) => slice.duplicates + slice.corrupted + slice.misdelivered)),
    percent(idle),
    limit(cpu, idle, disturbance),
  ]
}

/** What kept the server from relaying more: its core, other programs on that core, or the offered load. */
function limit(cpu: number, generatorIdle: number, disturbance: number): string {
  if (cpu >= SERVER_LIMIT) return generatorIdle >= GENERATOR_IDLE_MIN ? 'server' : 'both'
  return disturbance > DISTURBANCE_LIMIT ? 'other programs' : 'generator'
}

/** turnd ÷ coturn, pair by pair. */
export function ratioTable(comparisons: readonly Comparison[]): Table {
  return {
    head: ['load', 'packets/s', 'spread', 'per CPU second', 'spread', 'pairs'],
    rows: comparisons.flatMap(({ name, slices }) => {
      const pairs = quietPairs(slices)
      const ratios = (value: (slice: Slice) => number) => pairs.map(([turnd, coturn]) => value(turnd) / value(coturn))
      const perSecond = ratios((slice) => slice.packetsPerSecond)
      const perCpuSecond = ratios((slice) => slice.packetsPerCpuSecond)
      return pairs.length === 0
        ? []
        : [[name, ...ratioCells(perSecond), ...ratioCells(perCpuSecond), String(pairs.length)]]
    }),
  }
}

/** The pairs (turnd, coturn) that nothing disturbed; all of them, if there is none. */
function quietPairs(slices: readonly Slice[]): [Slice, Slice][] {
  const turnd = slices.filter((slice) => slice.server === 'turnd')
  const coturn = slices.filter((slice) => slice.server === 'coturn')
  const pairs = turnd.slice(0, coturn.length).map((slice, index): [Slice, Slice] => [slice, coturn[index]])
  const quiet = pairs.filter((pair) => pair.every((slice) => slice.disturbance <= DISTURBANCE_LIMIT))
  return quiet.length > 0 ? quiet : pairs
}

function ratioCells(values: readonly number[]): string[] {
  return [`${median(values).toFixed(2)} ×`, `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`]
}

function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`
}
