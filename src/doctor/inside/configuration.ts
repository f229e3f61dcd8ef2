// The options: a server would start with them, and none is without effect or known to do harm.
import { type Check, type Judgement, well } from '../check.js'
import { faultOf, warningOf } from '../two-parts.js'
import { fileRemedy, notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

/**
 * @param problem why a server would not start; null if it would
 * @param settingsOf the process whose options they are; null: they were given
 * @param remedy where the problem has none in it
 */
export function judgeConfiguration(
  problem: string | null,
  warnings: readonly string[],
  settingsOf: number | null = null,
  remedy = 'Change that option',
): Judgement[] {
  if (problem !== null) return [faultOf(problem, remedy)]
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
      ? (notReadable(parsed, running.length > 0) ??
        judgeConfiguration(parsed.message, [], null, fileRemedy(parsed, 'Change that option')))
      : judgeConfiguration(null, parsed.warnings, settingsOf),
}
