// Calls as they are, at a rate that both servers can do: audio and video, both directions. Compared are CPU time per packet and loss.
import type { BenchContext } from '../context.js'
import { mixedPacketsPerSecond } from '../generator/mixed.js'
import { describeLoadSlice, LOAD_HEAD, type LoadSlice, loadCells, loadSlice } from '../load-slice.js'
import { formatRatio, type Report } from '../report.js'
import { runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { ratioOf, runRounds, slicesOf } from '../slices.js'
import { median } from '../statistics.js'
import { formatCount } from '../table.js'

const NAME = 'mixed audio and video'

export async function runMixed(context: BenchContext): Promise<Report> {
  return context.withServers(context.commands(), async (servers) => {
    const run = async (server: ServerProcess): Promise<LoadSlice> => {
      const options = { ...context.stage(context.target(server)), warmUpSeconds: 0.5, seconds: context.options.seconds }
      return loadSlice(await runGenerator<'mixed'>({ task: 'mixed', options }, context.options.cores.generator))
    }
    const rounds = await runRounds(context, servers, 'mixed', run, describeLoadSlice)
    const names = [...(rounds[0]?.keys() ?? [])]
    const ratio = ratioOf(rounds, ['turnd', 'coturn'], (slice) => slice.packetsPerCpuSecond)
    const { flowCount } = context.options
    const text = `${flowCount} flows, ${formatCount(mixedPacketsPerSecond(flowCount))} packets a second in all.`
    const compared =
      ratio === null ? '' : ` Packets per CPU second, turnd as a multiple of coturn: ${formatRatio(ratio)}.`
    return {
      sections: [
        {
          text: `${text}${compared}`,
          table: {
            // The limit is the offered rate, here as it should be.
            head: ['server', ...LOAD_HEAD.slice(0, -1), 'CPU µs per packet'],
            rows: names.map((name) => {
              const slices = slicesOf(rounds, name)
              return [
                name,
                ...loadCells(slices).slice(0, -1),
                (1e6 / median(slices.map((slice) => slice.packetsPerCpuSecond))).toFixed(2),
              ]
            }),
          },
        },
      ],
      data: { flowCount, rounds: rounds.map((round) => Object.fromEntries(round)) },
      ratios: ratio === null ? [] : [{ name: NAME, ...ratio, target: null }],
      targets: [],
    }
  })
}
