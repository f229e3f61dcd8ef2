// What becomes of a command whose output nobody takes: called by turnd.ts before whatever answers and ends. The server's log has its own way
// (log/log-output.ts), since a log is not worth a call.
import { errorText } from '../auth/private-file.js'

/** Standard streams, and the end of the process. */
interface Ending {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  exitCode?: number | string | null | undefined
  once(event: 'exit', listener: () => void): unknown
}

/**
 * From now on: whoever closes a pipe has read enough (`| head -1`), and the exit code stays what it is. Any other error, such as a full disk,
 * is one sentence, and exit code 2 whatever the command itself ends with.
 */
export function watchStandardOutput(process: Ending, name: string): void {
  let isLost = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isLost) return
    isLost = true
    process.stderr.write(`${name}: standard output cannot be written: ${errorText(error)}\n`)
    process.once('exit', () => {
      process.exitCode = 2
    })
  })
  // A sentence that nobody takes changes nothing about what was done.
  process.stderr.on('error', () => {})
}
