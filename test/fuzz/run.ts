// The command `npm run fuzz`: runs every fuzz target in turn, each for its share of the time. On a failure it prints what reproduces it, and
// exits with 1. To look at one again, put its input into corpus/NAME.hex: every run and the tests start from there.
import { parseArgs } from 'node:util'
import { fuzzCodec } from './codec-fuzz.js'
import { fuzzCore } from './core-fuzz.js'
import { FuzzFailure, type FuzzProgress, type FuzzTarget } from './target.js'

const TARGETS: readonly FuzzTarget[] = [
  { name: 'codec', fuzz: fuzzCodec },
  { name: 'core', fuzz: fuzzCore },
]
const SECONDS_DEFAULT = 60
const SECONDS_BETWEEN_REPORTS = 5

function main(): void {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
  const seconds = numberOption('--seconds', values.seconds, SECONDS_DEFAULT)
  const seed = numberOption('--seed', values.seed, Date.now() % 0x1_0000_0000)
  console.log(`fuzzing ${TARGETS.map((target) => target.name).join(', ')}: ${seconds} s, --seed ${seed}`)
  for (const target of TARGETS) {
    if (!runTarget(target, seed, seconds / TARGETS.length)) process.exit(1)
  }
}

function runTarget(target: FuzzTarget, seed: number, seconds: number): boolean {
  try {
    const report = target.fuzz({ seed, seconds, onProgress: reporter(target.name) })
    console.log(`${target.name}: ${rate(report)}; ${report.summary}; no failure`)
    return true
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error
    console.error(`${target.name}: FAILED, seed ${error.seed}, iteration ${error.iteration}`)
    console.error(error.cause)
    console.error(`input: ${error.inputHex}`)
    return false
  }
}

/** Prints a line each few seconds, however often it is called. */
function reporter(name: string): (progress: FuzzProgress) => void {
  let nextSeconds = SECONDS_BETWEEN_REPORTS
  return (progress) => {
    if (progress.elapsedSeconds < nextSeconds) return
    nextSeconds += SECONDS_BETWEEN_REPORTS
    console.log(`${name}: ${rate(progress)}`)
  }
}

function rate({ iterationCount, elapsedSeconds }: FuzzProgress): string {
  const perSecond = Math.round(iterationCount / Math.max(elapsedSeconds, 0.001))
  return `${iterationCount} inputs in ${elapsedSeconds.toFixed(1)} s (${perSecond}/s)`
}

function numberOption(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    console.error(`${name} ${text}: not a number of 0 or more`)
    process.exit(2)
  }
  return value
}

main()
