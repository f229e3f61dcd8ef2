// End to end: turnd beside coturn on the same core of the same machine, under loads that fill it. All servers run all the time, all
// but one idle.
import type { BenchContext } from '../context.js'
import { describeLoadSlice, LOAD_HEAD, type LoadSlice, loadCells, loadSlice, wrongCount } from '../load-slice.js'
import { formatRatio, type Ratio, type Report, ratioTarget, type TargetRow } from '../report.js'
import type { ServerName } from '../servers/commands.js'
import { runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type Round, ratioOf, runRounds, slicesOf } from '../slices.js'
import { median, type Spread, sum } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { type Load, relayLoads, saturateOptions } from './loads.js'

interface Comparison {
  readonly load: Load
  /** Packets per second of the generator against itself: what it could do if the server took no time. */
  readonly generatorLimit: number
  readonly rounds: readonly Round<LoadSlice>[]
}

/** One server's speed as a multiple of another's. */
interface Multiple {
  readonly perSecond: Spread
  readonly perCpuSecond: Spread
}

const LIMIT_SECONDS = 0.5

export async function runRelay(context: BenchContext): Promise<Report> {
  const loads = relayLoads(context.options.flowCount).filter(({ name }) => name.includes(context.options.load))
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
    .filter(({ load }) => load.burst === 1 && load.framing === 'channel')
    .map(({ rounds }) => slicesOf(rounds, 'coturn').map((slice) => slice.packetsPerCpuSecond))
  if (capacities.length === 2 && capacities.every((values) => values.length > 0)) {
    context.coturnCapacity = Math.min(...capacities.map(median))
  }
}

function multiple({ rounds }: Comparison, names: readonly [ServerName, ServerName]): Multiple | null {
  const perSecond = ratioOf(rounds, names, (slice) => slice.packetsPerSecond)
  const perCpuSecond = ratioOf(rounds, names, (slice) => slice.packetsPerCpuSecond)
  return perSecond === null || perCpuSecond === null ? null : { perSecond, perCpuSecond }
}

function report(context: BenchContext, comparisons: readonly Comparison[], servers: readonly ServerProcess[]): Report {
  const isNative = servers.some((server) => server.name === 'turnd' && server.engine() === 'native')
  const ratios: Ratio[] = []
  const targets: TargetRow[] = []
  const multiples: string[][] = []
  for (const comparison of comparisons) {
    const { name, target, dgramTarget } = comparison.load
    const own = multiple(comparison, ['turnd', 'coturn'])
    const dgram = isNative ? multiple(comparison, ['turnd dgram', 'coturn']) : own
    if (own !== null && isNative) note(name, own, target)
    if (dgram !== null && (dgramTarget !== null || !isNative)) note(`dgram engine: ${name}`, dgram, dgramTarget)
  }
  function note(name: string, { perSecond, perCpuSecond }: Multiple, target: number | null): void {
    const ratio = { name, ...perCpuSecond, target }
    ratios.push(ratio)
    targets.push(...ratioTarget(ratio, ` per CPU s, ${perSecond.median.toFixed(2)} × per s`))
    multiples.push([name, formatRatio(perSecond), formatRatio(perCpuSecond), target === null ? '–' : `≥ ${target} ×`])
  }
  const wrong = sum(
    comparisons.map(({ rounds }) => sum(rounds.flatMap((round) => [...round.values()].map(wrongCount)))),
  )
  if (wrong > 0) context.progress(`ATTENTION: ${wrong} packets were damaged, doubled or delivered to others`)
  return {
    sections: [
      {
        text: `turnd with its ${isNative ? 'native' : 'dgram'} engine. Medians of the slices:`,
        table: sliceTable(comparisons),
      },
      {
        text: 'turnd as a multiple of coturn, median, smallest and largest of the rounds:',
        table: ratioTable(multiples),
      },
    ],
    data: comparisons.map(({ rounds, ...rest }) => ({
      ...rest,
      rounds: rounds.map((round) => Object.fromEntries(round)),
    })),
    ratios,
    targets,
  }
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

function ratioTable(rows: readonly (readonly string[])[]): Table {
  return { head: ['load', 'packets per second', 'packets per server CPU second', 'target'], rows }
}
