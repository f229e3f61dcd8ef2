// How many users of a file of 10,000 a server authenticates in a second, each for the first time; which files it opens for it; and what so many users
// cost: memory, time to start, and a reload of one who has changed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTransport } from '../../src/client/transport.js'
import { TurnClient } from '../../src/client/turn-client.js'
import type { BenchContext } from '../context.js'
import type { AuthenticationsResult } from '../generator/authentications.js'
import { waitForQuiet } from '../quiet.js'
import { formatRatio, type Report, type Section } from '../report.js'
import {
  coturnTurndbCommand,
  coturnUsersCommand,
  REALM,
  type ServerCommand,
  type ServerName,
  turndUsersCommand,
} from '../servers/commands.js'
import { cpuTime, residentBytes } from '../servers/proc-files.js'
import { nextNetwork, runGenerator } from '../servers/run-generator.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type CountedCalls, countWithStrace } from '../servers/system-calls.js'
import { DISTURBANCE_LIMIT, type Round, ratioOf, runRounds, type SliceFacts, slicesOf } from '../slices.js'
import { median } from '../statistics.js'
import { formatCount, formatPercent, type Table } from '../table.js'
import { userAt, writeCoturnUsers, writeTurndb, writeUsersFile } from '../users.js'

interface Slice extends AuthenticationsResult, SliceFacts {
  readonly perSecond: number
}

/** What users cost beside their authentication. */
interface Cost {
  readonly name: ServerName
  readonly startMilliseconds: number
  /** From spawn until all has settled. */
  readonly startCpuMilliseconds: number
  readonly residentMiB: number
}

interface ReloadCost {
  readonly cpuMilliseconds: number
  /** From the change of the file until the new password lets its user in. */
  readonly milliseconds: number
}

const USER_COUNT = 10_000
const PARALLEL = 64
const TARGET_PER_SECOND = 5_000
const START_COUNT = 3
const SETTLE_MS = 1_000
const RELOAD_COUNT = 5
const RELOAD_MS_MAX = 10_000
/** Each try is work for the server as well. */
const TRY_AGAIN_MS = 50
/** Calls that look something up in a file, or in what it has mapped of one. */
const FILE_CALLS =
  /^(open|openat|openat2|creat|stat|lstat|fstat|newfstatat|statx|access|faccessat2?|pread64|preadv2?|mmap)$/

