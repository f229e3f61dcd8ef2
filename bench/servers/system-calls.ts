// Counts the system calls of a process while something happens to it: with strace(1), by name, and with perf(1), without slowing it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { undoAtExit } from '../leftovers.js'

export interface CountedCalls<Result> {
  readonly result: Result
  readonly calls: ReadonlyMap<string, number>
}

const ATTACH_TIMEOUT_MS = 5000
/** Nothing more is attached after so long. */
const ATTACH_QUIET_MS = 200

/** Throws if strace is not there or must not attach. */
export async function countWithStrace<Result>(pid: number, work: () => Promise<Result>): Promise<CountedCalls<Result>> {
  return withOutputFile(async (file) => {
    const strace = spawn('strace', ['-f', '-c', '-p', String(pid), '-o', file], { stdio: ['ignore', 'ignore', 'pipe'] })
    const forget = undoAtExit(() => strace.kill('SIGKILL'))
    await attached(strace)
    const result = await work()
    await interrupted(strace)
    forget()
    return { result, calls: parseStrace(readFileSync(file, 'utf8')) }
  })
}

/** Returns null if perf is not there or must not count. */
export async function countWithPerf<Result>(
  pid: number,
  work: () => Promise<Result>,
): Promise<CountedCalls<Result> | null> {
  const event = 'raw_syscalls:sys_enter'
  if (spawnSync('perf', ['stat', '-e', event, 'true'], { stdio: 'ignore' }).status !== 0) return null
  return withOutputFile(async (file) => {
    const args = ['stat', '-x', ';', '-e', event, '-p', String(pid), '-o', file]
    const perf = spawn('perf', args, { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, ATTACH_QUIET_MS))
    const result = await work()
    await interrupted(perf)
    const count = /^(\d+);/m.exec(readFileSync(file, 'utf8'))
    return count === null ? null : { result, calls: new Map([['all', Number(count[1])]]) }
  })
}

async function withOutputFile<Result>(work: (file: string) => Promise<Result>): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-bench-'))
  try {
    return await work(join(directory, 'counts'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Waits until strace has said that it is attached, and has nothing more to say. */
async function attached(strace: ChildProcess): Promise<void> {
  let said = ''
  let lastWord = performance.now()
  const failed = new Promise<never>((_, reject) => {
    strace.once('error', (error) => reject(new Error(`strace: ${error.message} (apt install strace)`)))
    strace.once('exit', () => reject(new Error(`strace: ${said.trim()}`)))
  })
  strace.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    lastWord = performance.now()
  })
  const end = performance.now() + ATTACH_TIMEOUT_MS
  const quiet = async () => {
    while (!said.includes('attached') || performance.now() < lastWord + ATTACH_QUIET_MS) {
      if (performance.now() > end) throw new Error('strace does not attach')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await Promise.race([quiet(), failed])
  failed.catch(() => {})
}

async function interrupted(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGINT')
  await exited
}

/** The summary of `strace -c`: % time, seconds, µs per call, calls, errors (or nothing), name. */
function parseStrace(text: string): Map<string, number> {
  const calls = new Map<string, number>()
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/)
    const name = fields[fields.length - 1]
    const count = Number(fields[3])
    if (fields.length >= 5 && name !== 'total' && Number.isInteger(count)) calls.set(name, count)
  }
  return calls
}
