// Whether the limit of open files is enough for the licence: what is not is found out at the start, and not when the 1,000th client is refused.
import { FILE_COUNT_OF_PROGRAM, FILE_COUNT_OF_WORKER } from '../limits/files.js'
import { PEER_CONNECTION_COUNT_MAX } from '../limits/turn.js'

export interface OpenFilesPlan {
  readonly maxAllocations: number
  /** Relay addresses, and ports of each. */
  readonly relayHostCount: number
  readonly portCount: number
  /** Families of relay addresses: a dual allocation has a socket of each. */
  readonly familyCount: number
  readonly workerCount: number
  readonly listenerCount: number
  /** There are TCP or TLS listeners: such a client has a connection beside its relay. */
  readonly hasStreams: boolean
}

/** Files that are open when all places of the licence are taken. */
export function filesNeeded(plan: OpenFilesPlan): number {
  const { familyCount, hasStreams, listenerCount, maxAllocations, portCount, relayHostCount, workerCount } = plan
  // A licence that no port is left for takes no files.
  const allocations = Math.min(maxAllocations, relayHostCount * portCount)
  const own = FILE_COUNT_OF_PROGRAM + workerCount * FILE_COUNT_OF_WORKER + listenerCount * (workerCount + 1)
  return own + allocations * (familyCount + (hasStreams ? 1 : 0))
}

/** A sentence for the operator, or null: the limit is enough. */
export function openFilesWarning(plan: OpenFilesPlan, limit: number): string | null {
  const needed = filesNeeded(plan)
  if (limit >= needed) return null
  const proposed = roundedUp(needed + (plan.hasStreams ? PEER_CONNECTION_COUNT_MAX : 0))
  return (
    `this process may open ${limit} files, and --max-allocations ${plan.maxAllocations} needs up to ${needed}: ` +
    `set the limit to ${proposed} (LimitNOFILE=${proposed} in the systemd unit, ulimit -n ${proposed} in a shell), or lower --max-allocations`
  )
}

/** To a power of two, as such limits are. */
function roundedUp(count: number): number {
  return 2 ** Math.ceil(Math.log2(count))
}
