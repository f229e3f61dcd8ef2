// What the log says of a reload: a line for each change, for each that waits for a restart, and one for the whole.
import type { ReloadResult, SettingChange } from '../admin/schema/operations.js'
import type { Logger } from '../log/logger.js'

export function logReload(logger: Logger, { applied, changes, errors }: ReloadResult): void {
  if (!applied) {
    const reason = errors.join('; ')
    logger.error({ event: 'reload', applied, errors }, `the reload failed and changed nothing: ${reason}`)
    return
  }
  for (const change of changes) logChange(logger, change)
  const refusedCount = changes.filter(({ effect }) => effect === 'restart').length
  const appliedCount = changes.length - refusedCount
  const what = appliedCount === 0 ? 'nothing is different' : `${appliedCount} ${changesText(appliedCount)} in force`
  const rest = refusedCount === 0 ? '' : `, ${refusedCount} wait for a restart`
  logger.info({ event: 'reload', applied, changes: appliedCount, refused: refusedCount }, `reloaded: ${what}${rest}`)
}

function logChange(logger: Logger, { effect, from, name, note, to }: SettingChange): void {
  const fields = { event: 'reload-change', setting: name, from, to, effect, note }
  const said = `${name}: ${from} → ${to}`
  if (effect === 'live') logger.info(fields, note === '' ? said : `${said} (${note})`)
  else logger.warn(fields, `${said} needs a restart: ${note}`)
}

function changesText(count: number): string {
  return count === 1 ? 'change is' : 'changes are'
}
