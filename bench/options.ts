// The command line of `npm run bench`.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export const BENCH_NAMES = ['codec', 'core', 'relay'] as const
export type BenchName = (typeof BENCH_NAMES)[number]

export const USAGE = `npm run bench -- [${BENCH_NAMES.join('|')}] [options]     all of them without a name

  --seconds N         length of a measured slice (default 2)
  --pairs N           pairs of slices in a comparison, the first of them discarded (default 6)
  --flows N[,N]       allocations (default 100,1); indications run with the first number
  --in-flight N       packets on their way at most (default 256)
  --engine NAME       turnd's engine (default dgram)
  --turnd PATH        another build's turnd.js
  --coturn PATH       another build of coturn (default turnserver of the PATH); 'none' leaves it out
  --cores S,G         cores of the server and of the load generator (default 1,0)
  --json FILE         write what was measured, with the machine, to FILE
  --save              write it to docs/performance/ and the tables to docs/performance.md`

export interface BenchOptions {
  readonly benches: readonly BenchName[]
  readonly seconds: number
  readonly pairCount: number
  readonly flowCounts: readonly number[]
  readonly inFlightMax: number
  readonly engine: string
  readonly turnd: string | null
  readonly coturn: string
  readonly cores: { readonly server: number; readonly generator: number }
  readonly json: string | null
  readonly save: boolean
  readonly help: boolean
}

/** Throws an Error with a sentence for the user. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '2' },
      pairs: { type: 'string', default: '6' },
      flows: { type: 'string', default: '100,1' },
      'in-flight': { type: 'string', default: '256' },
      engine: { type: 'string', default: 'dgram' },
      turnd: { type: 'string' },
      coturn: { type: 'string', default: 'turnserver' },
      cores: { type: 'string', default: '1,0' },
      json: { type: 'string' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [server, generator] = numbers('cores', values.cores, 2, 0, availableParallelism() - 1)
  return {
    benches: positionals.length === 0 ? BENCH_NAMES : positionals.map(benchName),
    seconds: numbers('seconds', values.seconds, 1, 0.1, 3600)[0],
    pairCount: numbers('pairs', values.pairs, 1, 2, 1000)[0],
    flowCounts: numbers('flows', values.flows, null, 1, 1000),
    inFlightMax: numbers('in-flight', values['in-flight'], 1, 1, 100_000)[0],
    engine: values.engine,
    turnd: values.turnd ?? null,
    coturn: values.coturn,
    cores: { server, generator },
    json: values.json ?? null,
    save: values.save,
    help: values.help,
  }
}

function benchName(text: string): BenchName {
  const name = BENCH_NAMES.find((known) => known === text)
  if (name === undefined) throw new Error(`there is no bench ${text}; there are ${BENCH_NAMES.join(', ')}`)
  return name
}

function numbers(option: string, text: string, count: number | null, min: number, max: number): number[] {
  const list = text.split(',').map(Number)
  if ((count !== null && list.length !== count) || list.some((value) => !(value >= min && value <= max))) {
    const form = count === 1 ? 'a number' : `${count ?? 'some'} numbers`
    throw new Error(`--${option} ${text}: expected ${form} of ${min} to ${max}`)
  }
  return list
}
