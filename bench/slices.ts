// Alternating slices: turnd, coturn, turnd, coturn, … because a machine drifts within seconds. The first round is discarded, ratios
// are taken within a round, and a slice that other programs disturbed is measured again while there is time for that.
import type { BenchContext } from './context.js'
import { waitForQuiet } from './quiet.js'
import type { Multiple } from './report.js'
import type { ServerName } from './servers/commands.js'
import type { ServerProcess } from './servers/server-process.js'
import { spreadOf } from './statistics.js'

/** What every kind of slice says about the circumstances. */
export interface SliceFacts {
  readonly seconds: number
  /** Busy time of the server's core that was not the server's, and time that the generator did not get, as shares of the slice. */
  readonly disturbance: number
}

/** The slices of one round, by server. */
export type Round<Slice> = ReadonlyMap<ServerName, Slice>

export const DISTURBANCE_LIMIT = 0.05
const REPEAT_COUNT_MAX = 2

export async function runRounds<Slice extends SliceFacts>(
  context: BenchContext,
  servers: readonly ServerProcess[],
  name: string,
  runSlice: (server: ServerProcess) => Promise<Slice>,
  describe: (slice: Slice) => string,
  roundCount = context.options.pairCount,
): Promise<Round<Slice>[]> {
  const rounds: Round<Slice>[] = []
  for (let index = 0; index < roundCount; index++) {
    const round = new Map<ServerName, Slice>()
    for (const server of servers) {
      const label = `${name}, round ${index}${index === 0 ? ' (discarded)' : ''}: ${server.name}`
      const say = (slice: Slice, note: string) => context.progress(`${label} ${describe(slice)}${note}`)
      round.set(server.name, await runQuietSlice(context, () => runSlice(server), say, index === 0))
    }
    if (index > 0) rounds.push(round)
  }
  return rounds
}

async function runQuietSlice<Slice extends SliceFacts>(
  context: BenchContext,
  runSlice: () => Promise<Slice>,
  say: (slice: Slice, note: string) => void,
  isDiscarded: boolean,
): Promise<Slice> {
  for (let repeat = 0; ; repeat++) {
    await waitForQuiet(context)
    const start = performance.now()
    const slice = await runSlice()
    const isDisturbed = slice.disturbance > DISTURBANCE_LIMIT
    const again = isDisturbed && !isDiscarded && repeat < REPEAT_COUNT_MAX && context.patienceSeconds > 0
    const note = isDisturbed ? `, others took ${(slice.disturbance * 100).toFixed(0)} % of a core` : ''
    say(slice, again ? `${note}: measured again` : note)
    if (!again) return slice
    context.patienceSeconds -= (performance.now() - start) / 1000
  }
}

/** All slices of one server. */
export function slicesOf<Slice>(rounds: readonly Round<Slice>[], server: ServerName): Slice[] {
  return rounds.flatMap((round) => round.get(server) ?? [])
}

/** One server's value divided by another's, round by round; rounds that nothing disturbed count, or all if there is none. Null without both. */
export function ratioOf<Slice extends SliceFacts>(
  rounds: readonly Round<Slice>[],
  [dividend, divisor]: readonly [ServerName, ServerName],
  value: (slice: Slice) => number,
): Multiple | null {
  const pairs = rounds.flatMap((round): [Slice, Slice][] => {
    const left = round.get(dividend)
    const right = round.get(divisor)
    return left === undefined || right === undefined ? [] : [[left, right]]
  })
  if (pairs.length === 0) return null
  const quiet = pairs.filter((pair) => pair.every((slice) => slice.disturbance <= DISTURBANCE_LIMIT))
  const ratios = (quiet.length > 0 ? quiet : pairs).map(([left, right]) => value(left) / value(right))
  // A server that was kept from its core for a whole slice has done nothing in no time.
  const finite = ratios.filter(Number.isFinite)
  return finite.length === 0 ? null : { ...spreadOf(finite), isDisturbed: quiet.length === 0 }
}
