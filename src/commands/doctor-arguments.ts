// The arguments of `turnd doctor`: its own options and URIs, and beside them every option of the server, which are read as the server reads them.
import { ClientError } from '../client/client-error.js'
import { parseHostWord, parseTurnUri, type TurnUri } from '../client/turn-uri.js'
import { readArguments } from '../config/arguments.js'
import { TurndError } from '../config/errors.js'
import { findOption } from '../config/options.js'
import { quoted } from '../config/printable.js'
import { DOCTOR_ANSWER_SECONDS_DEFAULT, DOCTOR_ANSWER_SECONDS_MAX } from '../limits/doctor.js'
import { CommandError, readWords } from './command-words.js'

export const DOCTOR_HELP = `Usage: turnd doctor [options of the server] [URI ... --as NAME:PASSWORD]

Finds out why media does not flow, and says what to change. Without a URI it looks at this machine:
whether a server with these options starts, and what would be wrong with it; without options either,
at the server that runs here. With URIs it looks at a server from outside, as a client of it: run it
where the clients are.

  turnd doctor
  turnd doctor --config /etc/turnd/turnd.json
  turnd doctor turn:turn.example.org --as alice:secret
  turnd doctor turn:turn.example.org turns:turn.example.org:443 --as-secret-file secret.txt

  URI                 turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT], as browsers have
  --as NAME:PASSWORD  who to be. The name ends at the first colon, that of TURN REST credentials
                      (TIME:NAME:PASSWORD) at the second (environment: TURN_AS). Without it: the
                      user or the secret among the options of the server
  --as-secret SECRET  make TURN REST credentials with this secret, as a web service would
                      (environment: TURN_AS_SECRET)
  --as-secret-file FILE  the same from a file
  --ca FILE           the authorities (PEM) that clients trust, instead of the well-known ones
  --outside           this machine is not the server, whose options only tell what it is like
  --ntp HOST          compare this machine's clock with this time server's
  --timeout SECONDS   how long to wait for an answer that may not come; default: ${DOCTOR_ANSWER_SECONDS_DEFAULT}
  --json              one JSON object, for scripts
  --verbose           what is well, too
  -h, --help          this text

Options of the server (--config FILE, --min-port, ...; turnd --help lists them) and TURND_ variables
are read as the server reads them. With URIs and none of them this machine is taken for a client's.

Exit code: 0 no fault; 1 there is one, or several; 2 an argument is wrong.
`

export interface DoctorArguments {
  readonly uris: readonly TurnUri[]
  readonly as: { readonly username: string; readonly password: string } | null
  readonly secret: string | null
  readonly secretFile: string | null
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
  as: { type: 'string' },
  'as-secret': { type: 'string' },
  'as-secret-file': { type: 'string' },
  ca: { type: 'string' },
  ntp: { type: 'string' },
  timeout: { type: 'string' },
  outside: { type: 'boolean' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads what follows `turnd doctor`; null for --help. Throws a CommandError. */
export function parseDoctorArguments(argv: readonly string[], env: NodeJS.ProcessEnv): DoctorArguments | null {
  const { own, server } = split(argv)
  const { values, words } = readWords(own, OWN_OPTIONS)
  if (values.has('help')) return null
  const value = (name: string) => values.get(name)?.[0] ?? null
  const as = value('as') ?? (env.TURN_AS || null)
  const secret = value('as-secret') ?? (env.TURN_AS_SECRET || null)
  checkServerOptions(server)
  return {
    uris: words.map(parseUri),
    as: as === null ? null : parseAs(as),
    ...{ secret, secretFile: value('as-secret-file'), caFile: value('ca'), ntpHost: value('ntp') },
    patienceMs: parsePatience(value('timeout')) * 1000,
    ...{
      isOutside: values.has('outside'),
      isJson: values.has('json'),
      isVerbose: values.has('verbose'),
      serverArgv: server,
    },
  }
}

/** Options of the server go with their values; everything else is the doctor's. */
function split(argv: readonly string[]): { own: string[]; server: string[] } {
  const [own, server]: [string[], string[]] = [[], []]
  for (let index = 0; index < argv.length; index++) {
    const [, name, value] = /^--([^=]+)(=.*)?$/s.exec(argv[index]) ?? []
    const option = name === undefined || Object.hasOwn(OWN_OPTIONS, name) ? undefined : findOption(name)
    if (option === undefined) own.push(argv[index])
    else {
      server.push(argv[index])
      const hasValue = option.type.kind !== 'flag' && value === undefined && index + 1 < argv.length
      if (hasValue) server.push(argv[++index])
    }
  }
  return { own, server }
}

/** What is no option at all is a bad argument; what is wrong with a value is found by a check. */
function checkServerOptions(server: readonly string[]): void {
  try {
    readArguments(server)
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
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

function parseAs(text: string): { username: string; password: string } {
  const [, username, password] = /^((?:\d{6,}:)?[^:]+):(.+)$/s.exec(text) ?? []
  if (username === undefined) throw new CommandError('--as is not NAME:PASSWORD')
  return { username, password }
}

function parsePatience(text: string | null): number {
  if (text === null) return DOCTOR_ANSWER_SECONDS_DEFAULT
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (seconds > 0 && seconds <= DOCTOR_ANSWER_SECONDS_MAX) return seconds
  throw new CommandError(
    `--timeout ${quoted(text)} is no time to wait: give a number of seconds up to ${DOCTOR_ANSWER_SECONDS_MAX}`,
  )
}
