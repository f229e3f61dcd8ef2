// The command `npm run churn`: a server whose clients come and go, a line of progress now and then, and a table of what it holds before, meanwhile
// and afterwards. Exits with 1 if something was left behind. Where the kernel grants one it runs in a network namespace of its own.
import { isInNamespace, runInNamespace } from '../../bench/namespace.js'
import { formatTable } from '../../bench/table.js'
import { type ChurnReport, churn } from './churn.js'
import { rowsOf } from './churn-verdict.js'
import { countOption, engineOption, readOptions, refuse } from './run-options.js'

const CYCLE_COUNT_DEFAULT = 1_000_000
const CYCLE_COUNT_MIN = 1
const CYCLE_COUNT_MAX = 1_000_000_000
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const
const WARM_UP_MAX = { udp: 10_000, tcp: 2_000, tls: 1_000 } as const
/** What vanishes and what is reserved holds places for a while. */
const MAX_ALLOCATIONS = 4_000
const PORTS = { minPort: 20_000, portCount: 10_000 } as const
const LANE_COUNT = 256

const USAGE = `Usage: npm run churn -- [options]

Lets clients come and go at a server of its own, and compares what it holds afterwards with what it held before.

  --cycles N          allocations that come and go, ${CYCLE_COUNT_MIN} to ${CYCLE_COUNT_MAX}; default: ${CYCLE_COUNT_DEFAULT}
  --transport NAME    ${TRANSPORTS.join(', ')}: what clients come over; default: udp
  --engine NAME       native or dgram; default: native
  --help              this text

Exit code: 0 nothing was left behind; 1 something was; 2 bad arguments.`

async function main(): Promise<void> {
  const values = readOptions(['engine', 'cycles', 'transport'], USAGE)
  const engine = engineOption(values.engine)
  const transport = transportOption(values.transport)
  const cycleCount = countOption('--cycles', values.cycles, CYCLE_COUNT_DEFAULT, CYCLE_COUNT_MIN, CYCLE_COUNT_MAX)
  if (!isInNamespace()) {
    const code = await runInNamespace(import.meta.url, process.argv.slice(2))
    if (code !== null) process.exit(code)
  }
  console.log(`${cycleCount} cycles over ${transport}, engine ${engine.name}`)
  const none = { udp: 0, tcp: 0, tls: 0 }
  const report = await churn({
    ...{ engine, ...none, [transport]: cycleCount, laneCount: LANE_COUNT, maxAllocations: MAX_ALLOCATIONS, ...PORTS },
    warmUp: { ...none, [transport]: Math.min(cycleCount, WARM_UP_MAX[transport]) },
    progress: (line) => console.log(line),
  })
  print(report)
}

function print(report: ChurnReport): void {
  const { loadCpuSeconds, retransmissions, seconds, serverCpuSeconds, streams, udp } = report
  const counts = Object.entries({ ...udp, ...streams }).filter(([, count]) => count > 0)
  console.log(`with the warm-up: ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`)
  console.log(
    `${seconds.toFixed(1)} s; processor time: server ${serverCpuSeconds.toFixed(1)} s, load ${loadCpuSeconds.toFixed(1)} s; ` +
      `${retransmissions} retransmissions`,
  )
  const rows = rowsOf(report, MAX_ALLOCATIONS)
  const head = ['', 'before', 'peak', 'after', 'must be', '']
  const cells = rows.map((row) => [row.name, row.before, row.peak, row.after, row.bound, row.isHeld ? 'yes' : 'NO'])
  console.log(formatTable({ head, rows: cells }))
  if (rows.some(({ isHeld }) => !isHeld)) process.exitCode = 1
}

function transportOption(text = 'udp'): (typeof TRANSPORTS)[number] {
  return TRANSPORTS.find((name) => name === text) ?? refuse(`--transport ${text}: give one of ${TRANSPORTS.join(', ')}`)
}

await main()
