// Where the cycles go: a load, the server's user and system time, and perf's symbols where perf works here.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchContext } from '../context.js'
import { describeLoadSlice, type LoadSlice } from '../load-slice.js'
import type { Report, Section } from '../report.js'
import type { ServerCommand } from '../servers/commands.js'
import type { ServerProcess } from '../servers/server-process.js'
import { formatPercent } from '../table.js'
import { type Load, relayLoads } from './loads.js'
import { runLoad } from './relay.js'

const LOAD_SECONDS = 4
/** After the generator's own start, the set-up of allocations and the warm-up. */
const PERF_DELAY_MS = 1500
const PERF_SECONDS = 2.5
const SAMPLES_PER_SECOND = 1999
const SYMBOL_COUNT = 40

export async function runProfile(context: BenchContext): Promise<Report> {
  const wanted = context.options.load
  const loads = relayLoads(context.options).filter(({ name, burst, framing, flowCount }) => {
    return wanted === '' ? burst > 1 && framing === 'channel' && flowCount > 1 : name.includes(wanted)
  })
  const sections: Section[] = []
  for (const command of [withSymbols(context.turnd), context.coturn]) {
    if (command === null) continue
    await context.withServers([command], async ([server]) => {
      for (const load of loads) sections.push(...(await profile(context, load, server)))
      // Left by --perf-basic-prof.
      rmSync(`/tmp/perf-${server.pid}.map`, { force: true })
    })
  }
  return { sections, data: sections, ratios: [], targets: [] }
}

/** Node tells perf the names of compiled JavaScript functions. */
function withSymbols(command: ServerCommand): ServerCommand {
  const [node, ...rest] = command.program
  return { ...command, program: [node, '--perf-basic-prof', ...rest] }
}

async function profile(context: BenchContext, load: Load, server: ServerProcess): Promise<Section[]> {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-bench-'))
  try {
    const file = join(directory, 'perf.data')
    const [slice] = await Promise.all([runLoad(context, load, server, LOAD_SECONDS), record(server.pid, file)])
    context.progress(`profile, ${load.name}: ${server.name} ${describeLoadSlice(slice)}`)
    const title = `${server.name}, ${load.name}: ${describeSplit(slice)}`
    return [
      { text: title, table: { head: ['where', 'share'], rows: shares(file, 'dso').slice(0, 8) } },
      { text: '', table: { head: ['symbol', 'share'], rows: shares(file, 'dso,sym').slice(0, SYMBOL_COUNT) } },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function describeSplit(slice: LoadSlice): string {
  const total = slice.serverCpuSeconds
  const nanoseconds = (total / slice.delivered) * 1e9
  const [user, system] = [slice.serverUserSeconds / total, slice.serverSystemSeconds / total]
  return `${nanoseconds.toFixed(0)} ns of CPU per packet, ${formatPercent(user)} user, ${formatPercent(system)} system`
}

async function record(pid: number, file: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PERF_DELAY_MS))
  const args = ['record', '-q', '-F', String(SAMPLES_PER_SECOND), '-p', String(pid), '-o', file]
  const perf = spawn('perf', [...args, '--', 'sleep', String(PERF_SECONDS)], { stdio: 'ignore' })
  perf.once('error', () => {})
  await Promise.race([once(perf, 'exit'), once(perf, 'error')]).catch(() => {})
}

/** What perf saw, sorted by share; empty where it saw nothing. */
function shares(file: string, sort: string): string[][] {
  const args = ['report', '-i', file, '--stdio', '--no-children', '-g', 'none', '--sort', sort, '-w', '24,120']
  const { stdout, status } = spawnSync('perf', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) return []
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s+(\d+\.\d+)%\s+(.*\S)/.exec(line)
    return match === null ? [] : [[match[2].replace(/\s+/g, ' ').replaceAll('|', '/'), `${match[1]} %`]]
  })
}
