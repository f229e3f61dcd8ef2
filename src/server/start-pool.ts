// Starts the workers of a pool, all or none.

import type { Listening } from './pool-plan.js'
import { asTurndError } from './start-error.js'
import type { WorkerPool } from './worker-pool.js'

/** Throws TurndError, with no worker left. */
export async function startPool<Place extends Listening>(pool: WorkerPool<Place>): Promise<void> {
  try {
    await pool.start()
  } catch (error) {
    await pool.stop()
    throw asTurndError(error, `a worker of the ${pool.engine} engine could not start`)
  }
}
