// A call that a program of its own makes: it takes MESSAGE_COUNT, prints its report as one line of JSON, and ends with exit code 0, or says on stderr what went wrong.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { DEBIAN_PYTHON } from '../../support/peers.js'
import { onProcessEnd } from '../../support/process-end.js'
import { projectRoot } from '../../support/project-root.js'
import { type CallReport, MESSAGE_COUNT, type Target } from './contract.js'

const CALL_MILLISECONDS_MAX = 60_000
const OUTPUT_LENGTH_MAX = 4_000

/** Runs a script of programs/ with Debian's Python, for OpenSSL the test's authority is the only one. */
export function callByPython(script: string, { host, port, transport, user, password, authorityPath }: Target) {
  const path = join(projectRoot, 'test', 'interop', 'matrix', 'programs', script)
  const args = [host, String(port), transport, user, password, String(MESSAGE_COUNT)]
  return callBy([DEBIAN_PYTHON, path, ...args], { SSL_CERT_FILE: authorityPath })
}

/** Runs programs/node-call with a library of npm; Node trusts the test's authority too. */
export function callByNode(library: string, { uri, user, password, authorityPath }: Target): Promise<CallReport> {
  const path = join(import.meta.dirname, 'programs', 'node-call.js')
  const args = [library, uri, user, password, String(MESSAGE_COUNT)]
  return callBy([process.execPath, path, ...args], { NODE_EXTRA_CA_CERTS: authorityPath })
}

async function callBy([file = '', ...args]: readonly string[], env: Record<string, string>): Promise<CallReport> {
  // Without tap's instrumentation.
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/tmp', ...env },
  })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  const deadline = setTimeout(() => child.kill('SIGKILL'), CALL_MILLISECONDS_MAX)
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] = (output[stream] + text).slice(-OUTPUT_LENGTH_MAX)
    })
  }
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${output.stderr.trim()}`)
    return JSON.parse(output.stdout)
  } finally {
    clearTimeout(deadline)
    forget()
  }
}
