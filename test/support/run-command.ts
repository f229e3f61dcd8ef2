// Runs a subcommand inside the test's own process, as turnd.ts does, and keeps what it prints.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'

export interface CommandOutput {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The part of the process that commands without input use. */
export type CommandIo = ReturnType<typeof commandIo>

export async function runCommand(
  run: (argv: readonly string[], io: CommandIo) => Promise<number>,
  argv: readonly string[],
): Promise<CommandOutput> {
  const io = commandIo()
  const code = await run(argv, io)
  return { code, stdout: String(io.stdout.read() ?? ''), stderr: String(io.stderr.read() ?? '') }
}

function commandIo() {
  const signals = new EventEmitter()
  return {
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {} as NodeJS.ProcessEnv,
    once: (event: string, listener: () => void) => signals.once(event, listener),
    off: (event: string, listener: () => void) => signals.off(event, listener),
  }
}
