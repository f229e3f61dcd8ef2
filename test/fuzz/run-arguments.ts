// The command line of `npm run fuzz`: what its words mean, and one sentence for each thing that can be wrong with them.
import { parseArgs } from 'node:util'

const SECONDS_DEFAULT = 60
const SEED_MAX = 0xffff_ffff

export const FUZZ_HELP = `Usage: npm run fuzz -- [options]

Feeds hostile input to the targets, one after the other, until the time is over or one fails.

  --seconds N       of all targets together; default: ${SECONDS_DEFAULT}
  --iterations N    of each target, in place of a time: the same run every time
  --seed N          where the inputs come from; default: another one for each run, printed
  --target NAME     only this target; may be repeated (--list shows them)
  --engine NAME     native or dgram: only this engine, of the targets that need one; may be repeated
  --list            the targets
  --help            this text

Exit code: 0 no failure; 1 a target failed, its input is in fuzz-failures/; 2 bad arguments.
`

/** Bad arguments: one sentence. */
export class FuzzArgumentError extends Error {}

export interface FuzzRunOptions {
  readonly seconds: number
  /** null: until the time is over. */
  readonly iterations: number | null
  readonly seed: number
  /** Names, in the order of the targets; none is left out if none is given. */
  readonly targets: readonly string[]
  readonly engines: readonly string[]
}

/** Throws a FuzzArgumentError. */
export function readFuzzArguments(
  argv: readonly string[],
  targetNames: readonly string[],
  engineNames: readonly string[],
): FuzzRunOptions | 'help' | 'list' {
  const values = readValues(argv)
  if (values.help) return 'help'
  if (values.list) return 'list'
  if (values.seconds !== undefined && values.iterations !== undefined) {
    throw new FuzzArgumentError('--seconds and --iterations exclude each other: give one of them')
  }
  const seconds = numberOption('--seconds', values.seconds, SECONDS_DEFAULT)
  if (seconds === 0) throw new FuzzArgumentError('--seconds 0 runs nothing: give more')
  return {
    seconds,
    iterations: values.iterations === undefined ? null : wholeOption('--iterations', values.iterations, 0),
    seed: wholeOption('--seed', values.seed, Date.now() % (SEED_MAX + 1)),
    targets: namesOf('--target', values.target, targetNames),
    engines: namesOf('--engine', values.engine, engineNames),
  }
}

function readValues(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        seconds: { type: 'string' },
        iterations: { type: 'string' },
        seed: { type: 'string' },
        target: { type: 'string', multiple: true },
        engine: { type: 'string', multiple: true },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    const [sentence] = error instanceof Error ? error.message.split('. ') : [String(error)]
    throw new FuzzArgumentError(`${sentence}: --help lists the options`)
  }
}

function namesOf(option: string, given: readonly string[] = [], known: readonly string[]): readonly string[] {
  for (const name of given) {
    if (!known.includes(name)) throw new FuzzArgumentError(`${option} ${name}: give one of ${known.join(', ')}`)
  }
  return given.length === 0 ? known : known.filter((name) => given.includes(name))
}

function numberOption(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) throw new FuzzArgumentError(`${option} ${text}: give a number of 0 or more`)
  return Number(text)
}

function wholeOption(option: string, text: string | undefined, fallback: number): number {
  const value = numberOption(option, text, fallback)
  if (Number.isInteger(value) && value <= SEED_MAX) return value
  throw new FuzzArgumentError(`${option} ${text}: give a whole number from 0 to ${SEED_MAX}`)
}
