// `turnd credentials`: TURN REST credentials made with the server's secret. Called by turnd.ts with the arguments after `credentials`.
import {
  defaultLifetime,
  type IssuedCredentials,
  issueCredentials,
  wrongLifetime,
  wrongUser,
} from '../auth/rest-credentials.js'
import { loadSecretFile } from '../auth/secret-file.js'
import { parseCommandLine } from '../config/command-line.js'
import { TurndError } from '../config/errors.js'
import { printable } from '../config/printable.js'
import { readTextFile } from '../config/read-text-file.js'
import { parseSecretSeparator } from '../config/secret-separator.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import { ValueProblem } from '../config/value-type.js'
import { durationText } from '../doctor/durations.js'
import { escapeControls } from '../log/escape.js'
import { configuredUris } from '../server/uris.js'
import { accessTokenText } from './access-token.js'
import { CommandError } from './command-words.js'
import { CREDENTIALS_HELP, type CredentialsArguments, parseCredentialsArguments } from './credentials-arguments.js'
import { type PasswordInput, readPasswordLine } from './password-input.js'

export interface CredentialsCommandIo {
  readonly stdin: PasswordInput
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
}

/** Runs the command. Returns the exit code: 0, or 2 after one sentence. */
export async function runCredentialsCommand(argv: readonly string[], io: CredentialsCommandIo): Promise<number> {
  try {
    const given = parseCredentialsArguments(argv)
    io.stdout.write(given === null ? CREDENTIALS_HELP : await printed(given, io))
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`turnd credentials: ${escapeControls(error.message)}\n`)
    return 2
  }
}

async function printed(given: CredentialsArguments, io: CredentialsCommandIo): Promise<string> {
  const settings = settingsOf(given.serverArgv, io.env)
  if (given.isAccessToken) return accessTokenText(given, settings)
  const rules = {
    separator: separatorOf(given, settings),
    hash: given.hash ?? settings.authSecretHash,
    lifetimeSecondsMax: settings.authSecretLifetimeMax,
  }
  const ttlSeconds = given.ttlSeconds ?? defaultLifetime(settings.authSecretLifetime, rules)
  const userProblem = wrongUser(given.user)
  if (userProblem !== null) throw new CommandError(`--user ${printable(given.user)} ${userProblem}`)
  const lifetimeProblem = wrongLifetime(ttlSeconds, rules)
  if (lifetimeProblem !== null) throw new CommandError(`--ttl ${ttlSeconds} ${lifetimeProblem}`)
  const secret = given.isSecretFromInput ? await secretOfInput(io.stdin) : secretOf(settings)
  const wallSeconds = Math.floor(Date.now() / 1000)
  const issued = issueCredentials(
    secret,
    { user: given.user, ttlSeconds },
    rules,
    wallSeconds,
    configuredUris(settings),
  )
  if (given.isJson) return `${JSON.stringify(issued)}\n`
  return textOf(issued, wallSeconds + ttlSeconds)
}

function textOf({ password, ttl, uris, username }: IssuedCredentials, expirySeconds: number): string {
  const until = new Date(expirySeconds * 1000).toISOString().replace('.000Z', 'Z')
  const lines = [`username  ${username}`, `password  ${password}`, `until     ${until}, in ${durationText(ttl)}`]
  return [...lines, ...uris.map((uri) => `uri       ${uri}`)].map((line) => `${escapeControls(line)}\n`).join('')
}

function settingsOf(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  try {
    return (parseCommandLine(argv, env, readTextFile) as ParsedSettings).settings
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}

function separatorOf({ separator }: CredentialsArguments, settings: Settings): string {
  if (separator === null) return settings.authSecretSeparator
  try {
    return parseSecretSeparator(separator)
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    throw new CommandError(`--separator ${printable(separator)} ${error.message}`)
  }
}

async function secretOfInput(stdin: PasswordInput): Promise<string> {
  let secret: string
  try {
    secret = await readPasswordLine(stdin)
  } catch (error) {
    throw error instanceof RangeError ? new CommandError(`--auth-secret-stdin: ${error.message}`) : error
  }
  if (secret !== '') return secret
  throw new CommandError('--auth-secret-stdin: the first line of standard input is empty: give the secret there')
}

/** The first one signs, as over HTTP. */
function secretOf({ authSecret, authSecretFile, redis }: Settings): string {
  const [first] = authSecret
  if (first !== undefined) return first
  if (authSecretFile === null && redis !== null) {
    throw new CommandError(
      'secrets in Redis are not read here: ask the running server, over HTTP with --credentials-token, or give one by --auth-secret-stdin',
    )
  }
  if (authSecretFile === null) {
    throw new CommandError(
      'no secret to sign with: give that of the server, with --config FILE, --auth-secret-file FILE or --auth-secret-stdin',
    )
  }
  try {
    return loadSecretFile(authSecretFile)[0]
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}
