// Where option values come from, how each place names them in errors, and how a given value becomes a parsed one.
// Used by command-line.ts, environment.ts, config-file.ts and library-options.ts, which all gather GivenOptions.
import { TurndError } from './errors.js'
import type { Option } from './options.js'
import { printable, printablePath, quoted, quotedPath } from './printable.js'
import { ValueProblem } from './value-type.js'

export interface Source {
  /**
   * The option alone (`--min-port`, `TURND_MIN_PORT`), or with a value that is ready to be shown.
   * @param index which of several values it is, from 0
   */
  show(option: Option, value?: string, index?: number): string
  /** JSON and JavaScript values are shown as such: text in quotes. */
  readonly quotesText: boolean
}

export const COMMAND_LINE: Source = {
  show: ({ name }, value) => (value === undefined ? `--${name}` : `--${name} ${value}`),
  quotesText: false,
}

export const ENVIRONMENT: Source = {
  show: ({ environmentName }, value) => (value === undefined ? environmentName : `${environmentName}=${value}`),
  quotesText: false,
}

export const LIBRARY: Source = {
  show: ({ key }, value) => (value === undefined ? key : `${key} ${value}`),
  quotesText: true,
}

export function configFileSource(path: string): Source {
  const file = printablePath(path)
  return {
    show: ({ name }, value) => (value === undefined ? `${file}: "${name}"` : `${file}: "${name}": ${value}`),
    quotesText: true,
  }
}

/** An option as some source gave it, not parsed yet. */
export interface GivenOption {
  readonly option: Option
  readonly source: Source
  /** Text, or native JSON values. One, unless the option is repeatable. */
  readonly values: readonly unknown[]
}

/** An option whose values were parsed. */
export interface ResolvedOption {
  readonly option: Option
  readonly source: Source
  /** The value of the setting: an array if the option is repeatable. */
  readonly value: unknown
  /** The parsed values one by one, and how to name each in a sentence; secrets are not shown. */
  readonly items: readonly { readonly value: unknown; readonly shown: string }[]
}

/** Parses what was given; throws TurndError with one sentence. */
export function resolveOption({ option, source, values }: GivenOption): ResolvedOption {
  const items = values.map((raw, index) => {
    const position = values.length > 1 ? index + 1 : 0
    return { value: parseValue(option, source, raw, position), shown: showValue(option, source, raw, position) }
  })
  return { option, source, items, value: option.repeatable ? items.map(({ value }) => value) : items[0].value }
}

function parseValue(option: Option, source: Source, raw: unknown, position: number): unknown {
  const { type } = option
  try {
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw) && type.parseObject) return type.parseObject(raw)
    return type.parse(textOf(option, raw))
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    const subject = error.shown === null ? showValue(option, source, raw, position) : source.show(option, error.shown)
    throw new TurndError('TURND_ERR_OPTION', `${subject} ${error.message}`)
  }
}

/** The text of a native value that fits the option's type. */
function textOf({ type }: Option, raw: unknown): string {
  if (typeof raw === 'string') return raw
  if (typeof raw === 'number' && type.kind === 'integer') return String(raw)
  if (typeof raw === 'boolean' && type.kind === 'flag') return String(raw)
  throw new ValueProblem(`is ${nativeTypeName(raw)}: give ${type.expected}`)
}

function nativeTypeName(raw: unknown): string {
  if (raw === null) return 'no value'
  if (Array.isArray(raw)) return 'a list'
  if (typeof raw === 'object') return 'an object'
  if (typeof raw === 'boolean') return 'neither text nor a number'
  return `a ${typeof raw}`
}

/** The option with the value; of a secret one, only that there is a value (and which, counted from 1). */
function showValue(option: Option, source: Source, raw: unknown, position: number): string {
  if (option.secret) return `${source.show(option)}: ${position > 0 ? `value ${position}` : 'the value'}`
  const index = Math.max(position - 1, 0)
  if (typeof raw === 'string') {
    const [inQuotes, bare] = option.type.isPath ? [quotedPath, printablePath] : [quoted, printable]
    return source.show(option, source.quotesText ? inQuotes(raw) : bare(raw), index)
  }
  if (raw === true && option.type.kind === 'flag' && source === COMMAND_LINE) return source.show(option)
  const native = nativeText(raw)
  return native === null ? source.show(option) : source.show(option, native, index)
}

/** A native value in one short line, or null if there is none: JavaScript callers may give anything. */
function nativeText(raw: unknown): string | null {
  if (typeof raw === 'function' || typeof raw === 'symbol') return null
  if (typeof raw !== 'object') return String(raw)
  try {
    const json = JSON.stringify(raw)
    return json.length > 60 ? `${json.slice(0, 60)}…` : json
  } catch {
    return null
  }
}
