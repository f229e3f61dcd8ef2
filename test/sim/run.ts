// The command `npm run sim`: many seeds of the simulator, a line of progress now and then, and what happened in sum. On a failure it prints
// the command that repeats it, and exits with 1.
//
//   npm run sim -- [--engine bare|native|dgram] --seeds 1000 [--seed FIRST] [--steps PER_SEED]
import { parseArgs } from 'node:util'
import { Coverage } from './coverage.js'
import { RIM_NAMES, type RimName } from './rim.js'
import { SimRunFailure, STEP_COUNT_DEFAULT, simulate } from './simulator.js'

const SEED_COUNT_DEFAULT = 1000
const MILLISECONDS_BETWEEN_REPORTS = 5_000

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string' },
      seeds: { type: 'string' },
      seed: { type: 'string' },
      steps: { type: 'string' },
    },
  })
  const rimName = rimOption(values.engine)
  const first = numberOption('--seed', values.seed, 1)
  const seedCount = numberOption('--seeds', values.seeds, values.seed === undefined ? SEED_COUNT_DEFAULT : 1)
  const stepCount = numberOption('--steps', values.steps, STEP_COUNT_DEFAULT)
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
  const name = RIM_NAMES.find((candidate) => candidate === text)
  if (name !== undefined) return name
  console.error(`--engine ${text}: not one of ${RIM_NAMES.join(', ')}`)
  process.exit(2)
}

function secondsSince(start: number): string {
  return ((Date.now() - start) / 1000).toFixed(1)
}

function numberOption(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) {
    console.error(`${name} ${text}: not a whole number of 0 or more`)
    process.exit(2)
  }
  return value
}

await main()
