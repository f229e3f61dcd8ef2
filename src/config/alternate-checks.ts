// Whether the options about other servers fit each other. Called by cross-checks.ts.
import { ALTERNATE_ABOVE_PERCENT_DEFAULT, ALTERNATE_COUNT_MAX } from '../limits/turn.js'
import type { AlternateServer } from './alternate.js'
import { fail, type Names } from './setting-names.js'
import type { Settings } from './settings.js'

/** Throws TurndError. */
export function checkAlternates({ alternate }: Settings, names: Names): void {
  if (alternate.length > ALTERNATE_COUNT_MAX) {
    const count = alternate.length
    fail(`${names.name('alternate', 'alternate')} is given ${count} times: give ${ALTERNATE_COUNT_MAX} at most`)
  }
  const repeated = alternate.findIndex((one, at) => alternate.findIndex((other) => isSamePlace(one, other)) < at)
  if (repeated >= 0) fail(`${names.value('alternate', repeated)} is given twice: keep one of them, with *WEIGHT`)
}

export function alternateWarnings({ alternate, alternateAbove }: Settings, names: Names): string[] {
  if (alternate.length > 0 || alternateAbove === ALTERNATE_ABOVE_PERCENT_DEFAULT) return []
  const example = names.name('alternate', 'alternateAbove', 'HOST')
  return [`${names.value('alternateAbove')} has no effect: there is no other server, such as ${example}`]
}

function isSamePlace(one: AlternateServer, other: AlternateServer): boolean {
  return one.scheme === other.scheme && one.host === other.host && one.port === other.port
}
