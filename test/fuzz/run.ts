// The command `npm run fuzz`: runs every fuzz target in turn, each for its share of the time; those that need an engine on each engine. On a
// failure it prints what reproduces it, writes the input to a file, and exits with 1.
import { join, relative } from 'node:path'
import { ENGINES, type EngineUnderTest, MAIN_ENGINE } from '../support/engines.js'
import { projectRoot } from '../support/project-root.js'
import { fuzzCodec } from './codec-fuzz.js'
import { fuzzCore } from './core-fuzz.js'
import { writeFailureFiles } from './failure-files.js'
import { fuzzParsers } from './parsers/parsers-fuzz.js'
import { FUZZ_HELP, FuzzArgumentError, type FuzzRunOptions, readFuzzArguments } from './run-arguments.js'
import { fuzzSockets } from './sockets/sockets-fuzz.js'
import { FuzzFailure, type FuzzOptions, type FuzzProgress, type FuzzTarget } from './target.js'

const TARGETS: readonly FuzzTarget[] = [
  { name: 'codec', help: 'mutated messages: decoder and framer', needsEngine: false, unit: 'inputs', fuzz: fuzzCodec },
  {
    name: 'core',
    help: 'requests behind valid credentials: the core, its books',
    needsEngine: false,
    unit: 'inputs',
    fuzz: fuzzCore,
  },
  {
    name: 'parsers',
    help: 'everything else that reads what strangers or operators write: headers, records, options, files',
    needsEngine: false,
    unit: 'inputs',
    fuzz: fuzzParsers,
  },
  {
    name: 'sockets',
    help: 'the real server over UDP, TCP, TLS, DTLS and HTTP, behind a PROXY header, and from its peers',
    needsEngine: true,
    unit: 'batches',
    fuzz: fuzzSockets,
  },
]
const SECONDS_BETWEEN_REPORTS = 5
const FAILURES_FOLDER = join(projectRoot, 'fuzz-failures')

interface Run {
  readonly target: FuzzTarget
  readonly engine: EngineUnderTest
  readonly name: string
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options === 'help') process.stdout.write(FUZZ_HELP)
  else if (options === 'list') for (const { help, name } of TARGETS) console.log(`${name.padEnd(8)} ${help}`)
  else if (!(await runAll(options))) process.exitCode = 1
}

function readOptions(): FuzzRunOptions | 'help' | 'list' {
  try {
    return readFuzzArguments(
      process.argv.slice(2),
      TARGETS.map(({ name }) => name),
      ENGINES.map(({ name }) => name),
    )
  } catch (error) {
    if (!(error instanceof FuzzArgumentError)) throw error
    console.error(`fuzz: ${error.message}`)
    process.exit(2)
  }
}

async function runAll(options: FuzzRunOptions): Promise<boolean> {
  const runs = runsOf(options)
  const { iterations, seconds, seed } = options
  const extent = iterations === null ? `${seconds} s` : `${iterations} iterations each`
  console.log(`fuzzing ${runs.map(({ name }) => name).join(', ')}: ${extent}, --seed ${seed}`)
  for (const run of runs) {
    const bound = iterations === null ? { seconds: seconds / runs.length } : { iterations }
    if (!(await runTarget(run, { seed, ...bound, onProgress: reporter(run.name, run.target.unit) }))) return false
  }
  return true
}

function runsOf({ engines, targets }: FuzzRunOptions): Run[] {
  const wanted = ENGINES.filter(({ name }) => engines.includes(name))
  return TARGETS.filter(({ name }) => targets.includes(name)).flatMap((target): Run[] => {
    if (!target.needsEngine) return [{ target, engine: MAIN_ENGINE, name: target.name }]
    for (const { name, skip } of wanted)
      if (skip !== false) console.log(`${target.name} on ${name} is left out: ${skip}`)
    const usable = wanted.filter(({ skip }) => skip === false)
    return usable.map((engine) => ({ target, engine, name: `${target.name} on ${engine.name}` }))
  })
}

async function runTarget({ engine, name, target }: Run, options: FuzzOptions): Promise<boolean> {
  try {
    const report = await target.fuzz(options, engine)
    console.log(`${name}: ${rate(report, target.unit)}; ${report.summary}; no failure`)
    return true
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error
    const onEngine = target.needsEngine ? ` --engine ${engine.name}` : ''
    console.error(`${name}: FAILED, iteration ${error.iteration} of seed ${error.seed}`)
    console.error(error.cause)
    console.error(
      `repeat: npm run fuzz -- --target ${target.name}${onEngine} --seed ${error.seed} --iterations ${error.iteration + 1}`,
    )
    const files = writeFailureFiles(error, target.name, FAILURES_FOLDER).map((path) => relative(process.cwd(), path))
    for (const file of files) console.error(`input: ${file}`)
    console.error(
      'keep it: move the file to test/fuzz/corpus/, under a name that says what it is (KIND-WHAT.hex, see the README there);',
    )
    console.error('every run and the tests begin with the files of that folder')
    return false
  }
}

/** Prints a line each few seconds, however often it is called. */
function reporter(name: string, unit: string): (progress: FuzzProgress) => void {
  let nextSeconds = SECONDS_BETWEEN_REPORTS
  return (progress) => {
    if (progress.elapsedSeconds < nextSeconds) return
    nextSeconds += SECONDS_BETWEEN_REPORTS
    console.log(`${name}: ${rate(progress, unit)}`)
  }
}

function rate({ iterationCount, elapsedSeconds }: FuzzProgress, unit: string): string {
  const perSecond = Math.round(iterationCount / Math.max(elapsedSeconds, 0.001))
  return `${iterationCount} ${unit} in ${elapsedSeconds.toFixed(1)} s (${perSecond}/s)`
}

await main()
