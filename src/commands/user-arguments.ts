// The arguments of `turnd user`: what they mean, and one sentence for each thing that can be wrong with them.
import { join } from 'node:path'
import { opaqueString } from '../auth/opaque-string.js'
import { DEFAULT_USERS_FILE } from '../auth/users-file.js'
import { quoted } from '../config/printable.js'
import { CommandError, readWords } from './command-words.js'
import { stateDirectoryOf } from './state-directory.js'

export const USER_HELP = `Usage: turnd user add NAME [options]
       turnd user list [options]
       turnd user remove NAME [options]

Edits the users file of a turnd server. The file holds keys, not passwords. A running server
sees a change within a second; nobody is disconnected.

  --users-file PATH   the file (environment: TURND_USERS_FILE);
                      default: users.jsonl in the state directory
  --state-dir DIR     the state directory (environment: TURND_STATE_DIR, STATE_DIRECTORY);
                      default: ./turnd-state
  --realm REALM       the server's realm (environment: TURND_REALM); default: turnd. Keys hold for
                      one realm: a server with another --realm cannot use them. Without it, list
                      shows every realm
  --generate          add: make up a password, and print it once
  --password-stdin    add: read the password from the first line of standard input
  --replace           add: give a user who exists a new password
  -h, --help          this text

Without --generate or --password-stdin, add asks for the password on a terminal, twice and without
echo; where there is no terminal it reads the first line of standard input.

Exit code: 0 done; 1 the user to add exists, or the one to remove does not; 2 anything else failed.
`

export interface UserArguments {
  readonly action: 'add' | 'list' | 'remove' | 'help'
  /** '' for list and help. */
  readonly name: string
  readonly usersFile: string
  /** The directory to create for the users file; '' if the file was named and so must have one. */
  readonly stateDirectory: string
  readonly realm: string
  readonly isRealmGiven: boolean
  readonly isGenerated: boolean
  readonly isPasswordFromStdin: boolean
  readonly isReplacing: boolean
}

const REALM_DEFAULT = 'turnd'
const OPTIONS = {
  'users-file': { type: 'string' },
  'state-dir': { type: 'string' },
  realm: { type: 'string' },
  generate: { type: 'boolean' },
  'password-stdin': { type: 'boolean' },
  replace: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
const ADD_OPTIONS = ['generate', 'password-stdin', 'replace']

/** Reads what follows `turnd user`. Throws a CommandError. */
export function parseUserArguments(argv: readonly string[], env: NodeJS.ProcessEnv): UserArguments {
  const { values: allValues, words } = readWords(argv, OPTIONS)
  const values = new Map([...allValues].map(([name, given]) => [name, given.at(-1)]))
  const [action, ...names] = values.has('help') ? ['help'] : words
  if (action !== 'add' && action !== 'list' && action !== 'remove' && action !== 'help') {
    const what = action === undefined ? 'a command is missing' : `unknown command ${quoted(action)}`
    throw new CommandError(`${what}: use add, list or remove (see turnd user --help)`)
  }
  const wrongOption = action === 'add' || action === 'help' ? undefined : ADD_OPTIONS.find((name) => values.has(name))
  if (wrongOption !== undefined) throw new CommandError(`--${wrongOption} has no meaning with ${action}`)
  if (values.has('generate') && values.has('password-stdin')) {
    throw new CommandError('--generate and --password-stdin exclude each other')
  }
  const takesName = action === 'add' || action === 'remove'
  if (takesName && names.length === 0) throw new CommandError(`${action} needs the NAME of a user`)
  const surplus = names[takesName ? 1 : 0]
  if (surplus !== undefined) throw new CommandError(`unexpected argument ${quoted(surplus)}`)

  const stateDirectory = stateDirectoryOf(values.get('state-dir'), env)
  const usersFile = values.get('users-file') ?? env.TURND_USERS_FILE
  const realm = values.get('realm') ?? env.TURND_REALM
  return {
    action,
    name: takesName ? prepared('NAME', names[0]) : '',
    usersFile: usersFile ?? join(stateDirectory, DEFAULT_USERS_FILE),
    stateDirectory: usersFile === undefined ? stateDirectory : '',
    realm: prepared('--realm', realm ?? REALM_DEFAULT),
    isRealmGiven: realm !== undefined,
    isGenerated: values.has('generate'),
    isPasswordFromStdin: values.has('password-stdin'),
    isReplacing: values.has('replace'),
  }
}

function prepared(option: string, value: string): string {
  try {
    return opaqueString(value)
  } catch (error) {
    throw new CommandError(`${option} ${quoted(value)} ${error instanceof Error ? error.message : error}`)
  }
}
