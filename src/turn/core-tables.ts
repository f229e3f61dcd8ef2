// What one core uses of the tables that workers share, or of its own if there is one worker only.
import { AnswerLimits } from './answer-limits.js'
import type { ConnectionTable } from './connection-table.js'
import type { TurnCoreOptions } from './core-options.js'
import type { KeyedHash } from './keyed-hash.js'
import { Quotas } from './quotas.js'
import { Reservations } from './reservations.js'
import {
  allocateSharedTables,
  connectionTableOf,
  hashOf,
  lockOfWorker,
  reservationListOf,
  userTableOf,
} from './shared-tables.js'

type TableOptions = Pick<
  TurnCoreOptions,
  | 'maxAllocations'
  | 'userQuota'
  | 'relayPorts'
  | 'relayHosts'
  | 'random'
  | 'tables'
  | 'workerIndex'
  | 'unauthenticatedRate'
  | 'limitsLoopback'
>

export interface CoreTables {
  readonly quotas: Quotas
  readonly reservations: Reservations
  /** Null: there is no limit. */
  readonly answerLimits: AnswerLimits | null
  readonly connectionTable: ConnectionTable
  readonly hash: KeyedHash
}

export function openTables(options: TableOptions): CoreTables {
  const { maxAllocations, userQuota, relayPorts, relayHosts, random, workerIndex = 0, unauthenticatedRate } = options
  const { minPort, maxPort } = relayPorts
  const tables =
    options.tables ?? allocateSharedTables({ relayHostCount: relayHosts.length, minPort, maxPort, workerCount: 1 })
  const lock = lockOfWorker(tables, workerIndex)
  const hash = hashOf(tables, lock, random)
  const quotas = new Quotas(maxAllocations, userQuota, userTableOf(tables), lock, hash, workerIndex)
  const reservations = new Reservations(reservationListOf(tables), quotas, relayPorts, lock, hash, workerIndex)
  const { replies, failures } = tables
  const { limitsLoopback = false } = options
  const answerLimits =
    unauthenticatedRate === undefined
      ? null
      : new AnswerLimits({ unauthenticatedRate, limitsLoopback, hash, replies, failures })
  return { quotas, reservations, answerLimits, connectionTable: connectionTableOf(tables, workerIndex), hash }
}