export async function runAuthentications(context: BenchContext): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-bench-users-'))
  try {
    return await measure(context, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(context: BenchContext, directory: string): Promise<Report> {
  const usersFile = join(directory, 'users.jsonl')
  writeUsersFile(usersFile, REALM, USER_COUNT)
  const turnd = turndUsersCommand(context.turnd, usersFile)
  const commands = [turnd, ...coturnCommands(context, directory)]
  const costs = [await costOf(context, { ...context.turnd, name: 'turnd, no users' })]
  for (const command of commands) costs.push(await costOf(context, command))
  const { modern, rounds } = await context.withServers(commands, async (servers) => {
    const run = (isModern: boolean) => (server: ServerProcess) => runSlice(context, server, isModern)
    return {
      rounds: await runRounds(context, servers, 'authentications', run(false), describe),
      modern: await runRounds(context, servers.slice(0, 1), 'authentications, RFC 8489', run(true), describe),
    }
  })
  const traced: CountedCalls<Slice>[] = []
  for (const command of commands) {
    traced.push(
      await context.withServers([command], ([server]) =>
        countWithStrace(server.pid, () => runSlice(context, server, false)),
      ),
    )
  }
  const reloads = await context.withServers([turnd], ([server]) => runReloads(context, server, usersFile))
  return report(commands, rounds, modern, traced, costs, reloads)
}

/** Either of its stores, if coturn is here: what its configuration file lists, and the database that turnadmin makes. */
function coturnCommands({ coturn, progress }: BenchContext, directory: string): ServerCommand[] {
  if (coturn === null) return []
  const [lines, turndb] = [join(directory, 'turnserver.conf'), join(directory, 'turndb')]
  writeCoturnUsers(lines, USER_COUNT)
  try {
    writeTurndb(turndb, REALM, USER_COUNT)
    return [coturnUsersCommand(coturn, lines), coturnTurndbCommand(coturn, turndb)]
  } catch (error) {
    progress(`without coturn's SQLite database: ${(error as Error).message}`)
    return [coturnUsersCommand(coturn, lines)]
  }
}

async function runSlice(context: BenchContext, server: ServerProcess, isModern: boolean): Promise<Slice> {
  const options = {
    target: context.target(server),
    network: nextNetwork(),
    ...{ userCount: USER_COUNT, parallel: PARALLEL, isModern },
  }
  const task = { task: 'authentications', options } as const
  const result = await runGenerator<'authentications'>(task, context.options.cores.generator)
  return {
    ...result,
    perSecond: result.authenticationCount / result.seconds,
    disturbance: Math.max(0, (result.coreBusySeconds - result.serverCpuSeconds) / result.seconds),
  }
}

/** Of fresh processes: the median start, and memory when all has settled. */
async function costOf(context: BenchContext, command: ServerCommand): Promise<Cost> {
  const starts: number[] = []
  const cpuTimes: number[] = []
  const sizes: number[] = []
  for (let start = 0; start < START_COUNT; start++) {
    await waitForQuiet(context)
    await context.withServers([command], async ([server]) => {
      starts.push(server.startMilliseconds)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      sizes.push(residentBytes(server.pid))
      cpuTimes.push(totalSeconds(server.pid) * 1000)
    })
  }
  const cost = {
    name: command.name,
    startMilliseconds: median(starts),
    startCpuMilliseconds: median(cpuTimes),
    residentMiB: median(sizes) / 2 ** 20,
  }
  context.progress(`users: ${cost.name} ${cost.startMilliseconds.toFixed(0)} ms, ${cost.residentMiB.toFixed(1)} MiB`)
  return cost
}

/** One user's password changes in the file, again and again. */
async function runReloads(context: BenchContext, server: ServerProcess, usersFile: string): Promise<ReloadCost> {
  const costs: ReloadCost[] = []
  for (let reload = 0; reload < RELOAD_COUNT; reload++) {
    const user = userAt(reload)
    const password = `new ${user.password}`
    await waitForQuiet(context)
    writeUsersFile(usersFile, REALM, USER_COUNT, new Map([[reload, password]]))
    const cpuBefore = totalSeconds(server.pid)
    const start = performance.now()
    while (!(await isAccepted(server.port, user.username, password))) {
      if (performance.now() > start + RELOAD_MS_MAX) throw new Error('a changed password is not taken')
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS))
    }
    const milliseconds = performance.now() - start
    costs.push({ milliseconds, cpuMilliseconds: (totalSeconds(server.pid) - cpuBefore) * 1000 })
  }
  return {
    milliseconds: median(costs.map((cost) => cost.milliseconds)),
    cpuMilliseconds: median(costs.map((cost) => cost.cpuMilliseconds)),
  }
}

async function isAccepted(port: number, username: string, password: string): Promise<boolean> {
  const transport = await openTransport({ transport: 'udp', host: '127.0.0.1', port })
  const client = new TurnClient(transport, { credentials: { username, password } })
  try {
    await client.allocate()
    return true
  } catch {
    return false
  } finally {
    await client.close()
  }
}

