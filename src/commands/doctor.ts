// `turnd doctor`: looks at this machine and at servers from outside, and says what to change. Called by turnd.ts with the arguments after `doctor`.
import { readArguments } from '../config/arguments.js'
import { parseCommandLine } from '../config/command-line.js'
import { readEnvironment } from '../config/environment.js'
import { TurndError } from '../config/errors.js'
import { readTextFile } from '../config/read-text-file.js'
import type { ParsedSettings, SettingKey, Settings } from '../config/settings.js'
import type { Finding } from '../doctor/check.js'
import { diagnosisOf, THIS_MACHINE } from '../doctor/diagnosis.js'
import { INSIDE_CHECKS } from '../doctor/inside/checks.js'
import { clock } from '../doctor/inside/clock.js'
import type { InsideScene } from '../doctor/inside/scene.js'
import { REAL_MACHINE } from '../doctor/machine.js'
import { examineServers } from '../doctor/outside/examine.js'
import { reportText } from '../doctor/report.js'
import { runChecks, runMillisecondsMax } from '../doctor/run-checks.js'
import { parsedOf, type RunningServer, serversOfMachine, serversWith } from '../doctor/running-servers.js'
import { escapeControls, escapeHidden } from '../log/escape.js'
import { CommandError } from './command-words.js'
import { DOCTOR_HELP, type DoctorArguments, parseDoctorArguments } from './doctor-arguments.js'
import { identityOf } from './doctor-identity.js'
import { interruptible, type SignalSource } from './interrupt.js'
import { readCaFile } from './option-file.js'

/** Variables that, beside URIs, say who to be there, as options of these names do. */
const CLIENT_KEYS: ReadonlySet<SettingKey> = new Set(['user', 'authSecret', 'authSecretFile', 'realm'])
/** Where standard output is no terminal. */
const COLUMNS = 100

export interface DoctorCommandIo extends SignalSource {
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number }
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
}

/** Runs the command. Returns the exit code: 0, 1 (a fault), 2 (bad arguments, after one sentence). */
export async function runDoctorCommand(argv: readonly string[], io: DoctorCommandIo): Promise<number> {
  try {
    const options = parseDoctorArguments(argv, io.env)
    if (options !== null) return await interruptible(io, (signal) => examine(options, io, signal))
    io.stdout.write(DOCTOR_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    io.stderr.write(`turnd doctor: ${escapeControls(error.message)}\n`)
    return 2
  }
}

async function examine(options: DoctorArguments, io: DoctorCommandIo, signal: AbortSignal): Promise<number> {
  const server = serverOf(options, io.env)
  const { given, isGiven, known } = server
  if (options.isOutside && given instanceof Error) throw new CommandError(given.message)
  const settings = isGiven ? known : null
  const outside = {
    ...{ settings, patienceMs: options.patienceMs, uris: options.uris, identity: identityOf(options, known) },
    ...{
      ca: options.caFile === null ? null : readCaFile(options.caFile),
      millisecondsMax: runMillisecondsMax(options.patienceMs),
    },
    signal,
  }
  // Of a client's machine nobody asks whether a server could run there.
  const isServer = !options.isOutside && (isGiven || options.uris.length === 0)
  const inside = isServer ? fromInside(server, options) : fromClient(options)
  const findings = (await Promise.all([inside, examineServers(outside)])).flat()
  if (signal.aborted) {
    io.stderr.write('turnd doctor: interrupted\n')
    return 1
  }
  const isFaulty = findings.some(({ verdict }) => verdict === 'fault')
  const report = { isFaulty, diagnosis: diagnosisOf(findings), findings }
  if (options.isJson) io.stdout.write(`${escapeHidden(JSON.stringify(report))}\n`)
  else io.stdout.write(reportText(findings, { isVerbose: options.isVerbose, columns: io.stdout.columns ?? COLUMNS }))
  return isFaulty ? 1 : 0
}

/** What options and variables give of a server. */
interface GivenServer {
  readonly given: ParsedSettings | Error
  /** More than where its state is, which says which server is meant, and nothing of how it is to be; and than who to be there. */
  readonly isGiven: boolean
  /** Is its state directory named? */
  readonly isNamed: boolean
  /** Of what is given, be it only who to be there. */
  readonly known: Settings | null
}

/** Throws a CommandError for variables that cannot say who to be. */
function serverOf({ serverArgv, uris }: DoctorArguments, env: NodeJS.ProcessEnv): GivenServer {
  const given = parseServerOptions(serverArgv, env)
  const command = readArguments(serverArgv)
  const options = [...('given' in command ? command.given : []), ...readEnvironment(env).given]
  const keys = options.map(({ option }) => option.key).filter((key) => key !== 'stateDir')
  const isGiven = keys.some((key) => uris.length === 0 || !CLIENT_KEYS.has(key))
  if (!isGiven && keys.length > 0 && given instanceof Error) throw new CommandError(given.message)
  const known = given instanceof Error || keys.length === 0 ? null : given.settings
  return { given, isGiven, isNamed: keys.length < options.length, known }
}

/** Without options those of a server that runs here count, if there is one. */
async function fromInside({ given, isGiven, isNamed }: GivenServer, options: DoctorArguments) {
  const none = { answering: [], ofDirectory: [], silent: [] }
  const found = given instanceof Error ? none : await serversOfMachine(given.settings.stateDir)
  const { answering, ofDirectory, silent } = found
  const server: RunningServer | null = isGiven ? null : ((isNamed ? ofDirectory : answering)[0] ?? null)
  const parsed = server === null ? given : parsedOf(server)
  const running = parsed instanceof Error ? [] : serversWith(parsed.settings, answering)
  const scene: InsideScene = {
    ...{ ...options, machine: REAL_MACHINE, nowMs: Date.now(), settingsOf: server?.pid ?? null },
    ...{ parsed, settings: settingsBeside(running, parsed), running, silent },
  }
  const millisecondsMax = runMillisecondsMax(options.patienceMs)
  const machine = runChecks(INSIDE_CHECKS, scene, THIS_MACHINE, millisecondsMax)
  return (await Promise.all([machine, checkClock(options)])).flat()
}

/** A server tells its state directory, which its service may have given it, unless the options name one. */
function settingsBeside([server]: readonly RunningServer[], parsed: ParsedSettings | Error): Settings {
  // Checks that need options are not made without them.
  const { given, settings } = parsed as ParsedSettings
  return server === undefined || given.has('stateDir') ? settings : { ...settings, stateDir: server.settings.stateDir }
}

/** Of a client's machine only its clock matters, if it is known: certificates are judged by it. */
async function fromClient(options: DoctorArguments): Promise<Finding[]> {
  return (await checkClock(options)).filter(({ verdict }) => verdict !== 'not-checked')
}

function checkClock(options: DoctorArguments): Promise<Finding[]> {
  return runChecks([clock], { ...options, machine: REAL_MACHINE }, THIS_MACHINE, runMillisecondsMax(options.patienceMs))
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
