// What the workers of one server share, in shared memory: relay ports, the licence and the quotas of users, reservations, and who has
// been answered without proving anything. Made once by the main thread, posted to the workers, swept when one has died.
//
//   control       the lock, and the key of all hashes, drawn by whoever comes first
//   ports         who holds which relay port                 relay-ports.ts
//   users         places in the quota, by user and worker    user-table.ts, quotas.ts
//   reservations  ports that wait for their token            reservation-list.ts, reservations.ts
//   replies       answers to sources that proved nothing     source-table.ts, answer-limits.ts
//   failures      answers to sources with wrong credentials  the same
//   connections   peers of TCP relays, and who carries them  connection-table.ts
//
// Why a lock here, and none per packet: docs/adr/0008-shared-tables.md.
import { WORKER_COUNT_MAX } from '../limits/turn.js'
import { ConnectionTable } from './connection-table.js'
import { KeyedHash } from './keyed-hash.js'
import type { RandomSource } from './output.js'
import { RelayPorts } from './relay-ports.js'
import { ReservationList } from './reservation-list.js'
import { SharedLock, SWEEPER } from './shared-lock.js'
import { SourceTable } from './source-table.js'
import { UserTable } from './user-table.js'

export interface TableLimits {
  readonly relayHostCount: number
  readonly minPort: number
  readonly maxPort: number
  /** 1 to WORKER_COUNT_MAX. */
  readonly workerCount: number
}

/** Plain data, which may be posted to a worker. */
export interface SharedTables {
  readonly limits: TableLimits
  readonly control: SharedArrayBuffer
  readonly ports: SharedArrayBuffer
  readonly users: SharedArrayBuffer
  readonly reservations: SharedArrayBuffer
  readonly replies: SharedArrayBuffer
  readonly failures: SharedArrayBuffer
  readonly connections: SharedArrayBuffer
}

const CONTROL_WORDS = 4
const IS_KEY_DRAWN = 1
const KEY = 2

export function allocateSharedTables(limits: TableLimits): SharedTables {
  const { relayHostCount, minPort, maxPort, workerCount } = limits
  if (workerCount < 1 || workerCount > WORKER_COUNT_MAX) throw new RangeError(`no tables for ${workerCount} workers`)
  const placeCount = placeCountOf(limits)
  return {
    limits,
    control: new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT),
    ports: RelayPorts.allocate(relayHostCount, minPort, maxPort),
    users: UserTable.allocate(placeCount, workerCount),
    reservations: ReservationList.allocate(placeCount),
    replies: SourceTable.allocate(),
    failures: SourceTable.allocate(),
    connections: ConnectionTable.allocate(workerCount),
  }
}

/** What a dead worker has held. */
export interface Swept {
  readonly ports: number
  readonly places: number
  /** Handles of peer connections that waited to be bound, and that nobody has any more: the main thread closes them. */
  readonly handles: readonly number[]
}

/** For the main thread, after that worker has ended: frees what it held of everything, the lock too. */
export function sweepWorker(tables: SharedTables, workerIndex: number): Swept {
  const { relayHostCount, minPort, maxPort } = tables.limits
  const relayPorts = new RelayPorts(relayHostCount, minPort, maxPort, NO_RANDOM, workerIndex, tables.ports)
  const handles = connectionTableOf(tables, workerIndex).sweep()
  const lock = lockOf(tables, SWEEPER)
  lock.takeOver(holderOf(workerIndex))
  try {
    reservationListOf(tables).sweep(workerIndex)
    return { ports: relayPorts.sweep(workerIndex), places: userTableOf(tables).sweep(workerIndex), handles }
  } finally {
    lock.release()
  }
}

export function lockOfWorker(tables: SharedTables, workerIndex: number): SharedLock {
  if (workerIndex < 0 || workerIndex >= tables.limits.workerCount) {
    throw new RangeError(`worker ${workerIndex} has no place in tables for ${tables.limits.workerCount}`)
  }
  return lockOf(tables, holderOf(workerIndex))
}

/** The hash of these tables: the same for every worker. */
export function hashOf(tables: SharedTables, lock: SharedLock, random: RandomSource): KeyedHash {
  const control = new Int32Array(tables.control)
  return lock.hold(() => {
    if (control[IS_KEY_DRAWN] === 0) {
      control[KEY] = random.nextUint32()
      control[KEY + 1] = random.nextUint32()
      control[IS_KEY_DRAWN] = 1
    }
    return new KeyedHash(control[KEY], control[KEY + 1])
  })
}

export function userTableOf(tables: SharedTables): UserTable {
  return new UserTable(placeCountOf(tables.limits), tables.limits.workerCount, tables.users)
}

export function reservationListOf(tables: SharedTables): ReservationList {
  return new ReservationList(placeCountOf(tables.limits), tables.reservations)
}

/** As this worker sees it, or its sweeper. */
export function connectionTableOf(tables: SharedTables, workerIndex: number): ConnectionTable {
  return new ConnectionTable(tables.limits.workerCount, tables.connections, workerIndex)
}

/**
 * How many places can be held at once, whatever the licence is or will be: every one has a relay port, but for what a request of each worker
 * takes before it finds none. What no place stands for yet is zeros, and no page of memory.
 */
function placeCountOf({ relayHostCount, minPort, maxPort, workerCount }: TableLimits): number {
  return relayHostCount * (maxPort - minPort + 1) + 2 * workerCount
}

function lockOf(tables: SharedTables, holder: number): SharedLock {
  return new SharedLock(new Int32Array(tables.control), holder)
}

function holderOf(workerIndex: number): number {
  return workerIndex + 1
}

/** The sweeper claims no port. */
const NO_RANDOM: RandomSource = {
  nextUint32: () => {
    throw new Error('sweeping draws nothing')
  },
}
