// The command line of `npm run bench`.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/** In the order in which they run. */
export const CASE_NAMES = [
  'core',
  'codec',
  'start',
  'memory',
  'allocations',
  'authentications',
  'relay',
  'latency',
  'mixed',
  'streams',
  'handshakes',
  'admin',
  'calls',
  'profile',
] as const
export type CaseName = (typeof CASE_NAMES)[number]

/** They say something about coturn alone. */
const CASES_WITHOUT_TURND: readonly CaseName[] = ['streams', 'handshakes']

/** `profile` is for looking for something, and only when it is asked for. */
const DEFAULT_CASES = CASE_NAMES.filter((name) => name !== 'profile')

export const USAGE = `npm run bench -- [CASE…] [options]

  core         the protocol core without sockets        codec        decoding and writing of messages
  relay        packets per second beside coturn         latency      percentiles at 30 % of coturn's capacity
  mixed        audio and video at a fixed rate          memory       of idle allocations
  allocations  set up per second                        start        until the first answer
  calls        system calls per packet (strace)         profile      where the cycles go (perf)
  streams      clients over TCP and TLS beside coturn   handshakes   latency while others shake hands by TLS
  admin        relaying with an open status page        authentications  of 10,000 users, a second

Without a case: all but profile, and the table of targets at the end; 12 minutes.

  --seconds N         length of a measured slice (default 1.25)
  --pairs N           rounds of slices in a comparison, the first of them discarded (default 5)
  --flows N           allocations of a load (default 100)
  --in-flight N       single packets on their way at most (default 256)
  --load TEXT         relay, streams and profile: only loads whose name contains this
  --engine NAME       turnd's engine: native, dgram or auto (default native)
  --turnd PATH        another build's turnd.js; 'none' leaves it out (streams and handshakes only)
  --coturn PATH       another build of coturn (default turnserver of the PATH); 'none' leaves it out
  --patience N        seconds that the run may spend on waiting for other programs, and on measuring again
                      what they disturbed (default 60)
  --cores S,G[,C]     cores of the servers, of the load generator, and of the clients that shake hands
                      (default 1,0 and the generator's)
  --json FILE         write what was measured, with the machine, to FILE
  --save              write it to docs/performance/ and docs/performance.md`

export interface BenchOptions {
  readonly cases: readonly CaseName[]
  readonly seconds: number
  readonly pairCount: number
  readonly flowCount: number
  readonly inFlightMax: number
  readonly patienceSeconds: number
  readonly load: string
  readonly engine: string
  readonly turnd: string | null
  readonly coturn: string
  readonly cores: { readonly server: number; readonly generator: number; readonly clients: number }
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
      seconds: { type: 'string', default: '1.25' },
      pairs: { type: 'string', default: '5' },
      flows: { type: 'string', default: '100' },
      'in-flight': { type: 'string', default: '256' },
      patience: { type: 'string', default: '60' },
      load: { type: 'string', default: '' },
      engine: { type: 'string', default: 'native' },
      turnd: { type: 'string' },
      coturn: { type: 'string', default: 'turnserver' },
      cores: { type: 'string', default: '1,0' },
      json: { type: 'string' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const coreCount = values.cores.split(',').length === 3 ? 3 : 2
  const [server, generator, clients = generator] = numbers(
    'cores',
    values.cores,
    coreCount,
    0,
    availableParallelism() - 1,
  )
  const wanted = positionals.map(caseName)
  if (values.turnd === 'none' && (wanted.length === 0 || wanted.some((name) => !CASES_WITHOUT_TURND.includes(name)))) {
    throw new Error(`--turnd none: only for ${CASES_WITHOUT_TURND.join(' and ')}`)
  }
  return {
    cases: wanted.length === 0 ? DEFAULT_CASES : CASE_NAMES.filter((name) => wanted.includes(name)),
    seconds: numbers('seconds', values.seconds, 1, 0.1, 30)[0],
    pairCount: numbers('pairs', values.pairs, 1, 2, 1000)[0],
    flowCount: numbers('flows', values.flows, 1, 1, 1000)[0],
    inFlightMax: numbers('in-flight', values['in-flight'], 1, 16, 100_000)[0],
    patienceSeconds: numbers('patience', values.patience, 1, 0, 36_000)[0],
    load: values.load,
    engine: values.engine,
    turnd: values.turnd ?? null,
    coturn: values.coturn,
    cores: { server, generator, clients },
    json: values.json ?? null,
    save: values.save,
    help: values.help,
  }
}

function caseName(text: string): CaseName {
  const name = CASE_NAMES.find((known) => known === text)
  if (name === undefined) throw new Error(`there is no case ${text}; there are ${CASE_NAMES.join(', ')}`)
  return name
}

function numbers(option: string, text: string, count: number, min: number, max: number): number[] {
  const list = text.split(',').map(Number)
  if (list.length !== count || list.some((value) => !(value >= min && value <= max))) {
    throw new Error(
      `--${option} ${text}: expected ${count === 1 ? 'a number' : `${count} numbers`} of ${min} to ${max}`,
    )
  }
  return list
}
