// How errors and warnings of checks call options and their values. Used by cross-checks.ts and listen-checks.ts.
import { TurndError } from './errors.js'
import { findOptionByKey } from './options.js'
import type { SettingKey } from './settings.js'
import type { ResolvedOption, Source } from './source.js'

/** How options and their values are called in a sentence, wherever each was given. */
export class Names {
  private readonly resolved: ReadonlyMap<SettingKey, ResolvedOption>
  private readonly naming: Source

  constructor(resolved: ReadonlyMap<SettingKey, ResolvedOption>, naming: Source) {
    this.resolved = resolved
    this.naming = naming
  }

  has(key: SettingKey): boolean {
    return this.resolved.has(key)
  }

  /** `--min-port 30000`, or `--max-port 29999 (the default)`. */
  value(key: SettingKey, index = 0): string {
    const given = this.resolved.get(key)
    if (given) return given.items[index].shown
    const option = findOptionByKey(key)!
    return `${this.naming.show(option, String(option.default))} (the default)`
  }

  /** `--key`, in the manner of the source that gave `like`; with a value if there is one to propose. */
  name(key: SettingKey, like: SettingKey, value?: string): string {
    const source = this.resolved.get(like)?.source ?? this.naming
    return source.show(findOptionByKey(key)!, value)
  }
}

export function fail(message: string): never {
  throw new TurndError('TURND_ERR_OPTION', message)
}
