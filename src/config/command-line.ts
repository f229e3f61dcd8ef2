// From the command line to settings: command line beats environment beats the file of --config beats an imported file beats default.
// Called by src/turnd.ts with its arguments, environment and readTextFile; reads nothing by itself.
import { readArguments } from './arguments.js'
import { type ReadFile, readConfigFile } from './config-file.js'
import { type Environment, readEnvironment } from './environment.js'
import { TurndError } from './errors.js'
import type { ImportReport } from './import-report.js'
import { isImportOption, readImportedFile } from './imported-file.js'
import type { ImportedFile } from './imported-options.js'
import type { ParsedSettings, SettingKey } from './settings.js'
import { settle } from './settle.js'
import { COMMAND_LINE, type GivenOption, resolveOption } from './source.js'

export type CommandLine = ParsedSettings | { readonly help: true } | { readonly version: true }

/** `argv` is without node and the script; throws TurndError. */
export function parseCommandLine(argv: readonly string[], environment: Environment, readFile: ReadFile): CommandLine {
  const command = readArguments(argv)
  if (!('given' in command)) return command
  const { given, warnings } = readEnvironment(environment)
  const layers = [command.given, given, readFileLayer([...command.given, ...given], readFile)]
  const imported = readImportLayer(layers.flat(), readFile)
  const parsed = settle([...layers, imported?.given ?? []], environment, COMMAND_LINE)
  return {
    ...parsed,
    warnings: [...warnings, ...parsed.warnings],
    ...(imported === null ? {} : { imported: reportInForce(imported, parsed) }),
  }
}

/** What is optional of a list that nobody takes is nothing. */
function reportInForce({ given, report }: ImportedFile, parsed: ParsedSettings): ImportReport {
  const listen = given.find(({ option }) => option.key === 'listen')
  const isInForce = listen !== undefined && parsed.given.get('listen')?.source === listen.source
  return isInForce ? report : { ...report, optionalListeners: [] }
}

function readFileLayer(given: readonly GivenOption[], readFile: ReadFile): GivenOption[] {
  const config = given.find(({ option }) => option.key === 'config')
  if (config === undefined) return []
  const { value, items } = resolveOption(config)
  return readConfigFile(String(value), items[0].shown, readFile)
}

/** null without a file to import. */
function readImportLayer(given: readonly GivenOption[], readFile: ReadFile): ImportedFile | null {
  const named = new Map<SettingKey, GivenOption>()
  for (const one of given) if (isImportOption(one.option) && !named.has(one.option.key)) named.set(one.option.key, one)
  const [first, second] = [...named.values()].map(resolveOption)
  if (first === undefined) return null
  if (second !== undefined) {
    const [one, other] = [first, second].map(({ items }) => items[0].shown)
    throw new TurndError('TURND_ERR_OPTION', `${one} and ${other} exclude each other: give one of them`)
  }
  const answered = new Set(given.map(({ option }) => option.key))
  return readImportedFile(first.option, String(first.value), first.items[0].shown, readFile, answered)
}
