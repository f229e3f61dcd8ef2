// `turnd login`: has running servers make one-time links to their status pages. Called by turnd.ts with the arguments after `login`.
import { quoted } from '../config/printable.js'
import { escapeControls } from '../log/escape.js'
import type { LoginAnswer } from '../server/control.js'
import { askServersOf, nobodyIn, serverDirectoryOf } from './ask-servers.js'
import { CommandError, readWords } from './command-words.js'

export const LOGIN_HELP = `Usage: turnd login [options]

Prints a link to the status page of the running server, which logs in whoever opens it first. Of
several servers that share a state directory, one for each, a line each. A link is for one use, and
for a few minutes. The page may be reachable from the server's own machine alone (--admin-listen):
from another one, forward its port, as with ssh -L 8445:127.0.0.1:8445 HOST.

  --state-dir DIR     the state directory of the server (environment: TURND_STATE_DIR,
                      STATE_DIRECTORY); default: ./turnd-state
  --config FILE       the server's config file, which may name the state directory
                      (environment: TURND_CONFIG)
  -h, --help          this text

Users who log in with a password are added with turnd user add NAME --admin.

Exit code: 0 every server has given a link; 1 there is none, or one of them has no status page or
gave no answer; 2 anything else failed: an argument, a file, standard output.
`

export interface LoginCommandIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
}

const OPTIONS = {
  'state-dir': { type: 'string' },
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Runs the command. Returns the exit code: 0, 1 (a link is missing), 2 (anything else, after one sentence). */
export async function runLoginCommand(argv: readonly string[], io: LoginCommandIo): Promise<number> {
  try {
    const stateDirectory = parseLoginArguments(argv, io.env)
    if (stateDirectory !== null) return await printLinks(stateDirectory, io)
    io.stdout.write(LOGIN_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    complain(io, error.message)
    return 2
  }
}

/** The state directory; null for --help. Throws a CommandError. */
function parseLoginArguments(argv: readonly string[], env: NodeJS.ProcessEnv): string | null {
  const { values, words } = readWords(argv, OPTIONS)
  if (values.has('help')) return null
  if (words.length > 0) throw new CommandError(`unexpected argument ${quoted(words[0])}: see turnd login --help`)
  return serverDirectoryOf(values.get('state-dir')?.[0], values.get('config')?.[0], env)
}

async function printLinks(stateDirectory: string, io: LoginCommandIo): Promise<number> {
  const asked = await askServersOf<LoginAnswer>(stateDirectory, { command: 'login' })
  if (asked === null) {
    complain(io, nobodyIn(stateDirectory))
    return 1
  }
  const { answers, failed } = asked
  for (const { error, socket } of failed) complain(io, `${socket}: ${error}`)
  let isComplete = failed.length === 0
  for (const { result } of answers) {
    if (result.link === null) {
      isComplete = false
      complain(io, `the server with process number ${result.pid} has no status page: start it with --admin-listen`)
    } else io.stdout.write(`${escapeControls(result.link)}\n`)
  }
  return isComplete ? 0 : 1
}

function complain({ stderr }: LoginCommandIo, message: string): void {
  stderr.write(`turnd login: ${escapeControls(message)}\n`)
}
