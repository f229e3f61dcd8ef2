// `turnd why`: asks running servers whom they refused, and tells it in plain words. Called by turnd.ts with the arguments after `why`.
import type { WhyReport } from '../admin/schema/why.js'
import { escapeControls, escapeHidden } from '../log/escape.js'
import { askServersOf, nobodyIn } from './ask-servers.js'
import { CommandError } from './command-words.js'
import { parseWhyArguments, WHY_HELP, type WhyArguments } from './why-arguments.js'
import { whyLines } from './why-text.js'

export interface WhyCommandIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly env: NodeJS.ProcessEnv
}

/** Runs the command. Returns the exit code: 0, 1 (no server answers, or not every one), 2 (anything else, after one sentence). */
export async function runWhyCommand(argv: readonly string[], io: WhyCommandIo): Promise<number> {
  try {
    const options = parseWhyArguments(argv, io.env)
    if (options !== null) return await ask(options, io)
    io.stdout.write(WHY_HELP)
    return 0
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    complain(io, error.message)
    return 2
  }
}

async function ask({ filter, isJson, stateDirectory }: WhyArguments, io: WhyCommandIo): Promise<number> {
  const asked = await askServersOf<WhyReport>(stateDirectory, { command: 'why', ...filter })
  if (asked === null) {
    complain(io, nobodyIn(stateDirectory))
    return 1
  }
  const { answers, failed } = asked
  const reports = answers.map(({ result }) => result)
  for (const { error, socket } of failed) complain(io, `${socket}: ${error}`)
  if (isJson) io.stdout.write(`${escapeHidden(JSON.stringify({ servers: reports, failed }))}\n`)
  else if (reports.length > 0) {
    const parts = reports.map((report) => whyLines(report, filter))
    if (failed.length > 0) parts.push(failed.map(({ error, socket }) => `A server did not answer, ${socket}: ${error}`))
    io.stdout.write(parts.map(text).join('\n'))
  }
  return failed.length === 0 ? 0 : 1
}

/** Names come from the network: no line is theirs to break. */
function text(lines: readonly string[]): string {
  return `${lines.map(escapeControls).join('\n')}\n`
}

function complain({ stderr }: WhyCommandIo, message: string): void {
  stderr.write(`turnd why: ${escapeControls(message)}\n`)
}
