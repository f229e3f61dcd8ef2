// The arguments of `turnd convert`: which file of which server, and where the result goes.
import { findOption, type Option } from '../config/options.js'
import { quoted } from '../config/printable.js'
import { CommandError, readWords } from './command-words.js'

export const CONVERT_HELP = `Usage: turnd convert --coturn-config FILE | --expressway-config FILE [options]

Prints the file for --config that does what another server's file did, and to standard error a
table of what became of each option: applied (as which of ours), the same here anyway, ignored and
why, or what you have to do. turnd --config with the result does what turnd --coturn-config did.

  --coturn-config FILE      a turnserver.conf of coturn
  --expressway-config FILE  the output of xConfiguration of a Cisco Expressway-E
  --output FILE             write the result to a new file of mode 0600, passwords and secrets
                            included
  --force                   replace that file if it is there
  --with-secrets            print passwords and secrets to standard output, too; without it (and
                            without --output) they are left out, and the table says so
  -h, --help                this text

Exit code: 0 done; 1 the file of --output is there already; 2 anything else failed.
`

export interface ConvertArguments {
  /** --coturn-config or --expressway-config. */
  readonly option: Option
  readonly path: string
  /** null: to standard output. */
  readonly output: string | null
  readonly isReplacing: boolean
  readonly hasSecrets: boolean
}

const OPTIONS = {
  'coturn-config': { type: 'string' },
  'expressway-config': { type: 'string' },
  output: { type: 'string' },
  force: { type: 'boolean' },
  'with-secrets': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
const SOURCES = ['coturn-config', 'expressway-config'] as const

/** Reads what follows `turnd convert`; null for --help. Throws a CommandError. */
export function parseConvertArguments(argv: readonly string[]): ConvertArguments | null {
  const { values, words } = readWords(argv, OPTIONS)
  if (values.has('help')) return null
  if (words.length > 0) throw new CommandError(`unexpected argument ${quoted(words[0])}: give --coturn-config FILE`)
  const sources = SOURCES.filter((name) => values.has(name))
  if (sources.length !== 1) throw new CommandError('give either --coturn-config FILE or --expressway-config FILE')
  const output = values.get('output')?.[0] ?? null
  if (output === null && values.has('force')) throw new CommandError('--force has no meaning without --output')
  return {
    option: findOption(sources[0])!,
    path: values.get(sources[0])![0],
    output,
    isReplacing: values.has('force'),
    hasSecrets: output !== null || values.has('with-secrets'),
  }
}
