// `turnd doctor`: looks at this machine and at servers from outside, and says what to change. Called by turnd.ts with the arguments after `doctor`.
import { resolve } from 'node:path'
import { askServers } from '../admin/control-client.js'
import type { WhyReport } from '../admin/schema/why.js'
import { errorText } from '../auth/private-file.js'
import { loadSecretFile } from '../auth/secret-file.js'
import { parseCommandLine } from '../config/command-line.js'
import { readEnvironment } from '../config/environment.js'
import { TurndError } from '../config/errors.js'
import { readTextFile } from '../config/read-text-file.js'
import type { ParsedSettings } from '../config/settings.js'
import type { Finding } from '../doctor/check.js'
import { diagnosisOf, THIS_MACHINE } from '../doctor/diagnosis.js'
import { INSIDE_CHECKS } from '../doctor/inside/checks.js'
import { clock } from '../doctor/inside/clock.js'
import type { RunningServer } from '../doctor/inside/scene.js'
import { REAL_MACHINE } from '../doctor/machine.js'
import { examineServers } from '../doctor/outside/examine.js'
import type { Identity } from '../doctor/outside/scene.js'
import { reportText } from '../doctor/report.js'
import { runChecks } from '../doctor/run-checks.js'
import { escapeControls, escapeHidden } from '../log/escape.js'
import { CommandError } from './command-words.js'
import { DOCTOR_HELP, type DoctorArguments, parseDoctorArguments } from './doctor-arguments.js'

/** For all checks of one run. */
const RUN_MILLISECONDS_MAX = 15_000
/** A server answers at once, or hangs. */
const CONTROL_ANSWER_MILLISECONDS_MAX = 1_000

export interface DoctorCommandIo {
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number }
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
}

/** Runs the command. Returns the exit code: 0, 1 (a fault), 2 (bad arguments, after one sentence). */
export async function runDoctorCommand(argv: readonly string[], io: DoctorCommandIo): Promise<number> {
  try {
    const options = parseDoctorArguments(argv, io.env)
    if (options !== null) return await examine(options, io)
    io.stdout.write(DOCTOR_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`turnd doctor: ${escapeControls(error.message)}\n`)
    return 2
  }
}

async function examine(options: DoctorArguments, io: DoctorCommandIo): Promise<number> {
  const parsed = parseServerOptions(options.serverArgv, io.env)
  // Of a client's machine nobody asks whether a server could run there.
  const isServer =
    options.uris.length === 0 || options.serverArgv.length > 0 || readEnvironment(io.env).given.length > 0
  if (options.isOutside && parsed instanceof Error) throw new CommandError(parsed.message)
  const settings = isServer && !(parsed instanceof Error) ? parsed.settings : null
  const outside = {
    ...{ settings, patienceMs: options.patienceMs, uris: options.uris, identity: identityOf(options, settings) },
    ...{ ca: options.caFile === null ? null : readCa(options.caFile), millisecondsMax: RUN_MILLISECONDS_MAX },
  }
  const findings = (
    await Promise.all([
      isServer && !options.isOutside ? fromInside(parsed, options) : fromClient(options),
      examineServers(outside),
    ])
  ).flat()
  const isFaulty = findings.some(({ verdict }) => verdict === 'fault')
  if (options.isJson)
    io.stdout.write(`${escapeHidden(JSON.stringify({ isFaulty, diagnosis: diagnosisOf(findings), findings }))}\n`)
  else io.stdout.write(reportText(findings, { isVerbose: options.isVerbose, columns: io.stdout.columns ?? 100 }))
  return isFaulty ? 1 : 0
}

async function fromInside(parsed: ParsedSettings | Error, options: DoctorArguments): Promise<Finding[]> {
  const settings = (parsed as ParsedSettings).settings
  const running = parsed instanceof Error ? [] : await runningServers(settings.stateDir)
  const scene = { ...options, machine: REAL_MACHINE, nowMs: Date.now(), parsed, settings, running }
  return (
    await Promise.all([runChecks(INSIDE_CHECKS, scene, THIS_MACHINE, RUN_MILLISECONDS_MAX), fromClient(options)])
  ).flat()
}

/** Timestamped credentials and certificates are judged by this machine's clock. */
function fromClient(options: DoctorArguments): Promise<Finding[]> {
  return runChecks([clock], { ...options, machine: REAL_MACHINE }, THIS_MACHINE, RUN_MILLISECONDS_MAX)
}

/** What a server would start with, or why it would not. */
function parseServerOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ParsedSettings | Error {
  try {
    // --help and --version are not among the arguments.
    return parseCommandLine(argv, env, readTextFile) as ParsedSettings
  } catch (error) {
    if (error instanceof TurndError) return error
    throw error
  }
}

async function runningServers(stateDirectory: string): Promise<RunningServer[]> {
  try {
    const request = { command: 'why', entriesMax: 1 }
    const answers = await askServers(resolve(stateDirectory), request, CONTROL_ANSWER_MILLISECONDS_MAX)
    return answers.flatMap((answer) => (answer.kind === 'result' ? [answer.result as WhyReport] : []))
  } catch {
    // The directory may not be read by this account: a port that is taken is said to be so.
    return []
  }
}

/** Who the doctor is to be: as given, else somebody whom the server's options know. */
function identityOf(
  { as, secret, secretFile }: DoctorArguments,
  settings: ParsedSettings['settings'] | null,
): Identity | null {
  if (as !== null) return { kind: 'password', ...as }
  if (secret !== null) return { kind: 'secret', secret }
  if (secretFile !== null) return { kind: 'secret', secret: secretOf(secretFile, '--as-secret-file') }
  if (settings === null) return null
  const [user] = settings.user
  if (user !== undefined) return { kind: 'password', username: user.name, password: user.password }
  if (settings.authSecret.length > 0) return { kind: 'secret', secret: settings.authSecret[0] }
  return settings.authSecretFile === null ? null : secretFromServer(settings.authSecretFile)
}

function secretFromServer(path: string): Identity | null {
  try {
    return { kind: 'secret', secret: loadSecretFile(path)[0] }
  } catch {
    // A check of this machine tells.
    return null
  }
}

function secretOf(path: string, option: string): string {
  try {
    return loadSecretFile(path, option)[0]
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}

function readCa(path: string): string {
  try {
    return readTextFile(path)
  } catch (error) {
    throw new CommandError(`--ca ${path}: ${errorText(error)}`)
  }
}
