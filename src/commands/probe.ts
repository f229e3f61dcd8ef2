// `turnd probe`: asks TURN servers for relays as their clients do, and measures what goes through them. Called by turnd.ts with the arguments after `probe`.

import { loadSecretFile } from '../auth/secret-file.js'
import { type ClientCredentials, restCredentials } from '../client/client-credentials.js'
import { ClientError } from '../client/client-error.js'
import { type ProbeOptions, type ProbeReport, probeTarget } from '../client/probe/probe-target.js'
import { TurndError } from '../config/errors.js'
import { PROBE_SECONDS_MAX } from '../limits/clients.js'
import { escapeControls, escapeHidden } from '../log/escape.js'
import { CommandError } from './command-words.js'
import { interruptible, type SignalSource } from './interrupt.js'
import { readCaFile, readPasswordFile } from './option-file.js'
import { askPassword, type PasswordInput, readPasswordLine } from './password-input.js'
import { PROBE_HELP, type ProbeArguments, parseProbeArguments } from './probe-arguments.js'
import { type FoundTargets, findTargets } from './probe-dns.js'
import { failureLines, probeJson, probeLines, STAGES } from './probe-text.js'

export interface ProbeCommandIo extends SignalSource {
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stdin: PasswordInput
}

/** Whose name TURN REST credentials have, unless --user says so. */
const REST_NAME = 'turnd-probe'
/** They outlast any run. */
const REST_LIFETIME_SECONDS = 3600 + PROBE_SECONDS_MAX

/** Runs the command. Returns the exit code: 0, 1 (something that has to work does not), 2 (anything else, after one sentence). */
export async function runProbeCommand(argv: readonly string[], io: ProbeCommandIo): Promise<number> {
  try {
    const options = parseProbeArguments(argv)
    if (options !== null) return await probe(options, io)
    io.stdout.write(PROBE_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof TurndError)) throw error
    complain(io, error.message)
    return 2
  }
}

async function probe(options: ProbeArguments, io: ProbeCommandIo): Promise<number> {
  const ca = options.caFile === null ? null : readCaFile(options.caFile)
  const credentials = await credentialsOf(options, io)
  return interruptible(io, async (signal) => {
    const { problems, targets } = await targetsOf(options, signal)
    const reports = await probeAll({ ...options, targets }, { credentials, ca, signal }, io)
    if (!signal.aborted) return print(reports, problems, options, io)
    complain(io, 'interrupted')
    return 1
  })
}

async function targetsOf({ dns, family, targets }: ProbeArguments, signal: AbortSignal): Promise<FoundTargets> {
  if (dns === null) return { targets, problems: [] }
  try {
    return await findTargets(dns, family, signal)
  } catch (error) {
    throw error instanceof ClientError ? new CommandError(error.message) : error
  }
}

interface ProbeMeans {
  readonly credentials: () => ClientCredentials | null
  readonly ca: string | null
  readonly signal: AbortSignal
}

async function probeAll(
  options: ProbeArguments,
  { ca, credentials, signal }: ProbeMeans,
  io: ProbeCommandIo,
): Promise<ProbeReport[]> {
  const isShown = io.stderr.isTTY === true
  const probeOptions: ProbeOptions = {
    ...options,
    ...{ credentials, signal },
    ...(ca === null ? {} : { ca }),
    onStage: (target, stage) => {
      if (isShown) io.stderr.write(`\r\u001b[K${escapeControls(target.uri)}: ${STAGES[stage]} …`)
    },
  }
  const reports: ProbeReport[] = []
  for (const target of options.targets) {
    if (signal.aborted) break
    reports.push(await probeTarget(target, probeOptions))
  }
  if (isShown) io.stderr.write('\r\u001b[K')
  return reports
}

function print(
  reports: readonly ProbeReport[],
  problems: readonly string[],
  { isJson }: ProbeArguments,
  io: ProbeCommandIo,
): number {
  if (isJson) io.stdout.write(`${escapeHidden(probeJson(reports, problems))}\n`)
  else if (reports.length > 0)
    for (const line of probeLines(reports, io.stdout.columns || undefined)) io.stdout.write(`${escapeControls(line)}\n`)
  for (const line of [...failureLines(reports), ...problems]) complain(io, line)
  return problems.length === 0 && reports.every(({ outcome }) => outcome !== 'failed') ? 0 : 1
}

async function credentialsOf(options: ProbeArguments, io: ProbeCommandIo): Promise<() => ClientCredentials | null> {
  const { passwordFile, passwordFileOption, secretFile, secretFileOption, username } = options
  if (secretFile !== null) {
    const [secret] = loadSecretFile(secretFile, secretFileOption)
    return () => restCredentials(secret, username ?? REST_NAME, Date.now() / 1000 + REST_LIFETIME_SECONDS)
  }
  if (username === null) return () => null
  const password =
    options.password ??
    (passwordFile === null ? await readPassword(username, io) : readPasswordFile(passwordFileOption, passwordFile))
  return () => ({ username, password })
}

async function readPassword(username: string, { stderr, stdin }: ProbeCommandIo): Promise<string> {
  try {
    return await (stdin.isTTY === true ? askPassword(stdin, stderr, username) : readPasswordLine(stdin))
  } catch (error) {
    throw error instanceof RangeError ? new CommandError(error.message) : error
  }
}

function complain({ stderr }: ProbeCommandIo, message: string): void {
  stderr.write(`turnd probe: ${escapeControls(message)}\n`)
}
