// Runs coturn's load client, turnutils_uclient, and reads its report. Used by the interop tests.
import { spawn } from 'node:child_process'
import { onProcessEnd } from './process-end.js'

export interface UclientOptions {
  readonly host: string
  readonly port: number
  readonly password: string
  /** Default: UCLIENT_USER. */
  readonly user?: string
  /** Such as `['-y', '-n', '100', '-m', '5']`. */
  readonly flags: readonly string[]
  /** What the command is run by, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[]
  /** After which it is killed. */
  readonly milliseconds?: number
}

export interface UclientReport {
  readonly exitCode: number | null
  readonly output: string
  /** Messages; -1 when the client never got as far as its report. */
  readonly sent: number
  readonly received: number
  readonly lost: number
  readonly dropped: number
}

const RUN_MILLISECONDS_MAX = 90_000
const OUTPUT_LENGTH_MAX = 256 * 1024

export const UCLIENT_USER = 'turnuser'
export const UCLIENT_PASSWORD = 'cisco'

export async function runUclient(options: UclientOptions): Promise<UclientReport> {
  const { host, port, password, user = UCLIENT_USER, flags, prefix = [] } = options
  const { milliseconds = RUN_MILLISECONDS_MAX } = options
  const client = ['turnutils_uclient', '-u', user, '-w', password, ...flags, '-p', String(port), host]
  const [file = '', ...args] = [...prefix, ...client]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  const deadline = setTimeout(() => child.kill('SIGKILL'), milliseconds)
  let output = ''
  const append = (text: string) => {
    // A client that fails may say so without end; its report is the last thing it says.
    output = (output + text).slice(-OUTPUT_LENGTH_MAX)
  }
  child.stdout.setEncoding('utf8').on('data', append)
  child.stderr.setEncoding('utf8').on('data', append)
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return { exitCode, output, ...readReport(output) }
  } finally {
    clearTimeout(deadline)
    forget()
  }
}

// The report's lines: `… tot_send_msgs=800, tot_recv_msgs=800` (also printed on the way; the last one counts) and
// `Total lost packets 0 (0.000000%), total send dropped 0 (0.000000%)`.
function readReport(output: string): Pick<UclientReport, 'sent' | 'received' | 'lost' | 'dropped'> {
  const losses = /Total lost packets (-?\d+) .*total send dropped (\d+)/.exec(output)
  const counts = [...output.matchAll(/tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/g)].at(-1)
  if (!losses || !counts) return { sent: -1, received: -1, lost: -1, dropped: -1 }
  return { sent: Number(counts[1]), received: Number(counts[2]), lost: Number(losses[1]), dropped: Number(losses[2]) }
}
