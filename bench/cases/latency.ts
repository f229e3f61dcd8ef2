// How long a packet takes through the server under a light load: single packets, both directions at once, at 30 % of what coturn can.
import type { BenchContext } from '../context.js'
import type { PacedResult } from '../generator/paced.js'
import { describeLoadSlice, type LoadSlice, loadSlice } from '../load-slice.js'
import { PAYLOAD_LENGTH } from '../micro.js'
import type { Report } from '../report.js'
import { runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type Round, ratioOf, runRounds, slicesOf } from '../slices.js'
import { median, sum } from '../statistics.js'
import { formatCount, formatPercent, type Table } from '../table.js'
import { relayLoads } from './loads.js'
import { runLoad } from './relay.js'

type LatencySlice = PacedResult & LoadSlice

const LOAD_SHARE = 0.3
const CAPACITY_SECONDS = 1

export async function runLatency(context: BenchContext): Promise<Report> {
  return context.withServers(context.commands(), async (servers) => {
    const capacity = context.coturnCapacity ?? (await measureCapacity(context, servers))
    const packetsPerSecond = Math.round(capacity * LOAD_SHARE)
    const run = async (server: ServerProcess): Promise<LatencySlice> => {
      const stage = context.stage(context.target(server))
      const options = {
        ...stage,
        payloadLength: PAYLOAD_LENGTH,
        packetsPerSecond,
        warmUpSeconds: 0.5,
        seconds: context.options.seconds,
      }
      return loadSlice(await runGenerator<'paced'>({ task: 'paced', options }, context.options.cores.generator))
    }
    const describe = (slice: LatencySlice) => `p99 ${slice.microseconds.p99.toFixed(0)} µs, ${describeLoadSlice(slice)}`
    return report(packetsPerSecond, await runRounds(context, servers, 'latency', run, describe))
  })
}

/** What the last of the servers (coturn, if it is here) can do with single packets, in the slower direction. */
async function measureCapacity(context: BenchContext, servers: readonly ServerProcess[]): Promise<number> {
  const server = servers[servers.length - 1]
  const rates: number[] = []
  for (const load of relayLoads(context.options)) {
    if (load.dgramTarget === null) continue
    const slice = await runLoad(context, load, server, CAPACITY_SECONDS)
    context.progress(`capacity of ${server.name}, ${load.name}: ${describeLoadSlice(slice)}`)
    rates.push(slice.packetsPerCpuSecond)
  }
  return Math.min(...rates)
}

function report(packetsPerSecond: number, rounds: readonly Round<LatencySlice>[]): Report {
  const advantage = ratioOf(rounds, ['coturn', 'turnd'], (slice) => slice.microseconds.p99)
  const p99 = (server: 'turnd' | 'coturn') => median(slicesOf(rounds, server).map((slice) => slice.microseconds.p99))
  const text = `${formatCount(packetsPerSecond)} packets a second, half of them in each direction. Microseconds, medians of the slices:`
  return {
    sections: [{ text, table: table(rounds) }],
    data: { packetsPerSecond, rounds: rounds.map((round) => Object.fromEntries(round)) },
    ratios: advantage === null ? [] : [{ name: 'p99 latency at 30 % load', ...advantage, target: 1 }],
    targets:
      advantage === null
        ? []
        : [
            {
              what: 'p99 latency at 30 % load',
              target: "≤ coturn's",
              measured: `${p99('turnd').toFixed(0)} µs, coturn ${p99('coturn').toFixed(0)} µs${advantage.isDisturbed ? ', disturbed' : ''}`,
              isMet: p99('turnd') <= p99('coturn'),
            },
          ],
  }
}

function table(rounds: readonly Round<LatencySlice>[]): Table {
  const names = [...(rounds[0]?.keys() ?? [])]
  return {
    head: ['server', 'p50', 'p95', 'p99', 'p99.9', 'CPU', 'lost', 'samples', 'generator idle', 'generator held up'],
    rows: names.map((name) => {
      const slices = slicesOf(rounds, name)
      const middle = (value: (slice: LatencySlice) => number) => median(slices.map(value))
      return [
        name,
        ...(['p50', 'p95', 'p99', 'p999'] as const).map((key) => middle((slice) => slice.microseconds[key]).toFixed(0)),
        formatPercent(middle((slice) => slice.serverCpuSeconds / slice.seconds)),
        formatPercent(sum(slices.map((slice) => slice.lost)) / sum(slices.map((slice) => slice.sent)), 3),
        formatCount(sum(slices.map((slice) => slice.sampleCount))),
        formatPercent(middle((slice) => slice.generatorIdle)),
        `${formatCount(sum(slices.map((slice) => slice.stallCount)))} times`,
      ]
    }),
  }
}
