// The arguments of `turnd user`: what they mean, and one sentence for each thing that can be wrong with them.
import { join } from 'node:path'
import { opaqueString } from '../auth/opaque-string.js'
import { DEFAULT_USERS_FILE } from '../auth/users-file.js'
import type { UserIdentity } from '../auth/users-file-line.js'
import { quoted } from '../config/printable.js'
import { ADMIN_PASSWORD_CHARACTER_COUNT_MIN } from '../limits/passwords.js'
import { CommandError, readWords } from './command-words.js'
import { stateDirectoryOf } from './state-directory.js'

export const USER_HELP = `Usage: turnd user add NAME [options]
       turnd user list [options]
       turnd user disable NAME [options]
       turnd user enable NAME [options]
       turnd user remove NAME [options]
       turnd user import FILE [options]

Edits the users file of a turnd server. The file holds keys and hashes, not passwords. A running
server sees a change within a second; nobody is disconnected. Who is disabled or removed gets no
new allocation, and keeps a present one until it has to be refreshed.

  --admin             an admin user, who logs in to the status page and the API and cannot use TURN.
                      Without it: a user of TURN, who cannot log in there. One name can be both
  --users-file PATH   the file (environment: TURND_USERS_FILE);
                      default: users.jsonl in the state directory
  --state-dir DIR     the state directory (environment: TURND_STATE_DIR, STATE_DIRECTORY);
                      default: ./turnd-state
  --realm REALM       the server's realm (environment: TURND_REALM); default: turnd. Keys hold for
                      one realm: a server with another --realm cannot use them. Without it, list
                      shows every realm, and import takes every one. Admin users have none
  --generate          add: make up a password, and print it once
  --password-stdin    add: read the password from the first line of standard input
  --replace           add: give a user who exists a new password; import: the keys of FILE. Who is
                      disabled stays so
  -h, --help          this text

Without --generate or --password-stdin, add asks for the password on a terminal, twice and without
echo; where there is no terminal it reads the first line of standard input. That of an admin user
has at least ${ADMIN_PASSWORD_CHARACTER_COUNT_MIN} characters.

list shows a user a line: name, realm, kinds of keys, role (turn or admin), enabled or disabled;
with tabs between.

import adds the users of another file, all or none; - is standard input. Its lines are those of a
users file, or name:realm:key with the MD5 key in hex, as htdigest writes them. Those of coturn:
  sqlite3 -separator : /var/lib/turn/turndb "select name, realm, hmackey from turnusers_lt" |
    turnd user import -

Exit code: 0 done; 1 a user to add exists, or the one to change does not; 2 anything else failed.
`

const ACTIONS = ['add', 'list', 'disable', 'enable', 'remove', 'import', 'help'] as const

export interface UserArguments {
  readonly action: (typeof ACTIONS)[number]
  /** Whom it is about; the name is '' for list, import and help. */
  readonly identity: UserIdentity
  /** To import; '-' is standard input, and '' all that is not import. */
  readonly importFile: string
  readonly usersFile: string
  /** The directory to create for the users file; '' if the file was named and so must have one. */
  readonly stateDirectory: string
  /** '' unless it is given. */
  readonly givenRealm: string
  readonly isGenerated: boolean
  readonly isPasswordFromStdin: boolean
  readonly isReplacing: boolean
}

const REALM_DEFAULT = 'turnd'
const OPTIONS = {
  'users-file': { type: 'string' },
  'state-dir': { type: 'string' },
  realm: { type: 'string' },
  admin: { type: 'boolean' },
  generate: { type: 'boolean' },
  'password-stdin': { type: 'boolean' },
  replace: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
const ADD_OPTIONS = ['generate', 'password-stdin', 'replace']
const IMPORT_OPTIONS = ['replace']

/** Reads what follows `turnd user`. Throws a CommandError. */
export function parseUserArguments(argv: readonly string[], env: NodeJS.ProcessEnv): UserArguments {
  const { values: allValues, words } = readWords(argv, OPTIONS)
  const values = new Map([...allValues].map(([name, given]) => [name, given.at(-1)]))
  const [word, ...names] = values.has('help') ? ['help'] : words
  const action = actionOf(word)
  const isImport = action === 'import'
  const takesName = action !== 'list' && action !== 'help' && !isImport
  checkOptions(action, values)
  if (takesName && names.length === 0) throw new CommandError(`${action} needs the NAME of a user`)
  if (isImport && names.length === 0) throw new CommandError('import needs a FILE, or - for standard input')
  const surplus = names[takesName || isImport ? 1 : 0]
  if (surplus !== undefined) throw new CommandError(`unexpected argument ${quoted(surplus)}`)

  const stateDirectory = stateDirectoryOf(values.get('state-dir'), env)
  const usersFile = values.get('users-file') ?? env.TURND_USERS_FILE
  const user = takesName ? prepared('NAME', names[0]) : ''
  const givenRealm = values.get('realm') ?? env.TURND_REALM
  const realm = prepared('--realm', givenRealm ?? REALM_DEFAULT)
  return {
    action,
    identity: values.has('admin') ? { role: 'admin', user, realm: '' } : { role: 'turn', user, realm },
    importFile: isImport ? names[0] : '',
    usersFile: usersFile ?? join(stateDirectory, DEFAULT_USERS_FILE),
    stateDirectory: usersFile === undefined ? stateDirectory : '',
    givenRealm: givenRealm === undefined ? '' : realm,
    isGenerated: values.has('generate'),
    isPasswordFromStdin: values.has('password-stdin'),
    isReplacing: values.has('replace'),
  }
}

function actionOf(word: string | undefined): UserArguments['action'] {
  const action = ACTIONS.find((name) => name === word)
  if (action !== undefined) return action
  const what = word === undefined ? 'a command is missing' : `unknown command ${quoted(word)}`
  throw new CommandError(`${what}: use add, list, disable, enable, remove or import (see turnd user --help)`)
}

function checkOptions(action: UserArguments['action'], values: ReadonlyMap<string, unknown>): void {
  const own: readonly string[] =
    action === 'add' || action === 'help' ? ADD_OPTIONS : action === 'import' ? IMPORT_OPTIONS : []
  const wrongOption = ADD_OPTIONS.find((name) => values.has(name) && !own.includes(name))
  if (wrongOption !== undefined) throw new CommandError(`--${wrongOption} has no meaning with ${action}`)
  if ((action === 'list' || action === 'import') && values.has('admin')) {
    throw new CommandError(`--admin has no meaning with ${action}`)
  }
  if (values.has('generate') && values.has('password-stdin')) {
    throw new CommandError('--generate and --password-stdin exclude each other')
  }
  if (values.has('admin') && values.has('realm')) {
    throw new CommandError('--admin and --realm exclude each other: admin users belong to no realm')
  }
}

function prepared(option: string, value: string): string {
  try {
    return opaqueString(value)
  } catch (error) {
    throw new CommandError(`${option} ${quoted(value)} ${error instanceof Error ? error.message : error}`)
  }
}
