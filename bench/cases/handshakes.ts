// What a crowd at the door does to those who talk inside: the latency of media over UDP, with and without TLS handshakes at the same server.
// All threads of the server share its core: the hard case. The clients that shake hands need a core too; where there are two, it is
// the generator's, which notices when it is held up and leaves out what arrived meanwhile.
import type { BenchContext } from '../context.js'
import type { HandshakesResult } from '../generator/handshakes.js'
import type { PacedResult } from '../generator/paced.js'
import { describeLoadSlice, type LoadSlice, loadSlice } from '../load-slice.js'
import { PAYLOAD_LENGTH } from '../micro.js'
import { formatRatio, type Report } from '../report.js'
import { withCertificate } from '../servers/certificate.js'
import { nextNetwork, runGenerator, startGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { commonTlsVersion, type TlsVersion } from '../servers/tls-version.js'
import { type Round, ratioOf, runRounds, type SliceFacts, slicesOf } from '../slices.js'
import { median, spreadOf, sum } from '../statistics.js'
import { formatCount, formatPercent, type Table } from '../table.js'

type LatencySlice = PacedResult & LoadSlice

/** One after the other, so that their ratio says something on a machine that drifts. */
interface HandshakeSlice extends SliceFacts {
  readonly without: LatencySlice
  readonly during: LatencySlice
  readonly handshakes: HandshakesResult
}

const PACKETS_PER_SECOND = 20_000
const HANDSHAKES_PER_SECOND = 500
const WARM_UP_SECONDS = 0.5
/** The clients have begun, and what is slow at first is over, before packets flow. */
const LEAD_MS = 700
/** The generator's loop takes a few microseconds: after so long somebody else had its core, and here that is often. */
const STALL_MS = 0.03

export async function runHandshakes(context: BenchContext): Promise<Report> {
  return withCertificate((certificate) =>
    context.withServers(context.streamCommands(certificate), async (servers) => {
      const version = await commonTlsVersion(servers)
      const run = (server: ServerProcess) => runSlice(context, server, version)
      return report(await runRounds(context, servers, 'handshakes', run, describe))
    }),
  )
}

async function runSlice(context: BenchContext, server: ServerProcess, version: TlsVersion): Promise<HandshakeSlice> {
  const without = await latencySlice(context, server)
  const options = { port: server.tlsPort, version, handshakesPerSecond: HANDSHAKES_PER_SECOND, network: nextNetwork() }
  const clients = startGenerator<'handshakes'>({ task: 'handshakes', options }, context.options.cores.clients)
  // Whatever becomes of the packets, the clients end.
  const during = await afterLead(() => latencySlice(context, server)).finally(clients.end)
  const handshakes = await clients.result
  const clientShare = handshakes.cpuSeconds / handshakes.seconds
  return {
    without,
    during,
    handshakes,
    seconds: without.seconds + during.seconds,
    disturbance: Math.max(without.disturbance, disturbance(during, clientShare)),
  }
}

async function latencySlice(context: BenchContext, server: ServerProcess): Promise<LatencySlice> {
  const options = {
    ...context.stage(context.target(server)),
    payloadLength: PAYLOAD_LENGTH,
    packetsPerSecond: PACKETS_PER_SECOND,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds: context.options.seconds,
    stallMilliseconds: STALL_MS,
  }
  return loadSlice(await runGenerator<'paced'>({ task: 'paced', options }, context.options.cores.generator))
}

async function afterLead<Result>(work: () => Promise<Result>): Promise<Result> {
  await new Promise((resolve) => setTimeout(resolve, LEAD_MS))
  return work()
}

/** As of every slice, but what the clients took of the generator's core is as it should be. */
function disturbance(slice: LatencySlice, clientShare: number): number {
  const others = (slice.coreBusySeconds - slice.serverCpuSeconds) / slice.seconds
  return Math.max(0, others, slice.generatorHeldUp - clientShare)
}

function p99Ratio(slice: HandshakeSlice): number {
  return slice.during.microseconds.p99 / slice.without.microseconds.p99
}

function rate({ handshakes }: HandshakeSlice): number {
  return handshakes.handshakes / handshakes.seconds
}

function errorCount({ handshakes }: HandshakeSlice): number {
  return sum(Object.values(handshakes.errors)) + handshakes.skipped
}

function describe(slice: HandshakeSlice): string {
  const { without, during, handshakes } = slice
  const errors =
    errorCount(slice) === 0 ? '' : `, ${JSON.stringify(handshakes.errors)}, ${handshakes.skipped} not begun`
  return (
    `p99 ${without.microseconds.p99.toFixed(0)} µs, with ${rate(slice).toFixed(0)} handshakes/s ` +
    `(${handshakes.transport}${errors}) ${during.microseconds.p99.toFixed(0)} µs; ${describeLoadSlice(during)}`
  )
}

function report(rounds: readonly Round<HandshakeSlice>[]): Report {
  const advantage = ratioOf(rounds, ['coturn', 'turnd'], (slice) => slice.during.microseconds.p99)
  const text =
    `${formatCount(PACKETS_PER_SECOND)} packets a second, half of them in each direction, over UDP; ` +
    `${HANDSHAKES_PER_SECOND} TLS handshakes a second, where there are any. Microseconds, medians of the slices:`
  const compared =
    advantage === null ? '' : ` coturn's p99 as a multiple of turnd's, with handshakes: ${formatRatio(advantage)}.`
  return {
    sections: [
      { text, table: latencyTable(rounds) },
      { text: `The handshakes.${compared}`, table: handshakeTable(rounds) },
    ],
    data: {
      packetsPerSecond: PACKETS_PER_SECOND,
      handshakesPerSecond: HANDSHAKES_PER_SECOND,
      rounds: rounds.map((round) => Object.fromEntries(round)),
    },
    // A p99 under such a load differs by a factor between runs: it has no place in the chart.
    ratios: [],
    targets: [],
  }
}

function latencyTable(rounds: readonly Round<HandshakeSlice>[]): Table {
  const names = [...(rounds[0]?.keys() ?? [])]
  return {
    head: ['server', 'handshakes', 'p50', 'p95', 'p99', 'p99.9', 'CPU', 'lost', 'samples', 'generator held up'],
    rows: names.flatMap((name) => {
      const slices = slicesOf(rounds, name)
      const rows = { without: slices.map((slice) => slice.without), with: slices.map((slice) => slice.during) }
      return Object.entries(rows).map(([what, latencies]) => [name, what, ...latencyCells(latencies)])
    }),
  }
}

function latencyCells(slices: readonly LatencySlice[]): string[] {
  const middle = (value: (slice: LatencySlice) => number) => median(slices.map(value))
  return [
    ...(['p50', 'p95', 'p99', 'p999'] as const).map((key) => middle((slice) => slice.microseconds[key]).toFixed(0)),
    formatPercent(middle((slice) => slice.serverCpuSeconds / slice.seconds)),
    formatPercent(sum(slices.map((slice) => slice.lost)) / sum(slices.map((slice) => slice.sent)), 3),
    formatCount(sum(slices.map((slice) => slice.sampleCount))),
    `${formatCount(sum(slices.map((slice) => slice.stallCount)))} times`,
  ]
}

function handshakeTable(rounds: readonly Round<HandshakeSlice>[]): Table {
  const names = [...(rounds[0]?.keys() ?? [])]
  return {
    head: ['server', 'p99 with ÷ without', 'handshakes/s', 'failed or not begun', 'p50, ms', 'p99, ms', 'kind'],
    rows: names.map((name) => {
      const slices = slicesOf(rounds, name)
      const milliseconds = (key: 'p50' | 'p99') => median(slices.map(({ handshakes }) => handshakes.milliseconds[key]))
      return [
        name,
        formatRatio({ ...spreadOf(slices.map(p99Ratio)), isDisturbed: false }),
        median(slices.map(rate)).toFixed(0),
        formatCount(sum(slices.map(errorCount))),
        milliseconds('p50').toFixed(1),
        milliseconds('p99').toFixed(1),
        slices[0].handshakes.transport,
      ]
    }),
  }
}
