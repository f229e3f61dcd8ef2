// The quota and the reservations of one core, over the tables that it shares with other workers, or over its own.
import type { TurnCoreOptions } from './core-options.js'
import { Quotas } from './quotas.js'
import { Reservations } from './reservations.js'
import { allocateSharedTables, hashOf, lockOfWorker, reservationListOf, userTableOf } from './shared-tables.js'

export interface Places {
  readonly quotas: Quotas
  readonly reservations: Reservations
}

type PlacesOptions = Pick<
  TurnCoreOptions,
  'maxAllocations' | 'userQuota' | 'relayPorts' | 'relayHosts' | 'random' | 'tables' | 'workerIndex'
>

export function openPlaces(options: PlacesOptions): Places {
  const { maxAllocations, userQuota, relayPorts, relayHosts, random, workerIndex = 0 } = options
  const { minPort, maxPort } = relayPorts
  const tables =
    options.tables ??
    allocateSharedTables({ relayHostCount: relayHosts.length, minPort, maxPort, maxAllocations, workerCount: 1 })
  const lock = lockOfWorker(tables, workerIndex)
  const hash = hashOf(tables, lock, random)
  const users = userTableOf(tables)
  const quotas = new Quotas(maxAllocations, userQuota, users, lock, hash, workerIndex)
  const list = reservationListOf(tables)
  return { quotas, reservations: new Reservations(list, quotas, relayPorts, lock, hash, workerIndex) }
}
