// The command run to its end, as an operator or a script sees it: exit code, standard output, standard error.
// Used by the tests of this folder. Servers that get ready are started by support/server-process.ts.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { withDeadline } from '../support/deadline.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'

export const TURND = programOf(projectRoot)
const RUN_MILLISECONDS_MAX = 60_000

export interface Run {
  /** null after an end by a signal. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The working directory: where ./turnd-state would appear. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Where turnd is installed, if it is not this project. */
  readonly root?: string
  /** Standard input. */
  readonly input?: string
  /** What it is run by, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[]
}

/** Runs turnd with these arguments. Rejects, and ends the process, when it takes longer than a start may. */
export async function runTurnd(args: readonly string[], options: RunOptions): Promise<Run> {
  // `env -u`: tap instruments the Node processes that its tests start.
  const program = ['env', '-u', 'NODE_OPTIONS', process.execPath, programOf(options.root ?? projectRoot)]
  const [file, ...words] = [...(options.prefix ?? []), ...program, ...args]
  const child = spawn(file, words, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: 'pipe',
  })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const what = () => `turnd ${args.join(' ')} still runs:\n${stdout}${stderr}`
  try {
    return { code: await withDeadline(closed, RUN_MILLISECONDS_MAX, what), stdout, stderr }
  } finally {
    child.kill('SIGKILL')
    forget()
  }
}

function programOf(root: string): string {
  return join(root, 'dist', 'turnd.js')
}
