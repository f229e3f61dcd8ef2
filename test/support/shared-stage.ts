// Shared tables with some workers on them, without cores: for tests of quotas and reservations.

import { openTables } from '../../src/turn/core-tables.js'
import type { Quotas } from '../../src/turn/quotas.js'
import { RelayPorts } from '../../src/turn/relay-ports.js'
import type { Reservations } from '../../src/turn/reservations.js'
import { allocateSharedTables, type SharedTables } from '../../src/turn/shared-tables.js'
import { relayHostOf, SERVER_HOST } from './core-harness.js'
import { SeededRandom } from './random.js'

export interface StageOptions {
  readonly maxAllocations?: number
  readonly userQuota?: number
  readonly workerCount?: number
  readonly minPort?: number
  readonly maxPort?: number
}

export interface StageWorker {
  readonly quotas: Quotas
  readonly reservations: Reservations
  readonly relayPorts: RelayPorts
  readonly random: SeededRandom
}

/** With the licence of those who are to work on them. */
export type StageTables = SharedTables & { readonly maxAllocations?: number }

/** Tables with one relay host. */
export function tablesOf(options: StageOptions = {}): StageTables {
  const tables = allocateSharedTables({
    relayHostCount: 1,
    minPort: options.minPort ?? 24_000,
    maxPort: options.maxPort ?? 29_999,
    workerCount: options.workerCount ?? 1,
  })
  return { ...tables, maxAllocations: options.maxAllocations ?? 1800 }
}

/** One worker's view of tables. `seed`: its own randomness. */
export function workerOn(tables: StageTables, workerIndex = 0, userQuota = 0, seed = workerIndex + 1): StageWorker {
  const { maxAllocations = 1800 } = tables
  const { minPort, maxPort } = tables.limits
  const random = new SeededRandom(seed)
  const relayPorts = new RelayPorts(1, minPort, maxPort, random, workerIndex, tables.ports)
  const relayHosts = [relayHostOf(SERVER_HOST)]
  const worker = openTables({ maxAllocations, userQuota, relayPorts, relayHosts, random, tables, workerIndex })
  return { ...worker, relayPorts, random }
}

export function workersOn(tables: StageTables, userQuota = 0): StageWorker[] {
  return Array.from({ length: tables.limits.workerCount }, (_, index) => workerOn(tables, index, userQuota))
}

/** The only worker on tables of its own. */
export function soleWorker(options: StageOptions = {}): StageWorker {
  return workerOn(tablesOf(options), 0, options.userQuota ?? 0)
}
