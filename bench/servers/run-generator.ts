// Runs one task of the load generator in a fresh process on its own core.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Task, TaskResult } from '../generator/generator.js'
import { undoAtExit } from '../leftovers.js'

const TIME_LIMIT_MS = 60_000
const GENERATOR = fileURLToPath(new URL('../generator/generator.js', import.meta.url))

export function runGenerator<Name extends Task['task']>(
  task: Extract<Task, { task: Name }>,
  core: number,
): Promise<TaskResult[Name]> {
  return startGenerator(task, core).result
}

/** A task that goes on until it is told to end. */
export interface RunningTask<Name extends Task['task']> {
  readonly result: Promise<TaskResult[Name]>
  /** Closes the task's standard input: tasks without an end of their own take that for one. */
  readonly end: () => void
}

export function startGenerator<Name extends Task['task']>(
  task: Extract<Task, { task: Name }>,
  core: number,
): RunningTask<Name> {
  const args = ['-c', String(core), process.execPath, GENERATOR, JSON.stringify(task)]
  const child = spawn('taskset', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  // It may have ended already.
  child.stdin.on('error', () => {})
  const result = new Promise<TaskResult[Name]>((resolve, reject) => {
    const forget = undoAtExit(() => child.kill('SIGKILL'))
    // A server that answers nothing any more would keep it for ever.
    const limit = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_MS)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(limit)
      forget()
      if (code === 0) resolve(JSON.parse(text) as TaskResult[Name])
      else reject(new Error(`the load generator ended with ${code === null ? 'a signal' : `exit code ${code}`}`))
    })
  })
  return { result, end: () => child.stdin.end() }
}

let lastNetwork = 0

/** A number that no recent generator had: servers remember the 5-tuples of released allocations for a while. */
export function nextNetwork(): number {
  lastNetwork = (lastNetwork % 250) + 1
  return lastNetwork
}
