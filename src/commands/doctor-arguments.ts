// The arguments of `turnd doctor`: its own options and URIs, and beside them every option of the server, which are read as the server reads them.
import { ClientError } from '../client/client-error.js'
import { parseHostWord, parseTurnUri, type TurnUri } from '../client/turn-uri.js'
import { readArguments } from '../config/arguments.js'
import { quoted } from '../config/printable.js'
import { DOCTOR_ANSWER_SECONDS_DEFAULT, DOCTOR_ANSWER_SECONDS_MAX } from '../limits/doctor.js'
import { type ClientIdentityWords, IDENTITY_OPTIONS, type OptionValue, readIdentity } from './client-identity.js'
import { CommandError, readWords } from './command-words.js'
import { checkServerOptions, splitServerOptions } from './server-options.js'

export const DOCTOR_HELP = `Usage: turnd doctor [options of the server] [URI ... --as NAME:PASSWORD]

Finds out why media does not flow, and says what to change. Without a URI it
looks at this machine: whether a server with these options starts, and what
would be wrong with it; without options either (--state-dir alone is none), at
the server that runs here. With URIs it looks at a server from outside, as a
client of it: run it where the clients are.

  turnd doctor
  turnd doctor --config /etc/turnd/turnd.json
  turnd doctor turn:turn.example.org --as alice:secret
  turnd doctor turn:turn.example.org turns:turn.example.org:443 \\
    --as-secret-file secret.txt

  URI                 turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT],
                      as browsers have
  --as NAME:PASSWORD, --as NAME
                      who to be. The name ends at the first colon, that of TURN
                      REST credentials (TIME:NAME:PASSWORD) at the second
                      (environment: TURN_AS). Without it: the user or the secret
                      among the options of the server
  --as-password-file FILE
                      the password of --as NAME, in the first line of a file
  --as-secret SECRET  make TURN REST credentials with this secret, as a web
                      service would (environment: TURN_AS_SECRET)
  --as-secret-file FILE  the same from a file
  --user, --password-file, --auth-secret, --auth-secret-file
                      these four by their names in turnd probe and of the
                      server: with a URI, and no other option of a server but
                      --realm
  --ca FILE           the authorities (PEM) that clients trust, instead of the
                      well-known ones
  --outside           this machine is not the server, whose options only tell
                      what it is like
  --ntp HOST          compare this machine's clock with this time server's
  --timeout SECONDS   how long to wait for an answer that may not come;
                      default: ${DOCTOR_ANSWER_SECONDS_DEFAULT}
  --json              one JSON object, for scripts
  --verbose           what is well, too
  -h, --help          this text

Options of the server (--config FILE, --min-port, ...; turnd --help lists them)
and TURND_ variables are read as the server reads them. With URIs and none of
them this machine is taken for a client's.

Exit code: 0 no fault; 1 there is one, or several; 2 an argument is wrong.
`

/** Of who to be at most one is given: a name with a password, in it or in a file, or a secret. */
export interface DoctorArguments extends ClientIdentityWords {
  readonly uris: readonly TurnUri[]
  readonly caFile: string | null
  readonly ntpHost: string | null
  readonly patienceMs: number
  /** The options are those of a server elsewhere. */
  readonly isOutside: boolean
  readonly isJson: boolean
  readonly isVerbose: boolean
  /** Of the server, without node and the script. */
  readonly serverArgv: readonly string[]
}

const OWN_OPTIONS = {
  ...IDENTITY_OPTIONS,
  'as-secret': { type: 'string' },
  ca: { type: 'string' },
  ntp: { type: 'string' },
  timeout: { type: 'string' },
  outside: { type: 'boolean' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Beside URIs these make no server of this machine: they say who to be there. */
const CLIENT_OPTIONS = {
  user: { type: 'string' },
  'auth-secret': { type: 'string' },
  'auth-secret-file': { type: 'string' },
  realm: { type: 'string' },
} as const

/** Reads what follows `turnd doctor`; null for --help. Throws a CommandError. */
export function parseDoctorArguments(argv: readonly string[], env: NodeJS.ProcessEnv): DoctorArguments | null {
  const { own, server } = splitServerOptions(argv, OWN_OPTIONS)
  const { values, words } = readWords(own, OWN_OPTIONS)
  if (values.has('help')) return null
  checkServerOptions(server)
  const isClient = words.length > 0 && isOfClient(server)
  const ofClient = isClient ? readWords(server, CLIENT_OPTIONS).values : new Map<string, string[]>()
  const value = (name: string) => (values.get(name) ?? ofClient.get(name))?.[0] ?? null
  return {
    uris: words.map(parseUri),
    ...identityWords(value, env),
    ...{ caFile: value('ca'), ntpHost: value('ntp') },
    patienceMs: parsePatience(value('timeout')) * 1000,
    ...{
      isOutside: values.has('outside'),
      isJson: values.has('json'),
      isVerbose: values.has('verbose'),
      serverArgv: isClient ? [] : server,
    },
  }
}

function isOfClient(server: readonly string[]): boolean {
  const command = readArguments(server)
  return 'given' in command && command.given.every(({ option }) => Object.hasOwn(CLIENT_OPTIONS, option.name))
}

/** Variables stand in where no option says who to be. */
function identityWords(value: OptionValue, env: NodeJS.ProcessEnv): ClientIdentityWords {
  const words = identityOfWords(value)
  if (words.username !== null || words.secret !== null || words.secretFile !== null) return words
  const variables: Readonly<Record<string, string | undefined>> = { as: env.TURN_AS, 'as-secret': env.TURN_AS_SECRET }
  return identityOfWords(
    (name) => variables[name] || null,
    (name) => `TURN_${name.toUpperCase().replace('-', '_')}`,
  )
}

function identityOfWords(value: OptionValue, show?: (name: string) => string): ClientIdentityWords {
  const words = readIdentity(value, show)
  const { nameOption, password, passwordFile, secret, secretFile, username } = words
  if (username !== null && password === null && passwordFile === null && secret === null && secretFile === null) {
    throw new CommandError(
      `${nameOption} is not NAME:PASSWORD: or give the password in a file, --as-password-file FILE`,
    )
  }
  return words
}

function parseUri(text: string): TurnUri {
  try {
    // A name alone is what people type.
    const place = parseHostWord(text)
    const uri: TurnUri = place === null ? parseTurnUri(text) : { scheme: 'turn', ...place, transport: null }
    if (uri.scheme === 'turn' || uri.scheme === 'turns') return uri
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    throw new CommandError(error.message)
  }
  throw new CommandError(`${quoted(text)} is about STUN alone: give turn:HOST or turns:HOST`)
}

function parsePatience(text: string | null): number {
  if (text === null) return DOCTOR_ANSWER_SECONDS_DEFAULT
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (seconds > 0 && seconds <= DOCTOR_ANSWER_SECONDS_MAX) return seconds
  throw new CommandError(
    `--timeout ${quoted(text)} is no time to wait: give a number of seconds up to ${DOCTOR_ANSWER_SECONDS_MAX}`,
  )
}
