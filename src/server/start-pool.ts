// Starts the workers of a pool, all or none.
import { TurndError } from '../config/errors.js'
import type { WorkerPool } from './worker-pool.js'

/** Throws TurndError, with no worker left. */
export async function startPool(pool: WorkerPool): Promise<void> {
  try {
    await pool.start()
  } catch (error) {
    await pool.stop()
    throw error instanceof TurndError
      ? error
      : engineError(`a worker of the ${pool.engine} engine could not start`, error)
  }
}

export function engineError(what: string, error: unknown): TurndError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TurndError('TURND_ERR_ENGINE', `${what}: ${reason}`, { cause: error })
}
