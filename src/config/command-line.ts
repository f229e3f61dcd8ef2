// From the command line to settings: command line beats environment beats the file of --config beats default.
// Called by src/turnd.ts with its arguments, environment and readTextFile; reads nothing by itself.
import { readArguments } from './arguments.js'
import { type ReadFile, readConfigFile } from './config-file.js'
import { type Environment, readEnvironment } from './environment.js'
import type { ParsedSettings } from './settings.js'
import { settle } from './settle.js'
import { COMMAND_LINE, type GivenOption, resolveOption } from './source.js'

export type CommandLine = ParsedSettings | { readonly help: true } | { readonly version: true }

/** `argv` is without node and the script; throws TurndError. */
export function parseCommandLine(argv: readonly string[], environment: Environment, readFile: ReadFile): CommandLine {
  const command = readArguments(argv)
  if (!('given' in command)) return command
  const { given, warnings } = readEnvironment(environment)
  const layers = [command.given, given, readFileLayer([...command.given, ...given], readFile)]
  const parsed = settle(layers, environment, COMMAND_LINE)
  return { ...parsed, warnings: [...warnings, ...parsed.warnings] }
}

function readFileLayer(given: readonly GivenOption[], readFile: ReadFile): GivenOption[] {
  const config = given.find(({ option }) => option.key === 'config')
  if (config === undefined) return []
  const { value, items } = resolveOption(config)
  return readConfigFile(String(value), items[0].shown, readFile)
}
