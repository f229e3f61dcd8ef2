// Where the state directory of a server is, for subcommands: found as the server finds it.
import { readConfigFile } from '../config/config-file.js'
import { TurndError } from '../config/errors.js'
import { readTextFile } from '../config/read-text-file.js'
import { resolveOption } from '../config/source.js'
import { CommandError } from './command-words.js'

const DEFAULT_DIRECTORY = 'turnd-state'

/** A config file, and how whoever named it is shown: `--config turnd.json`. */
export interface NamedConfigFile {
  readonly path: string
  readonly shown: string
}

/**
 * @param given by --state-dir
 * @param config if it counts here. Throws a CommandError if it cannot be read
 */
export function stateDirectoryOf(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  config: NamedConfigFile | null = null,
): string {
  // An empty variable gives nothing.
  const named = given || env.TURND_STATE_DIR || (config === null ? '' : inConfigFile(config))
  return named || firstDirectory(env.STATE_DIRECTORY) || DEFAULT_DIRECTORY
}

/** systemd separates several state directories with colons; the first is the server's. */
function firstDirectory(text = ''): string {
  return text.split(':')[0]
}

/** What else is in the file is for the server to judge. */
function inConfigFile({ path, shown }: NamedConfigFile): string {
  try {
    const given = readConfigFile(path, shown, readTextFile).find(({ option }) => option.key === 'stateDir')
    return given === undefined ? '' : String(resolveOption(given).value)
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}
