// What an open status page costs: turnd with its admin plane, watched and polled, beside turnd without one and coturn, under the loads of the relay
// case. All threads of a server share its core, so that what the main thread does for the page is taken from the packets: the hard case.
import type { BenchContext } from '../context.js'
import type { PageWatcherResult } from '../generator/page-watcher.js'
import { describeLoadSlice, LOAD_HEAD, type LoadSlice, loadCells } from '../load-slice.js'
import { formatRatio, type Multiple, type Report } from '../report.js'
import { turndAdminCommand } from '../servers/commands.js'
import { startGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type Round, ratioOf, runRounds, slicesOf } from '../slices.js'
import { median, sum } from '../statistics.js'
import { formatCount } from '../table.js'
import { type Load, relayLoads } from './loads.js'
import { runLoad } from './relay.js'

/** The page is drawn, and everything that it asks for has been asked for once. */
const LEAD_MS = 2200

interface WatchedSlice extends LoadSlice {
  /** null where nobody watches. */
  readonly watcher: PageWatcherResult | null
}

export async function runAdmin(context: BenchContext): Promise<Report> {
  const loads = relayLoads(context.options).filter(({ name }) => name.includes(context.options.load))
  const admin = turndAdminCommand(context.turnd)
  return context.withServers([...context.commands(), admin], async (servers) => {
    const results: { load: Load; rounds: Round<WatchedSlice>[] }[] = []
    for (const load of loads) {
      const run = (server: ServerProcess) => runWatched(context, load, server)
      results.push({ load, rounds: await runRounds(context, servers, load.name, run, describe) })
    }
    return report(results)
  })
}

async function runWatched(context: BenchContext, load: Load, server: ServerProcess): Promise<WatchedSlice> {
  const { cores, seconds } = context.options
  if (server.name !== 'turnd admin') return { ...(await runLoad(context, load, server, seconds)), watcher: null }
  const options = { stateDir: server.stateDir }
  const page = startGenerator<'watch-page'>({ task: 'watch-page', options }, cores.generator)
  await new Promise((resolve) => setTimeout(resolve, LEAD_MS))
  const slice = await runLoad(context, load, server, seconds).finally(page.end)
  return { ...slice, watcher: await page.result }
}

interface AdminRatio {
  readonly name: string
  readonly perSecond: Multiple
  readonly perCpuSecond: Multiple
}

function describe(slice: WatchedSlice): string {
  const { watcher } = slice
  const watched =
    watcher === null ? '' : `, ${watcher.requests} requests, ${watcher.events} events, ${watcher.errors} errors`
  return `${describeLoadSlice(slice)}${watched}`
}

function report(results: readonly { load: Load; rounds: readonly Round<WatchedSlice>[] }[]): Report {
  const ratios = results.flatMap(({ load, rounds }): AdminRatio[] => {
    const perSecond = ratioOf(rounds, ['turnd admin', 'turnd'], ({ packetsPerSecond }) => packetsPerSecond)
    const perCpuSecond = ratioOf(rounds, ['turnd admin', 'turnd'], ({ packetsPerCpuSecond }) => packetsPerCpuSecond)
    return perSecond === null || perCpuSecond === null ? [] : [{ name: load.name, perSecond, perCpuSecond }]
  })
  const watchers = results.flatMap(({ rounds }) => slicesOf(rounds, 'turnd admin').map(({ watcher }) => watcher))
  const errors = sum(watchers.map((watcher) => watcher?.errors ?? 0))
  const asked = median(watchers.map((watcher) => (watcher === null ? 0 : watcher.requests / watcher.seconds)))
  return {
    sections: [
      {
        text:
          `turnd admin: with the status page's event stream, ${asked.toFixed(1)} requests a second to the API and the metrics ` +
          `(${formatCount(errors)} failed). Medians of the slices:`,
        table: {
          head: ['load', 'server', ...LOAD_HEAD],
          rows: results.flatMap(({ load, rounds }) =>
            [...(rounds[0]?.keys() ?? [])].map((name) => [load.name, name, ...loadCells(slicesOf(rounds, name))]),
          ),
        },
      },
      {
        text: 'With the page, as a multiple of turnd without it: median, smallest and largest of the rounds:',
        table: {
          head: ['load', 'packets per second', 'packets per server CPU second'],
          rows: ratios.map(({ name, perCpuSecond, perSecond }) => [
            name,
            formatRatio(perSecond),
            formatRatio(perCpuSecond),
          ]),
        },
      },
    ],
    data: results.map(({ load, rounds }) => ({ load, rounds: rounds.map((round) => Object.fromEntries(round)) })),
    ratios: [],
    targets: [],
  }
}
