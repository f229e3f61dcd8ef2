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

type OptionTypes = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>>

/** Throws a CommandError for an option that is unknown, lacks its value, or has one without need. */
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
    const { type } = options[token.name]
    if (type === 'boolean' && token.value !== undefined) {
      throw new CommandError(`${token.rawName} takes no value, but has ${quoted(token.value)}`)
    }
    if (type === 'string') checkValue(token.rawName, token.value, token.inlineValue === true)
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
