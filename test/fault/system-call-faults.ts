// Lets system calls of a running process fail: strace attaches to it and answers the Nth call in the kernel's place. Used by the tests of this folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../command/until.js'
import { temporaryDirectory } from '../support/certificate.js'
import { onProcessEnd } from '../support/process-end.js'
import { type TracedCall, tracedCalls } from './system-call-traces.js'

export interface Fault {
  /** Of strace's names, with commas. */
  readonly calls: string
  readonly errno: string
  /** As strace's `when`: `3+5` is the third call of each thread, and every fifth after it. */
  readonly when: string
}

const ATTACH_MILLISECONDS_MAX = 60_000
const DETACH_MILLISECONDS_MAX = 60_000

/**
 * Runs `action` while the process has this fault. Whatever becomes of it, the process goes on without. Returns these calls, those that failed
 * and the others; throws if none was hit, as nothing has been tried then.
 */
export async function withFault(
  pid: number,
  { calls, errno, when }: Fault,
  action: () => Promise<void>,
): Promise<TracedCall[]> {
  const trace = join(temporaryDirectory(), 'trace')
  const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${errno}:when=${when}`]
  const strace = spawn('strace', ['-f', '-qq', '-v', '-s', '0', '-p', String(pid), '-o', trace, ...inject], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  strace.stderr.on('data', (text) => {
    complaint += text
  })
  const ended = once(strace, 'close')
  const forget = onProcessEnd(() => strace.kill('SIGKILL'))
  try {
    await until(
      () => {
        if (strace.exitCode !== null) throw new Error(`strace ended: ${complaint}`)
        return isTraced(pid)
      },
      'strace is attached to every thread',
      ATTACH_MILLISECONDS_MAX,
    )
    await action()
  } finally {
    await detach(strace, pid, ended)
    forget()
  }
  const traced = tracedCalls(readFileSync(trace, 'latin1'))
  if (!traced.some(({ isInjected }) => isInjected)) throw new Error(`none of ${traced.length} ${calls} was hit`)
  return traced
}

/**
 * The process stands still meanwhile: a thread that strace leaves between the entry and the exit of a call that it answers gets ENOSYS,
 * and libuv aborts at that from epoll_wait.
 */
async function detach(strace: ChildProcess, pid: number, ended: Promise<unknown>): Promise<void> {
  const isRunning = strace.exitCode === null && isThere(pid)
  if (isRunning) process.kill(pid, 'SIGSTOP')
  try {
    if (isRunning) await until(() => isStill(pid, strace.pid as number), 'every thread stands still').catch(() => {})
    strace.kill('SIGINT')
    const killer = setTimeout(() => strace.kill('SIGKILL'), DETACH_MILLISECONDS_MAX)
    await ended
    clearTimeout(killer)
  } finally {
    if (isRunning && isThere(pid)) process.kill(pid, 'SIGCONT')
  }
}

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}/status`)
}

/** Stopped by the signal, and strace has dealt with all that it was told. */
function isStill(pid: number, tracer: number): boolean {
  const isStopped = (thread: string) => /^[tT]/.test(stateOf(`${pid}/task/${thread}`))
  return readdirSync(`/proc/${pid}/task`).every(isStopped) && stateOf(tracer).startsWith('S')
}

function stateOf(task: string | number): string {
  return /^State:\s+(.*)$/m.exec(readFileSync(`/proc/${task}/status`, 'latin1'))?.[1] ?? ''
}

function isTraced(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    try {
      return !/^TracerPid:\s+0$/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1'))
    } catch {
      // It has ended.
      return true
    }
  })
}
