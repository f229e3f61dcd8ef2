// The arguments of `turnd why`: what they mean, and one sentence for each thing that can be wrong with them.

import type { WhyFilter } from '../admin/schema/why.js'
import { nearestName } from '../config/nearest-name.js'
import { CONNECTION_REFUSALS } from '../log/connection-refusals.js'
import { DROP_REASONS } from '../log/drops.js'
import { REFUSAL_REASONS } from '../log/refusals.js'
import { parseCidr } from '../stun/cidr.js'
import { serverDirectoryOf } from './ask-servers.js'
import { CommandError, readWords } from './command-words.js'

export const WHY_HELP = `Usage: turnd why [options]

Asks the running server whom it has refused, and says why, how often, and what to do about it.
Without options: everything that it remembers.

  --user NAME         refusals of this user, and whether the user got through otherwise. Of TURN REST
                      names (TIME:NAME) NAME is enough
  --source ADDRESS    of clients at this IP address, or in this CIDR block
  --reason CODE       of this reason, as logs name it (bad-password, peer-policy, ...)
  --since DURATION    seen within this time: 90s, 10m, 2h, 1d
  --json              one JSON object, for scripts
  --state-dir DIR     the state directory of the server (environment: TURND_STATE_DIR,
                      STATE_DIRECTORY); default: ./turnd-state. Of several servers that share one,
                      each is asked
  --config FILE       the server's config file, which may name the state directory
                      (environment: TURND_CONFIG)
  -h, --help          this text

Exit code: 0 every server has answered, whether it refused somebody or not; 1 there is none, or one
of them gave no answer; 2 anything else failed: an argument, a file, standard output.
`

export interface WhyArguments {
  readonly filter: WhyFilter
  readonly isJson: boolean
  readonly stateDirectory: string
}

const OPTIONS = {
  user: { type: 'string' },
  source: { type: 'string' },
  reason: { type: 'string' },
  since: { type: 'string' },
  json: { type: 'boolean' },
  'state-dir': { type: 'string' },
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const
const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const REASONS = [...new Set([REFUSAL_REASONS, CONNECTION_REFUSALS, DROP_REASONS].flatMap(Object.keys))]

/** Reads what follows `turnd why`; null for --help. Throws a CommandError. */
export function parseWhyArguments(argv: readonly string[], env: NodeJS.ProcessEnv): WhyArguments | null {
  const { values: allValues, words } = readWords(argv, OPTIONS)
  if (allValues.has('help')) return null
  if (words.length > 0) throw new CommandError(`unexpected argument ${JSON.stringify(words[0])}: see turnd why --help`)
  const value = (name: string) => allValues.get(name)?.[0]
  const [user, source, reason, since] = ['user', 'source', 'reason', 'since'].map(value)
  return {
    filter: {
      ...(user === undefined ? {} : { user }),
      ...(source === undefined ? {} : { source: parseSource(source) }),
      ...(reason === undefined ? {} : { reason: parseReason(reason) }),
      ...(since === undefined ? {} : { sinceSeconds: parseDuration(since) }),
    },
    isJson: allValues.has('json'),
    stateDirectory: serverDirectoryOf(value('state-dir'), value('config'), env),
  }
}

/** Logs show addresses with their ports: those are taken off. */
function parseSource(text: string): string {
  const withoutPort = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  if (parseCidr(withoutPort) !== null) return withoutPort
  throw new CommandError(
    `--source ${JSON.stringify(text)} is neither an IP address nor a CIDR block: give 192.0.2.7 or 192.0.2.0/24`,
  )
}

function parseReason(text: string): string {
  if (REASONS.includes(text)) return text
  const nearest = nearestName(text, REASONS)
  const hint = nearest === null ? 'turnd why without --reason shows those that occurred' : `did you mean ${nearest}?`
  throw new CommandError(`--reason ${JSON.stringify(text)} is no reason: ${hint}`)
}

/** In seconds. */
function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (digits !== '' && Number(digits) > 0) return Number(digits) * SECONDS_OF_UNIT[unit]
  throw new CommandError(`--since ${JSON.stringify(text)} is not a duration: give 90s, 10m, 2h or 1d`)
}
