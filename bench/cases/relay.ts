// End to end: turnd beside coturn on the same core of the same machine, under loads that fill it. All servers run all the time, all
// but one idle.
import type { BenchContext } from '../context.js'
import { describeLoadSlice, LOAD_HEAD, type LoadSlice, loadCells, loadSlice, wrongCount } from '../load-slice.js'
import { waitForQuiet } from '../quiet.js'
import { formatRatio, type Multiple, type Ratio, type Report, ratioTarget } from '../report.js'
import type { ServerName } from '../servers/commands.js'
import { runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type Round, ratioOf, runRounds, slicesOf } from '../slices.js'
import { median, sum } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { type Load, relayLoads, saturateOptions } from './loads.js'

interface Comparison {
  readonly load: Load
  /** Packets per second of the generator against itself: what it could do if the server took no time. */
  readonly generatorLimit: number
  readonly rounds: readonly Round<LoadSlice>[]
}

/** turnd's speed as a multiple of coturn's. */
interface SpeedRatio {
  readonly name: string
  readonly target: number | null
  readonly perSecond: Multiple
  readonly perCpuSecond: Multiple
}

const LIMIT_SECONDS = 0.5
const RATIO_TEXT = 'turnd as a multiple of coturn: median, smallest and largest of the rounds:'

export async function runRelay(context: BenchContext): Promise<Report> {
  const loads = relayLoads(context.options).filter(({ name }) => name.includes(context.options.load))
  if (loads.length === 0) throw new Error(`--load ${context.options.load}: no load is called so`)
  const commands = [...context.commands(), ...(context.turndDgram === null ? [] : [context.turndDgram])]
  return context.withServers(commands, async (servers) => {
    const comparisons: Comparison[] = []
    for (const load of loads) comparisons.push(await compare(context, load, servers))
    noteCapacity(context, comparisons)
    return report(context, comparisons, servers)
  })
}

/** A load on one server. */
export async function runLoad(
  context: BenchContext,
  load: Load,
  server: ServerProcess,
  seconds: number,
): Promise<LoadSlice> {
  const options = { ...context.stage(context.target(server)), ...saturateOptions(load), seconds }
  return loadSlice(await runGenerator<'saturate'>({ task: 'saturate', options }, context.options.cores.generator))
}

async function compare(context: BenchContext, load: Load, servers: readonly ServerProcess[]): Promise<Comparison> {
  const options = { ...context.stage(null), ...saturateOptions(load), seconds: LIMIT_SECONDS }
  await waitForQuiet(context)
  const own = await runGenerator<'saturate'>({ task: 'saturate', options }, context.options.cores.generator)
  const generatorLimit = own.delivered / own.seconds
  context.progress(`${load.name}: the generator against itself ${formatCount(generatorLimit)}/s`)
  const taking = servers.filter(({ name }) => name !== 'turnd dgram' || load.dgramTarget !== null)
  const run = (server: ServerProcess) => runLoad(context, load, server, context.options.seconds)
  return { load, generatorLimit, rounds: await runRounds(context, taking, load.name, run, describeLoadSlice) }
}

/** For the latency case: what coturn can do with single packets, the slower direction. */
function noteCapacity(context: BenchContext, comparisons: readonly Comparison[]): void {
  const capacities = comparisons
    .filter(({ load }) => load.dgramTarget !== null)
    .map(({ rounds }) => slicesOf(rounds, 'coturn').map((slice) => slice.packetsPerCpuSecond))
  if (capacities.length === 2 && capacities.every((values) => values.length > 0)) {
    context.coturnCapacity = Math.min(...capacities.map(median))
  }
}

function report(context: BenchContext, comparisons: readonly Comparison[], servers: readonly ServerProcess[]): Report {
  const isNative = servers.some((server) => server.name === 'turnd' && server.engine() === 'native')
  const native = comparisons.flatMap((comparison) => {
    return isNative ? speedRatio(comparison, 'turnd', comparison.load.name, comparison.load.target) : []
  })
  const dgram = comparisons.flatMap((comparison) => {
    const { name, dgramTarget } = comparison.load
    return speedRatio(comparison, isNative ? 'turnd dgram' : 'turnd', `dgram engine: ${name}`, dgramTarget)
  })
  const speedRatios = [...native, ...dgram]
  const slices = comparisons.flatMap(({ rounds }) => rounds.flatMap((round) => [...round.values()]))
  const wrong = sum(slices.map(wrongCount))
  if (wrong > 0) context.progress(`ATTENTION: ${wrong} packets were damaged, doubled or delivered to others`)
  return {
    sections: [
      {
        text: `turnd with its ${isNative ? 'native' : 'dgram'} engine. Medians of the slices:`,
        table: sliceTable(comparisons),
      },
      ...(speedRatios.length === 0 ? [] : [{ text: RATIO_TEXT, table: ratioTable(speedRatios) }]),
    ],
    data: comparisons.map(({ rounds, ...rest }) => ({
      ...rest,
      rounds: rounds.map((round) => Object.fromEntries(round)),
    })),
    ratios: speedRatios.map(ratioPerCpuSecond),
    targets: speedRatios.flatMap((each) => {
      return ratioTarget(ratioPerCpuSecond(each), ` per CPU s, ${each.perSecond.median.toFixed(2)} × per s`)
    }),
  }
}

/** Nothing where the server or coturn was not measured. */
function speedRatio({ rounds }: Comparison, server: ServerName, name: string, target: number | null): SpeedRatio[] {
  const perSecond = ratioOf(rounds, [server, 'coturn'], (slice) => slice.packetsPerSecond)
  const perCpuSecond = ratioOf(rounds, [server, 'coturn'], (slice) => slice.packetsPerCpuSecond)
  return perSecond === null || perCpuSecond === null ? [] : [{ name, target, perSecond, perCpuSecond }]
}

function ratioPerCpuSecond({ name, target, perCpuSecond }: SpeedRatio): Ratio {
  return { name, target, ...perCpuSecond }
}

function sliceTable(comparisons: readonly Comparison[]): Table {
  return {
    head: ['load', 'server', ...LOAD_HEAD, 'generator alone'],
    rows: comparisons.flatMap(({ load, rounds, generatorLimit }) => {
      const names = [...(rounds[0]?.keys() ?? [])]
      return names.map((name) => [load.name, name, ...loadCells(slicesOf(rounds, name)), formatCount(generatorLimit)])
    }),
  }
}

function ratioTable(speedRatios: readonly SpeedRatio[]): Table {
  return {
    head: ['load', 'packets per second', 'packets per server CPU second', 'target'],
    rows: speedRatios.map(({ name, perSecond, perCpuSecond, target }) => [
      name,
      formatRatio(perSecond),
      formatRatio(perCpuSecond),
      target === null ? '–' : `≥ ${target} ×`,
    ]),
  }
}
