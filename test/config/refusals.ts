// What the tests of src/config share: parse options and get the settings, or the error they were refused with.
import { parseCommandLine } from '../../src/config/command-line.js'
import type { Environment } from '../../src/config/environment.js'
import { TurndError } from '../../src/config/errors.js'
import { settingsFromObject } from '../../src/config/library-options.js'
import type { ParsedSettings, TurnServerOptions } from '../../src/config/settings.js'

export interface Given {
  readonly argv?: readonly string[]
  readonly environment?: Environment
  /** Files by path; a path that is not in it does not exist. */
  readonly files?: Readonly<Record<string, string>>
}

/** The settings of a command line that asks for neither help nor version. */
export function parse({ argv = [], environment = {}, files = {} }: Given): ParsedSettings {
  const result = parseCommandLine(argv, environment, (path) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  })
  if (!('settings' in result)) throw new Error('the command line asks for help or the version')
  return result
}

/** The TurndError that the command line is refused with. */
export function refusal(given: Given): TurndError {
  return turndErrorOf(() => parse(given))
}

/** The TurndError that the library's options are refused with. JavaScript callers may give anything. */
export function libraryRefusal(options: Record<string, unknown>): TurndError {
  return turndErrorOf(() => settingsFromObject(options as TurnServerOptions))
}

export function turndErrorOf(run: () => unknown): TurndError {
  let value: unknown
  try {
    value = run()
  } catch (error) {
    if (error instanceof TurndError) return error
    throw error
  }
  throw new Error(`expected a TurndError, got ${JSON.stringify(value)}`)
}

/** The message of whatever `run` throws. */
export function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'nothing was thrown'
}

/** What is stable of an error, to compare it whole. */
export function codeAndMessage({ code, message }: TurndError): { code: string; message: string } {
  return { code, message }
}
