// The command `npm run churn`: a server whose clients come and go, a line of progress now and then, and a table of what it holds before, meanwhile
// and afterwards. Exits with 1 if something was left behind. Where the kernel grants one it runs in a network namespace of its own.
//
//   npm run churn -- [--engine native|dgram] [--cycles 1000000] [--transport udp|tcp|tls]
import { parseArgs } from 'node:util'
import { isInNamespace, runInNamespace } from '../../bench/namespace.js'
import { formatTable } from '../../bench/table.js'
import { ENGINES, type EngineUnderTest } from '../support/engines.js'
import { type ChurnReport, churn } from './churn.js'
import { rowsOf } from './churn-verdict.js'

const CYCLE_COUNT_DEFAULT = 100_000
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const
const WARM_UP_MAX = { udp: 10_000, tcp: 2_000, tls: 1_000 } as const
/** What vanishes and what is reserved holds places for a while. */
const MAX_ALLOCATIONS = 4_000
const PORTS = { minPort: 20_000, portCount: 10_000 } as const
const LANE_COUNT = 256

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { engine: { type: 'string' }, cycles: { type: 'string' }, transport: { type: 'string' } },
  })
  const engine = engineOption(values.engine)
  const transport = transportOption(values.transport)
  const cycleCount = cyclesOption(values.cycles)
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

function engineOption(text = 'native'): EngineUnderTest {
  const engine = ENGINES.find(({ name }) => name === text)
  if (engine === undefined) refuse(`--engine ${text}: give ${ENGINES.map(({ name }) => name).join(' or ')}`)
  if (engine.skip !== false) refuse(`--engine ${text}: ${engine.skip}`)
  return engine
}

function transportOption(text = 'udp'): (typeof TRANSPORTS)[number] {
  return TRANSPORTS.find((name) => name === text) ?? refuse(`--transport ${text}: give one of ${TRANSPORTS.join(', ')}`)
}

function cyclesOption(text: string | undefined): number {
  const value = text === undefined ? CYCLE_COUNT_DEFAULT : Number(text)
  return Number.isInteger(value) && value > 0 ? value : refuse(`--cycles ${text}: give a whole number above 0`)
}

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}

await main()
