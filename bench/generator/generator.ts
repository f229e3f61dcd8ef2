// The load generator: a process of its own, pinned to a core that the server does not use. Does the one task of its command line,
// prints the result as a line of JSON and ends. Started by servers/run-generator.ts.
import { type AuthenticationsOptions, type AuthenticationsResult, authenticateUsers } from './authentications.js'
import { type HandshakesOptions, type HandshakesResult, handshakes } from './handshakes.js'
import type { LoadResult } from './meter.js'
import { type MixedOptions, mixed } from './mixed.js'
import { type PacedOptions, type PacedResult, paced } from './paced.js'
import { type PageWatcherOptions, type PageWatcherResult, watchPage } from './page-watcher.js'
import { type SaturateOptions, saturate } from './saturate.js'
import { type SetUpOptions, type SetUpResult, setUpAllocations } from './set-up.js'
import { type StreamsOptions, type StreamsResult, streams } from './streams.js'

export type Task =
  | { readonly task: 'saturate'; readonly options: SaturateOptions }
  | { readonly task: 'paced'; readonly options: PacedOptions }
  | { readonly task: 'mixed'; readonly options: MixedOptions }
  | { readonly task: 'set-up'; readonly options: SetUpOptions }
  | { readonly task: 'authentications'; readonly options: AuthenticationsOptions }
  | { readonly task: 'streams'; readonly options: StreamsOptions }
  | { readonly task: 'handshakes'; readonly options: HandshakesOptions }
  | { readonly task: 'watch-page'; readonly options: PageWatcherOptions }

export interface TaskResult {
  readonly saturate: LoadResult
  readonly paced: PacedResult
  readonly mixed: LoadResult
  readonly 'set-up': SetUpResult
  readonly authentications: AuthenticationsResult
  readonly streams: StreamsResult
  readonly handshakes: HandshakesResult
  readonly 'watch-page': PageWatcherResult
}

async function run(task: Task): Promise<TaskResult[Task['task']]> {
  if (task.task === 'saturate') return saturate(task.options)
  if (task.task === 'paced') return paced(task.options)
  if (task.task === 'mixed') return mixed(task.options)
  if (task.task === 'authentications') return authenticateUsers(task.options)
  if (task.task === 'streams') return streams(task.options)
  if (task.task === 'handshakes') return handshakes(task.options)
  if (task.task === 'watch-page') return watchPage(task.options)
  return setUpAllocations(task.options)
}

process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2]) as Task)))
