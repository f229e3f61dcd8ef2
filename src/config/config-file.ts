// Reads the file of --config: a JSON object whose keys are option names in kebab or camel case. Called by command-line.ts.
import { FILE_BYTES_MAX } from '../limits/files.js'
import { TurndError } from './errors.js'
import { jsonErrorPosition } from './json-error-position.js'
import { nearestOption } from './nearest-name.js'
import { findOption, findOptionByKey, type Option } from './options.js'
import { printablePath, quoted } from './printable.js'
import { configFileSource, type GivenOption, type Source } from './source.js'

/** Returns the text of a file, or throws an error with a system error code. */
export type ReadFile = (path: string) => string

/** Reads the options that the file gives. `shown` names the option that named the file. Throws TurndError. */
export function readConfigFile(path: string, shown: string, readFile: ReadFile): GivenOption[] {
  const source = configFileSource(path)
  const given = new Map<Option, GivenOption>()
  for (const [key, value] of Object.entries(parseObject(readText(path, shown, readFile), shown))) {
    if (key === '$schema') continue
    const option = findOption(key) ?? findOptionByKey(key)
    if (option === undefined) throw unknownKeyError(path, key)
    if (option.key === 'config') throw fileError(`${source.show(option)} cannot be in a file: a file names no other`)
    if (given.has(option)) {
      throw fileError(
        `${printablePath(path)}: "${option.name}" and "${option.key}" are the same option: keep one of them`,
      )
    }
    given.set(option, givenByJson(option, source, value))
  }
  return [...given.values()]
}

/** An option given by a native value: a repeatable one takes one value or a list of them. */
export function givenByJson(option: Option, source: Source, value: unknown): GivenOption {
  return { option, source, values: option.repeatable && Array.isArray(value) ? value : [value] }
}

/** The text of a file; throws a TurndError that says why it cannot be read. */
export function readText(path: string, shown: string, readFile: ReadFile): string {
  try {
    return readFile(path).replace(/^\ufeff/, '')
  } catch (error) {
    throw new TurndError('TURND_ERR_CONFIG_FILE', `${shown} cannot be read: ${whyNotRead(error)}`, { cause: error })
  }
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
  EFBIG: `it is larger than ${FILE_BYTES_MAX} bytes, so it is another file`,
}

function whyNotRead(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return SYSTEM_ERRORS[code] ?? code
}

function parseObject(text: string, shown: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The cause is left out: V8's message quotes the text, which may hold a secret.
    const position = jsonErrorPosition(text)
    const where = position === null ? '' : `: see line ${position.line}, column ${position.column}`
    throw fileError(`${shown} is not JSON${where}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fileError(`${shown} is not a JSON object: give options as {"realm": "example.org", "min-port": 24000}`)
  }
  return value
}

function unknownKeyError(path: string, key: string): TurndError {
  const nearest = nearestOption(key)
  const shown = `${printablePath(path)}: ${quoted(key)}`
  if (nearest === null) return fileError(`${shown} is not an option: turnd --help lists them, without the dashes`)
  if (nearest.isCoturnName) return fileError(`${shown} is an option of coturn: here it is "${nearest.option.name}"`)
  return fileError(`${shown} is not an option: did you mean "${nearest.option.name}"?`)
}

function fileError(message: string): TurndError {
  return new TurndError('TURND_ERR_CONFIG_FILE', message)
}
