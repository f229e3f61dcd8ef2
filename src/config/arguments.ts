// Reads the arguments of the command line into options that were given. Called by command-line.ts.
import { parseArgs } from 'node:util'
import { TurndError } from './errors.js'
import { nearestName, nearestOption } from './nearest-name.js'
import { findOption, OPTIONS, type Option } from './options.js'
import { printable } from './printable.js'
import { COMMAND_LINE, type GivenOption } from './source.js'

/** What comes first on the command line instead of options: `turnd user …`. */
export const SUBCOMMANDS = [
  { name: 'user', help: 'add, list, disable, remove users of a file' },
  { name: 'convert', help: 'make a config file of one of another server' },
  { name: 'cert', help: 'make a key, a certificate and a request' },
  { name: 'why', help: 'say who was refused, why, and what to do' },
  { name: 'probe', help: 'ask TURN servers for relays, measure them' },
  { name: 'doctor', help: 'find out why media does not flow' },
  { name: 'credentials', help: 'make timestamped credentials (TURN REST)' },
  { name: 'dns', help: 'print the DNS records of this configuration' },
  { name: 'resolve', help: 'walk from a URI to addresses, as clients do' },
  { name: 'login', help: 'print a link that opens the status page' },
] as const
export type SubcommandName = (typeof SUBCOMMANDS)[number]['name']

/** Switches that answer and end: they are no settings, and no other source has them. */
export const COMMAND_SWITCHES = [
  { name: 'help', short: 'h', help: 'Print this help.' },
  { name: 'version', short: null, help: 'Print the version.' },
] as const

export type Arguments =
  | { readonly given: readonly GivenOption[] }
  | { readonly help: true }
  | { readonly version: true }

const PARSE_ARGS_OPTIONS = Object.fromEntries([
  ...OPTIONS.map(({ name, type }) => [name, { type: type.kind === 'flag' ? 'boolean' : 'string', multiple: true }]),
  ...COMMAND_SWITCHES.map(({ name, short }) => [name, { type: 'boolean', ...(short === null ? {} : { short }) }]),
]) as Record<string, { type: 'boolean' | 'string'; multiple?: boolean; short?: string }>

type Token = NonNullable<ReturnType<typeof parseTokens>>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

/** Reads `argv` without the program's own name; throws TurndError. */
export function readArguments(argv: readonly string[]): Arguments {
  const tokens = parseTokens(argv)
  const names = tokens.map((token) => (token.kind === 'option' ? token.name : ''))
  if (names.includes('help')) return { help: true }
  if (names.includes('version')) return { version: true }
  const valuesByOption = new Map<Option, unknown[]>()
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw positionalError(token.value, tokens[index - 1])
    const option = findOption(token.name)
    if (option === undefined || !token.rawName.startsWith('--')) throw unknownOptionError(token)
    const values = valuesByOption.get(option) ?? []
    values.push(readValue(option, token))
    valuesByOption.set(option, values)
  }
  return { given: [...valuesByOption].map(([option, values]) => givenOption(option, values)) }
}

function parseTokens(argv: readonly string[]) {
  // Not strict: the errors of parseArgs quote values, which may be secrets, and know no nearest name.
  return parseArgs({ args: [...argv], options: PARSE_ARGS_OPTIONS, strict: false, tokens: true }).tokens
}

function readValue(option: Option, token: OptionToken): unknown {
  const { value } = token
  const name = `--${option.name}`
  if (option.type.kind === 'flag') {
    if (value === undefined) return true
    throw optionError(`${name} is a switch and takes no value: write ${name} alone to turn it on`)
  }
  if (value === undefined) throw optionError(`${name} needs a value: ${name} ${option.type.placeholder}`)
  // `--realm --user a:b`: the value was forgotten. A negative number is the parser's to refuse.
  if (!token.inlineValue && /^-[^0-9]/.test(value)) {
    const { placeholder } = option.type
    throw optionError(
      `${name} needs a value: ${name} ${placeholder}, or ${name}=${placeholder} if it begins with a dash`,
    )
  }
  return value
}

function givenOption(option: Option, values: readonly unknown[]): GivenOption {
  const distinct = new Set(values)
  if (option.repeatable || distinct.size === 1) {
    return { option, source: COMMAND_LINE, values: option.repeatable ? values : [...distinct] }
  }
  const shown = [...distinct].map((value) => printable(String(value))).join(' and ')
  throw optionError(`--${option.name} is given more than once, as ${shown}: give it once`)
}

function unknownOptionError({ rawName }: OptionToken): TurndError {
  const shown = printable(rawName)
  if (!rawName.startsWith('--')) {
    return optionError(`${shown} is not an option: all but -h begin with two dashes, turnd --help lists them`)
  }
  const nearest = nearestOption(rawName.slice(2))
  const nearestSwitch = nearestName(
    rawName.slice(2),
    COMMAND_SWITCHES.map(({ name }) => name),
  )
  if (nearest?.isCoturnName) return optionError(`${shown} is an option of coturn: here it is --${nearest.option.name}`)
  const name = nearestSwitch ?? nearest?.option.name
  if (name === undefined) return optionError(`${shown} is not an option: turnd --help lists them`)
  return optionError(`${shown} is not an option: did you mean --${name}?`)
}

/** An argument that belongs to no option. It is not shown after a secret, of which it may be a part. */
function positionalError(value: string, previous: Token | undefined): TurndError {
  const subcommands = SUBCOMMANDS.map(({ name }) => name).join(', ')
  const after = previous?.kind === 'option' ? findOption(previous.name) : undefined
  if (after?.secret) {
    return optionError(`--${after.name}: its value is followed by another one: quote a value that has spaces`)
  }
  if (previous?.kind === 'positional')
    return optionError('more than one argument is not an option: options begin with --')
  if (SUBCOMMANDS.some(({ name }) => name === value)) {
    return optionError(`${value} is a subcommand, which comes first: turnd ${value} --help`)
  }
  return optionError(`${printable(value)} is neither an option (--…) nor a subcommand (${subcommands})`)
}

function optionError(message: string): TurndError {
  return new TurndError('TURND_ERR_OPTION', message)
}
