// Clients over TCP and TLS: turnd beside coturn on the same core of the same machine, each direction filled. What is relayed is UDP, as
// always. Compared is the payload that is delivered, per second and per second of the server's CPU time, all of its threads together.
import { readFileSync } from 'node:fs'
import type { BenchContext } from '../context.js'
import type { StreamTls } from '../generator/stream-client.js'
import type { StreamsOptions, StreamsResult } from '../generator/streams.js'
import { describeLoadSlice, LOAD_HEAD, type LoadSlice, loadCells, loadSlice, wrongCount } from '../load-slice.js'
import { formatRatio, type Multiple, type Ratio, type Report, ratioTarget } from '../report.js'
import { withCertificate } from '../servers/certificate.js'
import { USER } from '../servers/commands.js'
import { nextNetwork, runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { commonTlsVersion } from '../servers/tls-version.js'
import { type Round, ratioOf, runRounds, slicesOf } from '../slices.js'
import { median, sum } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { type StreamLoad, streamLoads } from './stream-loads.js'

type StreamSlice = StreamsResult & LoadSlice

interface Comparison {
  readonly load: StreamLoad
  readonly rounds: readonly Round<StreamSlice>[]
}

interface SpeedRatio {
  readonly load: StreamLoad
  readonly perSecond: Multiple
  readonly perCpuSecond: Multiple
}

const FLOW_COUNT = 20
const WARM_UP_SECONDS = 0.5
/** Loads that nothing is promised for get by with fewer. */
const ROUNDS_WITHOUT_TARGET = 3
const RATIO_TEXT = 'turnd as a multiple of coturn: median, smallest and largest of the rounds:'

export async function runStreams(context: BenchContext): Promise<Report> {
  const loads = streamLoads().filter(({ name }) => name.includes(context.options.load))
  if (loads.length === 0) throw new Error(`--load ${context.options.load}: no load is called so`)
  return withCertificate((files) =>
    context.withServers(context.streamCommands(files), async (servers) => {
      const tls = { version: await commonTlsVersion(servers), certificate: readFileSync(files.certificate, 'utf8') }
      const comparisons: Comparison[] = []
      for (const load of loads) comparisons.push(await compare(context, load, servers, tls))
      return report(context, comparisons)
    }),
  )
}

async function compare(
  context: BenchContext,
  load: StreamLoad,
  servers: readonly ServerProcess[],
  tls: StreamTls,
): Promise<Comparison> {
  const { seconds, pairCount, cores } = context.options
  const run = async (server: ServerProcess): Promise<StreamSlice> => {
    const isSecure = load.transport === 'TLS'
    const options: StreamsOptions = {
      target: context.target(server),
      port: isSecure ? server.tlsPort : server.port,
      tls: isSecure ? tls : null,
      user: USER,
      network: nextNetwork(),
      flowCount: FLOW_COUNT,
      direction: load.direction,
      payloadLength: load.payloadLength,
      burst: load.burst,
      inFlightMax: load.inFlightMax,
      canInject: context.canInject,
      warmUpSeconds: WARM_UP_SECONDS,
      seconds,
    }
    return loadSlice(await runGenerator<'streams'>({ task: 'streams', options }, cores.generator))
  }
  const describe = (slice: StreamSlice) => {
    return `${formatCount(megabits(load, slice.packetsPerSecond))} Mbit/s by ${slice.transport}, ${describeLoadSlice(slice)}`
  }
  const roundCount = load.target === null ? Math.min(ROUNDS_WITHOUT_TARGET, pairCount) : pairCount
  return { load, rounds: await runRounds(context, servers, load.name, run, describe, roundCount) }
}

/** Of payload: what a stream needs for its frames and records does not count. */
function megabits({ payloadLength }: StreamLoad, packets: number): number {
  return (packets * payloadLength * 8) / 1e6
}

function report(context: BenchContext, comparisons: readonly Comparison[]): Report {
  const speedRatios = comparisons.flatMap(speedRatio)
  const slices = comparisons.flatMap(({ rounds }) => rounds.flatMap((round) => [...round.values()]))
  const wrong = sum(slices.map(wrongCount))
  if (wrong > 0) context.progress(`ATTENTION: ${wrong} packets were damaged, doubled or delivered to others`)
  const transports = [...new Set(slices.map(({ transport }) => transport))].join(', ')
  return {
    sections: [
      { text: `${FLOW_COUNT} clients; ${transports}. Medians of the slices:`, table: sliceTable(comparisons) },
      ...(speedRatios.length === 0 ? [] : [{ text: RATIO_TEXT, table: ratioTable(speedRatios) }]),
    ],
    data: comparisons.map(({ load, rounds }) => ({ load, rounds: rounds.map((round) => Object.fromEntries(round)) })),
    ratios: speedRatios.map(ratioPerCpuSecond),
    targets: speedRatios.flatMap((each) => {
      return ratioTarget(ratioPerCpuSecond(each), ` per CPU s, ${each.perSecond.median.toFixed(2)} × per s`)
    }),
  }
}

/** Nothing where one of the servers was not measured. */
function speedRatio({ load, rounds }: Comparison): SpeedRatio[] {
  const perSecond = ratioOf(rounds, ['turnd', 'coturn'], (slice) => slice.packetsPerSecond)
  const perCpuSecond = ratioOf(rounds, ['turnd', 'coturn'], (slice) => slice.packetsPerCpuSecond)
  return perSecond === null || perCpuSecond === null ? [] : [{ load, perSecond, perCpuSecond }]
}

function ratioPerCpuSecond({ load, perCpuSecond }: SpeedRatio): Ratio {
  return { name: load.name, target: load.target, ...perCpuSecond }
}

function sliceTable(comparisons: readonly Comparison[]): Table {
  return {
    head: ['load', 'server', 'Mbit/s', 'Mbit per CPU s', ...LOAD_HEAD],
    rows: comparisons.flatMap(({ load, rounds }) => {
      return [...(rounds[0]?.keys() ?? [])].map((name) => {
        const slices = slicesOf(rounds, name)
        const middle = (value: (slice: StreamSlice) => number) => formatCount(megabits(load, median(slices.map(value))))
        const rates = [middle((slice) => slice.packetsPerSecond), middle((slice) => slice.packetsPerCpuSecond)]
        return [load.name, name, ...rates, ...loadCells(slices)]
      })
    }),
  }
}

function ratioTable(speedRatios: readonly SpeedRatio[]): Table {
  return {
    head: ['load', 'per second', 'per server CPU second', 'target'],
    rows: speedRatios.map(({ load, perSecond, perCpuSecond }) => [
      load.name,
      formatRatio(perSecond),
      formatRatio(perCpuSecond),
      load.target === null ? '–' : `≥ ${load.target} ×`,
    ]),
  }
}
