// The arguments of `turnd credentials`: its own, and beside them every option of the server, which are read as the server reads them.
import { printable, quoted } from '../config/printable.js'
import { CommandError, readWords } from './command-words.js'
import { checkServerOptions, splitServerOptions } from './server-options.js'

export const CREDENTIALS_HELP = `Usage: turnd credentials [--user NAME] [--ttl TIME] [options of the server]

Makes timestamped credentials (TURN REST API), as a web service does, with the
secret of the server. Anybody who has them may relay through the server until
their time has come. No server need run.

  turnd credentials --user alice --ttl 1h --config /etc/turnd/turnd.json
  turnd credentials --auth-secret-file secret.txt --json

  --user NAME         whose they are: quotas count for this name. Without it the
                      time alone is the user name
  --ttl TIME          how long they hold: seconds, or 30m, 1h, 7d; default:
                      --auth-secret-lifetime, a day
  --hash HASH         how the password is made: sha1 or sha256; default:
                      --auth-secret-hash, of any sha1
  --separator CHARACTER
                      between time and name; default: --auth-secret-separator
  --access-token      a token of third-party authorization (RFC 7635) instead,
                      for tests, made with a key of --oauth-keys; --ttl: an hour
  --kid KID           with that key; default: the first that has not expired
  --auth-secret-stdin read the secret from the first line of standard input
  --json              one JSON object: username, password, ttl, uris, iceServers
  -h, --help          this text

The secret is that of the server's options (--auth-secret, --auth-secret-file;
turnd --help lists them), of TURND_ variables, or of the file of --config or
--coturn-config. Of several the first one signs: put a new one first when all
servers have it. URIs are made of --public-name, and of --listen where it is no
wildcard.

Exit code: 0 they are printed; 2 they are not: an argument, a file, no secret.
`

export interface CredentialsArguments {
  readonly user: string
  /** null: that of the server's options. */
  readonly ttlSeconds: number | null
  readonly hash: 'sha1' | 'sha256' | null
  readonly separator: string | null
  readonly isSecretFromInput: boolean
  /** An access token is wanted, not a name and a password. */
  readonly isAccessToken: boolean
  /** null: the first key that there is. */
  readonly kid: string | null
  readonly isJson: boolean
  /** Of the server, without node and the script. */
  readonly serverArgv: readonly string[]
}

const OWN_OPTIONS = {
  user: { type: 'string' },
  ttl: { type: 'string' },
  hash: { type: 'string' },
  separator: { type: 'string' },
  'access-token': { type: 'boolean' },
  kid: { type: 'string' },
  'auth-secret-stdin': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const UNIT_SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

/** Reads what follows `turnd credentials`; null for --help. Throws a CommandError. */
export function parseCredentialsArguments(argv: readonly string[]): CredentialsArguments | null {
  const { own, server } = splitServerOptions(argv, OWN_OPTIONS)
  const { values, words } = readWords(own, OWN_OPTIONS)
  if (values.has('help')) return null
  if (words.length > 0) throw new CommandError(`unexpected argument ${quoted(words[0])}: whose they are is --user NAME`)
  checkServerOptions(server)
  const value = (name: string) => values.get(name)?.[0] ?? null
  return {
    user: value('user') ?? '',
    ttlSeconds: parseTtl(value('ttl')),
    hash: parseHash(value('hash')),
    separator: value('separator'),
    ...{ isAccessToken: values.has('access-token'), kid: value('kid') },
    ...{ isSecretFromInput: values.has('auth-secret-stdin'), isJson: values.has('json'), serverArgv: server },
  }
}

function parseTtl(text: string | null): number | null {
  if (text === null) return null
  const [, digits, unit] = /^(\d{1,10})([smhd]?)$/.exec(text) ?? []
  if (digits === undefined) {
    throw new CommandError(`--ttl ${printable(text)} is no time: give seconds, or such as 30m, 1h or 7d`)
  }
  return Number(digits) * UNIT_SECONDS[unit]
}

function parseHash(text: string | null): 'sha1' | 'sha256' | null {
  if (text === null || text === 'sha1' || text === 'sha256') return text
  throw new CommandError(`--hash ${printable(text)} is neither sha1 nor sha256`)
}
