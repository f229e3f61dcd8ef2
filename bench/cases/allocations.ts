// How many allocations a server sets up in a second, for many clients side by side: the 401 dance, Allocate, CreatePermission, ChannelBind.
import type { BenchContext } from '../context.js'
import type { SetUpResult } from '../generator/set-up.js'
import { formatRatio, type Report, ratioTarget } from '../report.js'
import { USER } from '../servers/commands.js'
import { nextNetwork, runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { ratioOf, runRounds, type SliceFacts, slicesOf } from '../slices.js'
import { median } from '../statistics.js'
import { formatCount, formatPercent } from '../table.js'

export interface SetUpSlice extends SetUpResult, SliceFacts {
  readonly allocationsPerSecond: number
}

const NAME = 'allocations set up per second'
const ALLOCATION_COUNT = 4000
const PARALLEL = 64

/** Has a server set up allocations, and release them again. */
export async function runSetUp(
  context: BenchContext,
  server: ServerProcess,
  allocationCount: number,
  settleSeconds: number,
): Promise<SetUpSlice> {
  const target = context.target(server)
  const options = { target, user: USER, network: nextNetwork(), allocationCount, parallel: PARALLEL, settleSeconds }
  const result = await runGenerator<'set-up'>({ task: 'set-up', options }, context.options.cores.generator)
  return {
    ...result,
    allocationsPerSecond: result.allocationCount / result.seconds,
    disturbance: Math.max(0, (result.coreBusySeconds - result.serverCpuSeconds) / result.seconds),
  }
}

export async function runAllocations(context: BenchContext): Promise<Report> {
  return context.withServers(context.commands(), async (servers) => {
    const run = (server: ServerProcess) => runSetUp(context, server, ALLOCATION_COUNT, 0)
    const rounds = await runRounds(context, servers, 'allocations', run, describe)
    const names = [...(rounds[0]?.keys() ?? [])]
    const ratio = ratioOf(rounds, ['turnd', 'coturn'], (slice) => slice.allocationsPerSecond)
    const perCpuSecond = ratioOf(rounds, ['turnd', 'coturn'], (slice) => slice.allocationCount / slice.serverCpuSeconds)
    const named = ratio === null ? [] : [{ name: NAME, ...ratio, target: 1 }]
    return {
      sections: [
        {
          text: `${formatCount(ALLOCATION_COUNT)} allocations a slice, ${PARALLEL} clients at a time.${
            ratio === null || perCpuSecond === null
              ? ''
              : ` turnd as a multiple of coturn: ${formatRatio(ratio)}; per CPU second ${formatRatio(perCpuSecond)}.`
          }`,
          table: {
            head: ['server', 'allocations/s', 'per CPU s', 'CPU', 'retransmissions', 'generator idle'],
            rows: names.map((name) => cells(name, slicesOf(rounds, name))),
          },
        },
      ],
      data: rounds.map((round) => Object.fromEntries(round)),
      ratios: named,
      targets: named.flatMap((each) => ratioTarget(each, `, ${formatCount(turndRate(slicesOf(rounds, 'turnd')))}/s`)),
    }
  })
}

function turndRate(slices: readonly SetUpSlice[]): number {
  return median(slices.map((slice) => slice.allocationsPerSecond))
}

function cells(name: string, slices: readonly SetUpSlice[]): string[] {
  const middle = (value: (slice: SetUpSlice) => number) => median(slices.map(value))
  return [
    name,
    formatCount(middle((slice) => slice.allocationsPerSecond)),
    formatCount(middle((slice) => slice.allocationCount / slice.serverCpuSeconds)),
    formatPercent(middle((slice) => slice.serverCpuSeconds / slice.seconds)),
    formatCount(middle((slice) => slice.retransmissions)),
    formatPercent(middle((slice) => slice.generatorIdle)),
  ]
}

function describe(slice: SetUpSlice): string {
  const cpu = formatPercent(slice.serverCpuSeconds / slice.seconds)
  return `${formatCount(slice.allocationsPerSecond)} allocations/s, CPU ${cpu}, generator idle ${formatPercent(slice.generatorIdle)}`
}
