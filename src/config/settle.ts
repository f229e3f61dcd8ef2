// Settles what the settings are: of several sources the highest wins, what nobody gave has its default, and the whole
// must make sense. Called by command-line.ts and library-options.ts.
import { crossCheck } from './cross-checks.js'
import type { Environment } from './environment.js'
import { OPTIONS } from './options.js'
import { profileTraits } from './profile.js'
import type { ParsedSettings, SettingKey, Settings } from './settings.js'
import { type GivenOption, type ResolvedOption, resolveOption, type Source } from './source.js'

/**
 * `layers` go from the strongest source to the weakest; an option is taken whole from the first that gives it. `naming`
 * is how options that nobody gave are called in errors. Throws TurndError.
 */
export function settle(
  layers: readonly (readonly GivenOption[])[],
  environment: Environment,
  naming: Source,
): ParsedSettings {
  const resolved = new Map<SettingKey, ResolvedOption>()
  for (const given of layers.flat()) {
    if (!resolved.has(given.option.key)) resolved.set(given.option.key, resolveOption(given))
  }
  const settings = toSettings(resolved, environment)
  const warnings = [...resolved.values()].flatMap(warningsOf)
  warnings.push(...crossCheck(settings, resolved, naming))
  return { settings, warnings, given: resolved, naming }
}

function toSettings(resolved: ReadonlyMap<SettingKey, ResolvedOption>, environment: Environment): Settings {
  const entries = OPTIONS.map((option) => {
    const one = resolved.get(option.key)
    return [option.key, one === undefined ? option.default : one.value]
  })
  // The table has one row per key of Settings, each checked against its type.
  const settings = Object.fromEntries(entries) as Settings
  const { channelRange } = profileTraits(settings.profile)
  const stateDir = environment.STATE_DIRECTORY?.split(':')[0] || settings.stateDir
  return {
    ...settings,
    channelRange: resolved.has('channelRange') ? settings.channelRange : channelRange,
    // systemd separates several directories by colons; the first is ours.
    stateDir: resolved.has('stateDir') ? settings.stateDir : stateDir,
  }
}

/** What should be known of a value that is taken. */
function warningsOf({ option, items }: ResolvedOption): string[] {
  return items.flatMap(({ value, shown }) => {
    const warning = option.warn?.(value) ?? null
    return warning === null ? [] : [`${shown} ${warning}`]
  })
}
