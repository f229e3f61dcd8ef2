// What commands that talk to running servers have in common: all servers of a state directory are asked, and where there is none, it is said
// where there is one. Used by `turnd why` and `turnd login`.
import { resolve } from 'node:path'
import { askServers } from '../admin/control-client.js'
import { directoriesWithServers } from '../admin/control-directory.js'
import { errorCode, errorText } from '../auth/private-file.js'
import { CommandError } from './command-words.js'
import { type NamedConfigFile, stateDirectoryOf } from './state-directory.js'

export interface ServerAnswer<Result> {
  /** Of its socket. */
  readonly path: string
  readonly result: Result
}

export interface ServerAnswers<Result> {
  readonly answers: readonly ServerAnswer<Result>[]
  /** Servers that live, but gave none. */
  readonly failed: readonly { readonly socket: string; readonly error: string }[]
}

/** null: none runs there. Throws a CommandError if the directory cannot be read. Both ends are of one version, or the server has said so. */
export async function askServersOf<Result>(
  stateDirectory: string,
  request: object,
): Promise<ServerAnswers<Result> | null> {
  const all = await answersOf(stateDirectory, request)
  const answers = all.flatMap((answer) =>
    answer.kind === 'result' ? [{ path: answer.path, result: answer.result as Result }] : [],
  )
  const failed = all.flatMap((answer) =>
    answer.kind === 'failed' ? [{ socket: answer.path, error: answer.error }] : [],
  )
  return answers.length === 0 && failed.length === 0 ? null : { answers, failed }
}

/** The sentence where none runs. */
export function nobodyIn(stateDirectory: string): string {
  const others = directoriesWithServers()
  const hint =
    others.length === 0
      ? 'start it, or give the --state-dir of the one that runs'
      : `there is one with --state-dir ${others.slice(0, 3).join(', or ')}`
  return `no server runs with the state directory ${resolve(stateDirectory)}: ${hint}`
}

/** From --state-dir and --config, or what stands for them. Throws a CommandError. */
export function serverDirectoryOf(
  givenDirectory: string | undefined,
  givenConfig: string | undefined,
  env: NodeJS.ProcessEnv,
): string {
  return stateDirectoryOf(givenDirectory, env, configFile(givenConfig, env.TURND_CONFIG))
}

async function answersOf(stateDirectory: string, request: object) {
  try {
    return await askServers(resolve(stateDirectory), request)
  } catch (error) {
    const hint = errorCode(error) === 'EACCES' ? ': run this as the user of the server, or as root' : ''
    throw new CommandError(`the state directory ${stateDirectory}: ${errorText(error)}${hint}`)
  }
}

function configFile(given: string | undefined, variable = ''): NamedConfigFile | null {
  if (given !== undefined) return { path: given, shown: `--config ${given}` }
  return variable === '' ? null : { path: variable, shown: `TURND_CONFIG=${variable}` }
}
