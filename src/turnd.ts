#!/usr/bin/env node
// The command: options → server → signals. Exit codes: 0 after a drain or --help, 1 after a failure while running or of a subcommand, 2 if an
// option, a file or an address stops the start, or the output of what is no server cannot be written.
import { watchStandardOutput } from './commands/standard-output.js'
import { findSubcommand } from './commands/subcommands.js'
import { parseCommandLine } from './config/command-line.js'
import { TurndError } from './config/errors.js'
import { formatHelp } from './config/help.js'
import { readTextFile } from './config/read-text-file.js'
import type { ParsedSettings } from './config/settings.js'
import { programVersion } from './config/version.js'
import { escapeControls } from './log/escape.js'
import type { Logger } from './log/logger.js'
import { chooseEngine } from './net/choose-engine.js'
import type { TurnServer } from './server/server.js'

async function main(argv: readonly string[]): Promise<void> {
  const [subcommand, ...rest] = argv
  const run = findSubcommand(subcommand)
  if (run !== undefined) {
    watchStandardOutput(process, `turnd ${subcommand}`)
    process.exitCode = await run(rest, process)
    return
  }
  // A reload reads the file again, and nothing else: whatever changes the environment meanwhile was not meant.
  const environment = { ...process.env }
  const read = () => parseCommandLine(argv, environment, readTextFile)
  const command = read()
  if ('help' in command || 'version' in command) {
    watchStandardOutput(process, 'turnd')
    process.stdout.write('help' in command ? formatHelp(process.stdout.columns) : `turnd ${programVersion()}\n`)
  } else await serve(command, () => read() as ParsedSettings)
}

/** @param read the settings anew */
async function serve(parsed: ParsedSettings, read: () => ParsedSettings): Promise<void> {
  // The self-test of the native engine takes a child process, which works while this one loads the rest of the program.
  const choosing = chooseEngine(parsed.settings.engine, process.env)
  // Whoever awaits it gets the error.
  choosing.catch(() => {})
  const [{ createLogger }, { TurnServer }] = await Promise.all([
    import('./log/logger.js'),
    import('./server/server.js'),
  ])
  const logger = createLogger(parsed.settings.logLevel, process.stdout.isTTY)
  const home = {
    ...{ hasStateDir: true, hasControlSocket: true, hasAdminServer: true, readSettings: read },
    setLogLevel: ({ settings }: ParsedSettings) => {
      logger.level = settings.logLevel
    },
  }
  const server = new TurnServer(parsed, logger, home, choosing)
  handleSignals(server, logger)
  await server.start()
  if (process.stderr.isTTY) process.stderr.write(banner(server, server.loginLink()))
  reportGeneratedUser(server, logger)
}

/** Where its password is, never the password. */
function reportGeneratedUser(server: TurnServer, logger: Logger): void {
  const generated = server.generatedUser()
  if (generated === null) return
  if (generated.path !== null) {
    logger.info(
      { event: 'generated-user', user: generated.username, file: generated.path },
      `no user is configured: ${generated.username} was generated, its password is in ${generated.path}`,
    )
  } else if (!process.stderr.isTTY) {
    logger.warn(
      { event: 'warning' },
      `nobody can log in: the password of ${generated.username} could be neither kept nor shown; give --user or --state-dir`,
    )
  }
}

/**
 * What a person needs to try it, on a terminal only: the one time that a generated password is shown.
 * @param loginLink to the status page, for one use; null without one
 */
function banner(server: TurnServer, loginLink: string | null): string {
  const lines = ['', '  turnd is ready', '', ...server.uris().map((uri) => `    ${uri}`)]
  const generated = server.generatedUser()
  if (generated !== null) {
    const password = generated.password ?? `in ${generated.path}`
    lines.push('', `    username    ${generated.username}`, `    credential  ${password}`)
  }
  if (loginLink !== null) lines.push('', `    status page ${loginLink}`)
  return `${lines.join('\n')}\n\n`
}

/** npm passes on a Ctrl-C that the terminal has sent to its whole group: the same key, twice, within about a millisecond. */
const SIGINT_ECHO_MS = 100

/** SIGTERM and SIGINT drain; a second one stops at once. SIGHUP reloads. */
function handleSignals(server: TurnServer, logger: Logger): void {
  let firstAt = 0
  const end = (signal: NodeJS.Signals) => {
    // During the start there is nothing to drain.
    if (!server.isRunning) process.exit(0)
    const now = performance.now()
    const isSecond = firstAt > 0
    if (isSecond && signal === 'SIGINT' && now - firstAt < SIGINT_ECHO_MS) return
    if (!isSecond) firstAt = now
    logger.info({ event: 'signal', signal, second: isSecond }, `${signal} received`)
    const done = isSecond ? server.stop() : server.drain()
    done.catch(fail)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  process.on('SIGHUP', () => {
    // What comes of it is in the log.
    server.reloadSettings().catch(fail)
  })
}

function fail(error: unknown): void {
  if (!(error instanceof TurndError)) throw error
  process.exitCode = 2
  // A sentence that nobody takes (a full disk, a closed pipe) changes nothing about the reason.
  process.stderr.on('error', () => {})
  process.stderr.write(`turnd: ${escapeControls(error.message)}\n`)
}

main(process.argv.slice(2)).catch(fail)
