// The command `npm run crash`: a server under live allocations is killed and started again; prints what its clients were told, how long they were away, and
// whether anybody got what is of somebody else. Exits with 1 if so, if anybody is missing or late, or if the restart took too long. Where the kernel grants
// one it runs in a network namespace of its own.
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

/** After the restarted server's `ready`. */
const BACK_MILLISECONDS_MAX = 5_000
/** On a machine that does nothing else. */
const RESTART_MILLISECONDS_MAX = 2_000

const USAGE = `Usage: npm run crash -- [options]

Kills a server under live allocations and starts it again: what its clients are told, how long they are away, and whether anybody gets what is
of somebody else.

  --allocations N     ${ALLOCATION_COUNTS.join(' to ')}; default: ${ALLOCATION_COUNT_DEFAULT}
  --engine NAME       native or dgram; default: native
  --help              this text

All must be back within ${BACK_MILLISECONDS_MAX / 1000} s of the restarted server's ready line, which must come ${RESTART_MILLISECONDS_MAX / 1000} s after its start: have the machine idle.
Exit code: 0 all is as it must be; 1 it is not; 2 bad arguments.`

async function main(): Promise<void> {
  const values = readOptions(['engine', 'allocations'], USAGE)
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
  const faults = faultsOf(report, {
    ...{ allocationCount, backMillisecondsMax: BACK_MILLISECONDS_MAX },
    restartMillisecondsMax: RESTART_MILLISECONDS_MAX,
  })
  for (const fault of faults) console.log(`WRONG: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}

await main()
