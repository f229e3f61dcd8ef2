// Says in the log when the TURN REST secrets of a running server become others: how many, never which.
import type { SecretList } from '../auth/secret-list.js'
import { AUTH_SECRET_COUNT_MAX } from '../limits/turn.js'
import type { Logger } from '../log/logger.js'

export function logSecrets(list: SecretList, logger: Logger, warn: (text: string) => void): void {
  const warnOfOmitted = () => {
    if (list.omittedCount === 0) return
    warn(
      `of the TURN REST secrets the first ${AUTH_SECRET_COUNT_MAX} count, and ${list.omittedCount} do not: remove old ones from the file`,
    )
  }
  warnOfOmitted()
  // Not before it holds everywhere: whoever reads the line may take old credentials out of use.
  list.onKnown = (secrets, { addedCount, removedCount }) => {
    const fields = { secrets: secrets.length, added: addedCount, removed: removedCount }
    const now = secrets.length === 1 ? '1 TURN REST secret' : `${secrets.length} TURN REST secrets`
    logger.info({ event: 'secrets-changed', ...fields }, `${now} now: ${addedCount} added, ${removedCount} removed`)
    warnOfOmitted()
  }
}
