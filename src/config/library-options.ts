// From the library's options to settings, through the same table and checks as the command line. Called by src/index.ts.
import { givenByJson } from './config-file.js'
import type { Environment } from './environment.js'
import { TurndError } from './errors.js'
import { nearestOption } from './nearest-name.js'
import { findOptionByKey } from './options.js'
import { quoted } from './printable.js'
import type { ParsedSettings, TurnServerOptions } from './settings.js'
import { settle } from './settle.js'
import { type GivenOption, LIBRARY } from './source.js'

/** The library never looks at the process's environment by itself. */
const NO_ENVIRONMENT: Environment = {}
/** They name files that hold options, which only the command reads. */
const COMMAND_ONLY = new Set(['config', 'coturnConfig', 'expresswayConfig'])

/** Keys whose value is undefined are not given. Throws TurndError. */
export function settingsFromObject(options: TurnServerOptions, environment = NO_ENVIRONMENT): ParsedSettings {
  const given: GivenOption[] = []
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue
    const option = findOptionByKey(key)
    if (option === undefined || COMMAND_ONLY.has(key)) throw unknownKeyError(key)
    given.push(givenByJson(option, LIBRARY, value))
  }
  return settle([given], environment, LIBRARY)
}

function unknownKeyError(key: string): TurndError {
  const shown = `the option ${quoted(key)}`
  if (COMMAND_ONLY.has(key)) return new TurndError('TURND_ERR_OPTION', `${shown} is for the command line only`)
  const nearest = nearestOption(key)?.option.key
  const hint = nearest === undefined ? '' : `: did you mean "${nearest}"?`
  return new TurndError('TURND_ERR_OPTION', `${shown} does not exist${hint}`)
}
