// The library: a TURN server inside another program. The command turnd is built on the same.
import { settingsFromObject } from './config/library-options.js'
import type { ParsedSettings, TurnServerOptions } from './config/settings.js'
import { createLogger, type Logger, silentLogger } from './log/logger.js'
import { TurnServer } from './server/server.js'

export type { ReloadResult, SettingChange } from './admin/schema/operations.js'
export type { WhyAllocations, WhyDrop, WhyFilter, WhyRefusal, WhyReport } from './admin/schema/why.js'
export { TURND_ERROR_CODES, TurndError, type TurndErrorCode } from './config/errors.js'
export type { TurnServerOptions } from './config/settings.js'
export { CONNECTION_REFUSALS, type ConnectionRefusal } from './log/connection-refusals.js'
export { DROP_REASONS, type DropReason } from './log/drops.js'
export { REFUSAL_REASONS, type Refusal, type RefusalReason } from './log/refusals.js'
export type { AllocationInfo } from './server/reports.js'
export type { ServerAddress } from './server/server.js'
export type { ServerCounters } from './server/server-counters.js'
export type { TurnServerEvents } from './server/server-events.js'
export type { DeletionCause } from './turn/output.js'
export type { TurnServer }

/**
 * A server with these options (the command line's, in camelCase), not yet started. At least one user must be given, or a
 * `stateDir` to keep a generated one in. It logs nothing unless `logLevel` or `logger` (a pino logger) is given.
 * Throws TurndError with code TURND_ERR_OPTION if an option is wrong.
 */
export function createTurnServer(options: TurnServerOptions, logger?: Logger): TurnServer {
  const parsed = settingsFromObject(options)
  const ownLogger = parsed.given.has('logLevel') ? createLogger(parsed.settings.logLevel, false) : silentLogger()
  const home = {
    ...{ hasStateDir: parsed.given.has('stateDir'), hasControlSocket: false, hasAdminServer: false },
    setLogLevel: ({ given, settings }: ParsedSettings) => {
      ownLogger.level = given.has('logLevel') ? settings.logLevel : 'silent'
    },
  }
  return new TurnServer(parsed, logger ?? ownLogger, home)
}
