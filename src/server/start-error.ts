// Why what relays could not be started, as an error for the operator.
import { TurndError } from '../config/errors.js'

export function engineError(what: string, error: unknown): TurndError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TurndError('TURND_ERR_ENGINE', `${what}: ${reason}`, { cause: error })
}

/** As it is if it is one; else with what it is about. */
export function asTurndError(error: unknown, what: string): TurndError {
  return error instanceof TurndError ? error : engineError(what, error)
}
