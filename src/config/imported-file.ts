// The files of other servers that options can be taken from, each with its reader. Called by command-line.ts and by `turnd convert`.
import { type ReadFile, readText } from './config-file.js'
import { importCoturnConfig } from './coturn/coturn-config.js'
import { importExpresswayConfig } from './expressway/expressway-config.js'
import type { ImportedFile } from './imported-options.js'
import type { Option } from './options.js'
import type { SettingKey } from './settings.js'

type Reader = (path: string, text: string, answered: ReadonlySet<SettingKey>) => ImportedFile

const READERS: ReadonlyMap<SettingKey, Reader> = new Map([
  ['coturnConfig', importCoturnConfig],
  ['expresswayConfig', importExpresswayConfig],
])

/** Does this option name a file of another server? */
export function isImportOption({ key }: Option): boolean {
  return READERS.has(key)
}

/**
 * Throws TurndError.
 * @param shown the option with the path, for the error that it cannot be read
 * @param answered the options that a stronger source gives
 */
export function readImportedFile(
  option: Option,
  path: string,
  shown: string,
  readFile: ReadFile,
  answered: ReadonlySet<SettingKey>,
): ImportedFile {
  return READERS.get(option.key)!(path, readText(path, shown, readFile), answered)
}
