// The options: a server would start with them, and none is without effect or known to do harm.
import { type Check, type Judgement, well } from '../check.js'
import { faultOf, warningOf } from '../two-parts.js'
import { notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

/**
 * @param problem why a server would not start; null if it would
 * @param settingsOf the process whose options they are; null: they were given
 */
export function judgeConfiguration(
  problem: string | null,
  warnings: readonly string[],
  settingsOf: number | null = null,
): Judgement[] {
  if (problem !== null) return [faultOf(problem, 'Change that option')]
  if (warnings.length > 0) return warnings.map(warningOf)
  return [
    well(
      settingsOf === null
        ? 'a server starts with these options'
        : `a server runs here (process ${settingsOf}): these are its options`,
    ),
  ]
}

export const configuration: Check<InsideScene> = {
  id: 'configuration',
  needs: [],
  run: async ({ parsed, running, settingsOf }) =>
    parsed instanceof Error
      ? (notReadable(parsed, running.length > 0) ?? judgeConfiguration(parsed.message, []))
      : judgeConfiguration(null, parsed.warnings, settingsOf),
}
