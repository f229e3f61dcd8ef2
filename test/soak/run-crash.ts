// The command `npm run crash`: a server under live allocations is killed and started again; prints what its clients were told, how long they were away, and
// whether anybody got what is of somebody else. Exits with 1 if so. Where the kernel grants one it runs in a network namespace of its own.
//
//   npm run crash -- [--allocations 6000] [--engine native|dgram]
import { parseArgs } from 'node:util'
import { isInNamespace, runInNamespace } from '../../bench/namespace.js'
import { ENGINES, type EngineUnderTest } from '../support/engines.js'
import { crash } from './crash.js'
import { faultsOf, linesOf } from './crash-verdict.js'

const ALLOCATION_COUNT_DEFAULT = 6000
/** So many ports for each allocation: a port that was one's is often drawn by another one. */
const PORTS_PER_ALLOCATION = 1.5
const ALLOCATION_COUNT_MAX = 8_000
const MIN_PORT = 20_000
/** Clients over each of TCP and TLS: one in so many. */
const STREAMS_EVERY = 50

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { engine: { type: 'string' }, allocations: { type: 'string' } } })
  const engine = engineOption(values.engine)
  const allocationCount = allocationsOption(values.allocations)
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

function engineOption(text = 'native'): EngineUnderTest {
  const engine = ENGINES.find(({ name }) => name === text)
  if (engine === undefined) refuse(`--engine ${text}: give ${ENGINES.map(({ name }) => name).join(' or ')}`)
  if (engine.skip !== false) refuse(`--engine ${text}: ${engine.skip}`)
  return engine
}

function allocationsOption(text: string | undefined): number {
  const value = text === undefined ? ALLOCATION_COUNT_DEFAULT : Number(text)
  if (Number.isInteger(value) && value >= STREAMS_EVERY && value <= ALLOCATION_COUNT_MAX) return value
  refuse(`--allocations ${text}: give a whole number from ${STREAMS_EVERY} to ${ALLOCATION_COUNT_MAX}`)
}

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}

await main()
