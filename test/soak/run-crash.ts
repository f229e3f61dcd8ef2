// The command `npm run crash`: a server under live allocations is killed and started again; prints what its clients were told, how long they were away, and
// whether anybody got what is of somebody else. Exits with 1 if so. Where the kernel grants one it runs in a network namespace of its own.
//
//   npm run crash -- [--allocations 6000] [--engine native|dgram]
import { isInNamespace, runInNamespace } from '../../bench/namespace.js'
import { crash } from './crash.js'
import { faultsOf, linesOf } from './crash-verdict.js'
import { countOption, engineOption, readOptions } from './run-options.js'

const ALLOCATION_COUNT_DEFAULT = 6000
/** So many ports for each allocation: a port that was one's is often drawn by another one. */
const PORTS_PER_ALLOCATION = 1.5
/** At least one client over each of TCP and TLS; at most so many that their ports are below those that the system gives. */
const ALLOCATION_COUNTS = [50, 8_000] as const
const MIN_PORT = 20_000
/** Clients over each of TCP and TLS: one in so many. */
const STREAMS_EVERY = 50

async function main(): Promise<void> {
  const values = readOptions(['engine', 'allocations'])
  const engine = engineOption(values.engine)
  const allocationCount = countOption(
    '--allocations',
    values.allocations,
    ALLOCATION_COUNT_DEFAULT,
    ...ALLOCATION_COUNTS,
  )
  if (!isInNamespace()) {
    const code = await runInNamespace(import.meta.url, process.argv.slice(2))
    if (code !== null) process.exit(code)
  }
  const streams = Math.ceil(allocationCount / STREAMS_EVERY)
  const report = await crash({
    ...{ engine, allocationCount, tcp: streams, tls: streams },
    ...{ minPort: MIN_PORT, portCount: Math.ceil(allocationCount * PORTS_PER_ALLOCATION) },
    ...{ mediaMilliseconds: 5000, progress: (line) => console.log(line) },
  })
  for (const line of linesOf(report)) console.log(line)
  const faults = faultsOf(report)
  for (const fault of faults) console.log(`WRONG: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}

await main()
