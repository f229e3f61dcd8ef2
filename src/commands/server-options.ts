// Arguments of subcommands that take options of the server beside their own: they are told apart by name, and what is none is a bad argument.
import { readArguments } from '../config/arguments.js'
import { TurndError } from '../config/errors.js'
import { findOption } from '../config/options.js'
import { CommandError } from './command-words.js'

/** Options of the server go with their values; everything else is the subcommand's, and what it calls as the server does is its own. */
export function splitServerOptions(argv: readonly string[], ownOptions: object): { own: string[]; server: string[] } {
  const [own, server]: [string[], string[]] = [[], []]
  for (let index = 0; index < argv.length; index++) {
    const [, name, value] = /^--([^=]+)(=.*)?$/s.exec(argv[index]) ?? []
    const option = name === undefined || Object.hasOwn(ownOptions, name) ? undefined : findOption(name)
    if (option === undefined) own.push(argv[index])
    else {
      server.push(argv[index])
      const hasValue = option.type.kind !== 'flag' && value === undefined && index + 1 < argv.length
      if (hasValue) server.push(argv[++index])
    }
  }
  return { own, server }
}

/** What is no option at all is a bad argument; what is wrong with a value is found later. Throws CommandError. */
export function checkServerOptions(server: readonly string[]): void {
  try {
    readArguments(server)
  } catch (error) {
    throw error instanceof TurndError ? new CommandError(error.message) : error
  }
}
