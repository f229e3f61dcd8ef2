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
  /**
   * How many live, by worker (one that dies says nothing of what ends with it) and by client's transport address: the end of one that
   * began before this entry is not taken for the end of another.
   */
  readonly liveByWorker: Map<number | null, Map<string, number>>
}

export class AllocationDigest {
  /** Entries that made room. */
  forgottenCount = 0
  /** Least recently seen first. */
  readonly #known = new Map<string, Known>()

  created(user: string, client: string, worker: number | null, timeMs: number): void {
    const { host } = splitAddress(client)
    const key = `${host} ${user}`
    const known = this.#known.get(key) ?? newKnown(user, host, timeMs)
    known.entry.count++
    known.entry.lastTimeMs = timeMs
    begin(known, client, worker)
    this.#known.delete(key)
    if (this.#known.size >= ALLOCATION_ENTRY_COUNT_MAX) {
      this.#known.delete(this.#known.keys().next().value as string)
      this.forgottenCount++
    }
    this.#known.set(key, known)
  }

  deleted(
    user: string,
    client: string,
    worker: number | null,
    use: { readonly packetsFromClient: number; readonly packetsToClient: number },
  ): void {
    const known = this.#known.get(`${splitAddress(client).host} ${user}`)
    // One that was forgotten while it lived may end later.
    if (known === undefined || !end(known, client, worker)) return
    known.entry.endedCount++
    known.entry.packetsFromClient += use.packetsFromClient
    known.entry.packetsToClient += use.packetsToClient
  }

  /** It goes on from another address (RFC 8016), where it counts from now on. */
  moved(user: string, from: string, client: string, worker: number | null, timeMs: number): void {
    const known = this.#known.get(`${splitAddress(from).host} ${user}`)
    if (known === undefined || !end(known, from, worker)) return
    this.created(user, client, worker, timeMs)
  }

  workerDied(worker: number): void {
    for (const { entry, liveByWorker } of this.#known.values()) {
      for (const count of liveByWorker.get(worker)?.values() ?? []) entry.liveCount -= count
      liveByWorker.delete(worker)
    }
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

function begin({ entry, liveByWorker }: Known, client: string, worker: number | null): void {
  const live = liveByWorker.get(worker) ?? new Map<string, number>()
  live.set(client, (live.get(client) ?? 0) + 1)
  liveByWorker.set(worker, live)
  entry.liveCount++
}

/** False if none is known to live there. */
function end({ entry, liveByWorker }: Known, client: string, worker: number | null): boolean {
  const live = liveByWorker.get(worker)
  const count = live?.get(client) ?? 0
  if (live === undefined || count === 0) return false
  if (count > 1) live.set(client, count - 1)
  else live.delete(client)
  entry.liveCount--
  return true
}
