// System calls per relayed packet under burst load, both directions: by name as strace counts them, which slows the server, and as perf
// counts them, which does not.
import type { BenchContext } from '../context.js'
import type { Report } from '../report.js'
import type { ServerCommand } from '../servers/commands.js'
import type { ServerProcess } from '../servers/server-process.js'
import { countWithPerf, countWithStrace } from '../servers/system-calls.js'
import { sum } from '../statistics.js'
import { formatCount, type Table } from '../table.js'
import { BURST, type Load, relayLoads } from './loads.js'
import { runLoad } from './relay.js'

const TARGET = 0.2
/** Rarer calls are added up. */
const NAMED_SHARE = 0.002
const SECONDS = 1

interface Counted {
  readonly packets: number
  readonly calls: ReadonlyMap<string, number>
}

interface ServerCalls {
  readonly name: string
  readonly traced: Counted
  /** null where perf cannot count them. */
  readonly undisturbed: Counted | null
}

export async function runCalls(context: BenchContext): Promise<Report> {
  const loads = relayLoads(context.options).filter((load) => {
    return load.burst === BURST && load.framing === 'channel' && load.flowCount === context.options.flowCount
  })
  const commands = [context.turnd, context.turndDgram, context.coturn].filter((command) => command !== null)
  const found: ServerCalls[] = []
  for (const command of commands) found.push(await countCalls(context, command, loads))
  const [own] = found
  const perPacket = callsPerPacket(own.undisturbed ?? own.traced)
  return {
    sections: [
      {
        text: 'System calls per packet, all threads, bursts of 16 in both directions one after the other:',
        table: totals(found),
      },
      ...found.map((server) => ({ text: `${server.name}, by name (strace):`, table: byName(server.traced) })),
    ],
    data: found.map(({ name, traced, undisturbed }) => ({
      name,
      traced: plain(traced),
      undisturbed: undisturbed && plain(undisturbed),
    })),
    ratios: [],
    targets: [
      {
        what: 'system calls per packet, bursts of 16',
        target: `< ${TARGET}`,
        measured: perPacket.toFixed(3),
        isMet: perPacket < TARGET,
      },
    ],
  }
}

function countCalls(context: BenchContext, command: ServerCommand, loads: readonly Load[]): Promise<ServerCalls> {
  return context.withServers([command], async ([server]) => {
    const load = () => runLoads(context, loads, server)
    const traced = await countWithStrace(server.pid, load)
    const name = `${server.name}${server.name === 'turnd' ? ` (${server.engine()})` : ''}`
    const counted = { packets: traced.result, calls: traced.calls }
    const perf = await countWithPerf(server.pid, load)
    const undisturbed = perf === null ? null : { packets: perf.result, calls: perf.calls }
    context.progress(`calls: ${name} ${callsPerPacket(undisturbed ?? counted).toFixed(3)} per packet`)
    return { name, traced: counted, undisturbed }
  })
}

/** Returns the packets that arrived. */
async function runLoads(context: BenchContext, loads: readonly Load[], server: ServerProcess): Promise<number> {
  let packets = 0
  for (const load of loads) {
    const slice = await runLoad(context, load, server, SECONDS)
    packets += slice.sent - slice.lost
  }
  return packets
}

function callsPerPacket({ packets, calls }: Counted): number {
  return sum([...calls.values()]) / packets
}

function plain({ packets, calls }: Counted) {
  return { packets, calls: Object.fromEntries(calls) }
}

function totals(found: readonly ServerCalls[]): Table {
  return {
    head: ['server', 'undisturbed (perf)', 'under strace', 'packets counted (perf)', 'packets counted (strace)'],
    rows: found.map(({ name, traced, undisturbed }) => [
      name,
      undisturbed === null ? '–' : callsPerPacket(undisturbed).toFixed(3),
      callsPerPacket(traced).toFixed(3),
      undisturbed === null ? '–' : formatCount(undisturbed.packets),
      formatCount(traced.packets),
    ]),
  }
}

function byName({ packets, calls }: Counted): Table {
  const total = sum([...calls.values()])
  const sorted = [...calls].sort(([, left], [, right]) => right - left)
  const named = sorted.filter(([, count]) => count >= total * NAMED_SHARE)
  const rare = total - sum(named.map(([, count]) => count))
  const rows: [string, number][] = rare === 0 ? named : [...named, ['all others', rare]]
  return {
    head: ['call', 'count', 'per packet'],
    rows: rows.map(([name, count]) => [name, formatCount(count), (count / packets).toFixed(4)]),
  }
}
