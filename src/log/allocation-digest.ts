// Who got allocations: the other half of why a call failed. An operator whose user is in no refusal wants to know whether the user got
// through, and whether anything came back from peers. Kept per user and source IP address, the least recently seen goes.
import { ALLOCATION_ENTRY_COUNT_MAX } from '../limits/reports.js'
import { splitAddress } from './refusal-digest.js'

export interface AllocationDigestEntry {
  readonly user: string
  /** An IP address. */
  readonly source: string
  /** Allocations since the start, those of them that are there now, and when the last one began. */
  count: number
  liveCount: number
  readonly firstTimeMs: number
  lastTimeMs: number
  /** Of those that have ended by themselves: how many, and the packets that they relayed. */
  endedCount: number
  packetsFromClient: number
  packetsToClient: number
}

interface Known {
  readonly entry: AllocationDigestEntry
  /** By worker: one that dies says nothing of what ends with it. */
  readonly liveByWorker: Map<number | null, number>
}

export class AllocationDigest {
  /** Least recently seen first. */
  readonly #known = new Map<string, Known>()

  created(user: string, client: string, worker: number | null, timeMs: number): void {
    const { host } = splitAddress(client)
    const key = `${host} ${user}`
    const known = this.#known.get(key) ?? newKnown(user, host, timeMs)
    known.entry.count++
    known.entry.lastTimeMs = timeMs
    addLive(known, worker, 1)
    this.#known.delete(key)
    if (this.#known.size >= ALLOCATION_ENTRY_COUNT_MAX) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(key, known)
  }

  deleted(
    user: string,
    client: string,
    worker: number | null,
    use: { readonly packetsFromClient: number; readonly packetsToClient: number },
  ): void {
    const known = this.#known.get(`${splitAddress(client).host} ${user}`)
    if (known === undefined) return
    known.entry.endedCount++
    known.entry.packetsFromClient += use.packetsFromClient
    known.entry.packetsToClient += use.packetsToClient
    addLive(known, worker, -1)
  }

  workerDied(worker: number): void {
    for (const known of this.#known.values()) addLive(known, worker, -(known.liveByWorker.get(worker) ?? 0))
  }

  /** Most recent first; they change as long as the digest is used. */
  entries(): AllocationDigestEntry[] {
    return [...this.#known.values()].map(({ entry }) => entry).reverse()
  }
}

function newKnown(user: string, source: string, timeMs: number): Known {
  const times = { firstTimeMs: timeMs, lastTimeMs: timeMs }
  const ended = { endedCount: 0, packetsFromClient: 0, packetsToClient: 0 }
  return { entry: { user, source, count: 0, liveCount: 0, ...times, ...ended }, liveByWorker: new Map() }
}

/** One that was forgotten while it lived may end later: never below zero. */
function addLive({ entry, liveByWorker }: Known, worker: number | null, change: number): void {
  const before = liveByWorker.get(worker) ?? 0
  const after = Math.max(0, before + change)
  liveByWorker.set(worker, after)
  entry.liveCount += after - before
}
