// The words of a subcommand's line, told apart: options with their values, and what is between them. Used by the arguments of each subcommand.
import { parseArgs } from 'node:util'
import { printable, quoted } from '../config/printable.js'

/** Bad arguments, bad input or a bad file: one sentence for the operator. */
export class CommandError extends Error {}

export interface CommandWords {
  /** By the option's name, in the order given; '' for a switch. */
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly words: readonly string[]
}

interface OptionType {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given more than once: of a value. */
  readonly multiple?: boolean
}

type OptionTypes = Readonly<Record<string, OptionType>>

/** Throws a CommandError for an option that is unknown, lacks its value, has one without need, or has a second one. */
export function readWords(argv: readonly string[], options: OptionTypes): CommandWords {
  const values = new Map<string, string[]>()
  const words: string[] = []
  // Not strict: the parser's own messages are long, and explain things that a subcommand does not have.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  // Whoever asks for help gets it, whatever else there is: as of turnd itself.
  const isHelp = tokens.some((token) => token.kind === 'option' && token.name === 'help' && token.value === undefined)
  if (isHelp) return { values: new Map([['help', ['']]]), words }
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    if (!Object.hasOwn(options, token.name)) throw new CommandError(`unknown option ${printable(token.rawName)}`)
    const { multiple = false, type } = options[token.name]
    if (type === 'boolean' && token.value !== undefined) {
      throw new CommandError(`${token.rawName} takes no value, but has ${quoted(token.value)}`)
    }
    if (type === 'string') {
      checkValue(token.rawName, token.value, token.inlineValue === true)
      if (!multiple && values.has(token.name)) {
        throw new CommandError(`--${token.name} is given more than once: give it once`)
      }
    }
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? ''])
  }
  return { values, words }
}

function checkValue(name: string, value: string | undefined, isInline: boolean): void {
  if (value === undefined) throw new CommandError(`${name} needs a value`)
  if (value === '') throw new CommandError(`${name} needs a value, and has an empty one: leave the option out instead`)
  if (isInline || !value.startsWith('-')) return
  throw new CommandError(`${name} needs a value: ${name} VALUE, or ${name}=VALUE if it begins with a dash`)
}