function report(
  commands: readonly ServerCommand[],
  rounds: readonly Round<Slice>[],
  modern: readonly Round<Slice>[],
  traced: readonly CountedCalls<Slice>[],
  costs: readonly Cost[],
  reload: ReloadCost,
): Report {
  const slices = slicesOf(rounds, 'turnd')
  const quiet = slices.filter((slice) => slice.disturbance <= DISTURBANCE_LIMIT)
  const own = median((quiet.length > 0 ? quiet : slices).map((slice) => slice.perSecond))
  const perCpuSecond = median(slices.map((slice) => slice.authenticationCount / slice.serverCpuSeconds))
  const comparisons = commands.slice(1).flatMap(({ name }) => {
    const ratio = ratioOf(rounds, ['turnd', name], (slice) => slice.perSecond)
    const perCpu = ratioOf(rounds, ['turnd', name], (slice) => slice.authenticationCount / slice.serverCpuSeconds)
    if (ratio === null || perCpu === null) return []
    return [` turnd as a multiple of ${name}: ${formatRatio(ratio)}; per CPU second ${formatRatio(perCpu)}.`]
  })
  const [without, withUsers] = costs
  const kib = ((withUsers.residentMiB - without.residentMiB) * 1024) / USER_COUNT
  const rows = [
    ...commands.map(({ name }) => cells(name, slicesOf(rounds, name))),
    cells('turnd, all of RFC 8489', slicesOf(modern, 'turnd')),
  ]
  const sections: Section[] = [
    {
      text: `${formatCount(USER_COUNT)} users, each once in a slice, ${PARALLEL} at a time.${comparisons.join('')}`,
      table: {
        head: ['server', 'authentications/s', 'per CPU s', 'CPU µs each', 'CPU', 'retransmissions', 'generator idle'],
        rows,
      },
    },
    { text: 'System calls on files in such a slice, all threads (strace):', table: fileCalls(commands, traced) },
    {
      text: `What ${formatCount(USER_COUNT)} users cost, fresh processes; for turnd ${kib.toFixed(2)} KiB each:`,
      table: {
        head: ['server', 'start, ms', 'of it CPU, ms', 'memory, MiB'],
        rows: costs.map((cost) => [
          cost.name,
          cost.startMilliseconds.toFixed(0),
          cost.startCpuMilliseconds.toFixed(0),
          cost.residentMiB.toFixed(1),
        ]),
      },
    },
    {
      text:
        `One changed user in the file, which is looked at once a second: ${reload.milliseconds.toFixed(0)} ms until the new password is taken, ` +
        `${reload.cpuMilliseconds.toFixed(0)} ms of CPU time.`,
      table: null,
    },
  ]
  return {
    sections,
    data: {
      rounds: rounds.map((round) => Object.fromEntries(round)),
      modern: modern.map((round) => Object.fromEntries(round)),
      calls: traced.map(({ calls }, index) => ({ name: commands[index].name, calls: Object.fromEntries(calls) })),
      ...{ costs, reload },
    },
    ratios: [],
    targets: [
      {
        what: `authentications of ${formatCount(USER_COUNT)} users`,
        target: `≥ ${formatCount(TARGET_PER_SECOND)}/s`,
        measured: `${formatCount(own)}/s${quiet.length > 0 ? '' : ' disturbed'}, ${formatCount(perCpuSecond)} per CPU s`,
        // Where other programs had the core in every round, its own time is what tells.
        isMet: (quiet.length > 0 ? own : perCpuSecond) >= TARGET_PER_SECOND,
      },
    ],
  }
}

function cells(name: string, slices: readonly Slice[]): string[] {
  const middle = (value: (slice: Slice) => number) => median(slices.map(value))
  return [
    name,
    formatCount(middle((slice) => slice.perSecond)),
    formatCount(middle((slice) => slice.authenticationCount / slice.serverCpuSeconds)),
    middle((slice) => (slice.serverCpuSeconds / slice.authenticationCount) * 1e6).toFixed(0),
    formatPercent(middle((slice) => slice.serverCpuSeconds / slice.seconds)),
    formatCount(middle((slice) => slice.retransmissions)),
    formatPercent(middle((slice) => slice.generatorIdle)),
  ]
}

/** Those calls by name, of all servers: the challenges that come before the authentications are counted with them. */
function fileCalls(commands: readonly ServerCommand[], traced: readonly CountedCalls<Slice>[]): Table {
  const names = [...new Set(traced.flatMap(({ calls }) => [...calls.keys()]))].filter((name) => FILE_CALLS.test(name))
  return {
    head: ['server', 'authentications', ...names, 'all others'],
    rows: traced.map(({ calls, result }, index) => {
      const others = [...calls].filter(([name]) => !names.includes(name)).reduce((total, [, count]) => total + count, 0)
      const counts = [result.authenticationCount, ...names.map((name) => calls.get(name) ?? 0), others]
      return [commands[index].name, ...counts.map(formatCount)]
    }),
  }
}

function describe(slice: Slice): string {
  const cpu = formatPercent(slice.serverCpuSeconds / slice.seconds)
  return `${formatCount(slice.perSecond)} authentications/s, CPU ${cpu}, generator idle ${formatPercent(slice.generatorIdle)}`
}

function totalSeconds(pid: number): number {
  const { systemSeconds, userSeconds } = cpuTime(pid)
  return userSeconds + systemSeconds
}
