// The arguments of `npm run interop`.
import { parseArgs } from 'node:util'
import { ENGINES, type EngineUnderTest } from '../../support/engines.js'
import { CLIENTS } from './catalogue.js'
import { type MatrixClient, TRANSPORTS, type Transport } from './contract.js'

export const USAGE = `npm run interop -- [options]: real calls of real clients through turnd, and docs/interop.md

  --client NAME       one client; may be repeated (default: all; see --list)
  --transport NAME    ${TRANSPORTS.join(', ')}; may be repeated (default: all)
  --engine NAME       native or dgram; may be repeated (default: both)
  --list              the names of the clients, and how each is driven
  --help              this text

Every client calls over every transport that it has, over IPv4 and IPv6, one cell after the other, on a server of its own on loopback. The table is
printed; a run of all cells also writes it to docs/interop.md, unless one failed without an explanation. What is needed: scripts/install-peers.sh.

Exit code: 0 every cell passed or is explained; 1 one is not; 2 bad arguments.`

export interface InteropOptions {
  readonly clients: readonly MatrixClient[]
  readonly transports: readonly Transport[]
  readonly engines: readonly EngineUnderTest[]
  /** Nothing was left out. */
  readonly isWhole: boolean
  readonly action: 'run' | 'list' | 'help'
}

/** Throws an Error with what to do about it. */
export function parseOptions(args: readonly string[]): InteropOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      client: { type: 'string', multiple: true },
      transport: { type: 'string', multiple: true },
      engine: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { client, transport, engine, list, help } = values
  return {
    clients: chosen('--client', client, CLIENTS, ({ id }) => id),
    transports: chosen('--transport', transport, TRANSPORTS, (name) => name),
    engines: chosen('--engine', engine, [...ENGINES].reverse(), ({ name }) => name),
    isWhole: client === undefined && transport === undefined && engine === undefined,
    action: help ? 'help' : list ? 'list' : 'run',
  }
}

/** In the order of `all`. */
function chosen<Value>(
  option: string,
  given: readonly string[] | undefined,
  all: readonly Value[],
  nameOf: (value: Value) => string,
): readonly Value[] {
  const names = all.map(nameOf)
  const unknown = given?.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`${option} ${unknown}: give one of ${names.join(', ')}`)
  return all.filter((value) => given?.includes(nameOf(value)) ?? true)
}
