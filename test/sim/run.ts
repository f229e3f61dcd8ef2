// The command `npm run sim`: many seeds of the simulator, a line of progress now and then, and what happened in sum. On a failure it prints
// the command that repeats it, and exits with 1.
import { countOption, readOptions, refuse } from '../soak/run-options.js'
import { Coverage } from './coverage.js'
import { RIM_NAMES, type RimName } from './rim.js'
import { SimRunFailure, STEP_COUNT_DEFAULT, simulate } from './simulator.js'

const SEED_COUNT_DEFAULT = 1000
const COUNT_MAX = Number.MAX_SAFE_INTEGER
const MILLISECONDS_BETWEEN_REPORTS = 5_000

const USAGE = `Usage: npm run sim -- [options]

Simulates a server, its clients and its network from seeds: the same seed is the same run, every time.

  --seeds N         how many, one after the other; default: ${SEED_COUNT_DEFAULT}, with --seed 1
  --seed FIRST      the first of them; default: 1
  --steps N         of each; default: ${STEP_COUNT_DEFAULT}
  --engine NAME     ${RIM_NAMES.join(', ')}: what is between the core and the simulated kernel; default: bare
  --help            this text

Exit code: 0 no failure; 1 a seed failed, and the command that repeats it is printed; 2 bad arguments.`

async function main(): Promise<void> {
  const values = readOptions(['engine', 'seeds', 'seed', 'steps'], USAGE)
  const rimName = rimOption(values.engine)
  const first = countOption('--seed', values.seed, 1, 0, COUNT_MAX)
  const seedCount = countOption(
    '--seeds',
    values.seeds,
    values.seed === undefined ? SEED_COUNT_DEFAULT : 1,
    1,
    COUNT_MAX,
  )
  const stepCount = countOption('--steps', values.steps, STEP_COUNT_DEFAULT, 1, COUNT_MAX)
  console.log(`simulating ${seedCount} seeds from ${first}, ${stepCount} steps each, engine ${rimName}`)
  try {
    await runSeeds(rimName, first, seedCount, stepCount)
  } catch (error) {
    if (!(error instanceof SimRunFailure)) throw error
    console.error(error.cause)
    console.error(`FAILED: ${error.message}`)
    console.error(`replay: npm run sim -- --engine ${rimName} --seed ${error.seed} --steps ${stepCount}`)
    process.exitCode = 1
  }
}

async function runSeeds(rimName: RimName, first: number, seedCount: number, stepCount: number): Promise<void> {
  const coverage = new Coverage()
  const start = Date.now()
  let nextReport = start + MILLISECONDS_BETWEEN_REPORTS
  let inputCount = 0
  for (let index = 0; index < seedCount; index++) {
    const report = await simulate(first + index, rimName, stepCount)
    coverage.merge(report.coverage)
    inputCount += report.inputCount
    if (Date.now() < nextReport) continue
    nextReport += MILLISECONDS_BETWEEN_REPORTS
    console.log(`${index + 1} of ${seedCount} seeds, ${inputCount} inputs, ${secondsSince(start)} s`)
  }
  console.log(coverage.toString())
  console.log(`${seedCount} seeds, ${inputCount} inputs of the core in ${secondsSince(start)} s; no failure`)
}

function rimOption(text = 'bare'): RimName {
  return RIM_NAMES.find((name) => name === text) ?? refuse(`--engine ${text}: give one of ${RIM_NAMES.join(', ')}`)
}

function secondsSince(start: number): string {
  return ((Date.now() - start) / 1000).toFixed(1)
}

await main()
