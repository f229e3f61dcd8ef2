// The load generator: a process of its own, pinned to a core that the server does not use. Does the one task of its command line,
// prints the result as a line of JSON and ends. Started by servers/run-generator.ts.
import type { LoadResult } from './meter.js'
import { type MixedOptions, mixed } from './mixed.js'
import { type PacedOptions, type PacedResult, paced } from './paced.js'
import { type SaturateOptions, saturate } from './saturate.js'
import { type SetUpOptions, type SetUpResult, setUpAllocations } from './set-up.js'

export type Task =
  | { readonly task: 'saturate'; readonly options: SaturateOptions }
  | { readonly task: 'paced'; readonly options: PacedOptions }
  | { readonly task: 'mixed'; readonly options: MixedOptions }
  | { readonly task: 'set-up'; readonly options: SetUpOptions }

export interface TaskResult {
  readonly saturate: LoadResult
  readonly paced: PacedResult
  readonly mixed: LoadResult
  readonly 'set-up': SetUpResult
}

function run(task: Task): TaskResult[Task['task']] {
  if (task.task === 'saturate') return saturate(task.options)
  if (task.task === 'paced') return paced(task.options)
  if (task.task === 'mixed') return mixed(task.options)
  return setUpAllocations(task.options)
}

process.stdout.write(JSON.stringify(run(JSON.parse(process.argv[2]) as Task)))
