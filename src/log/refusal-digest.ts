// What was refused, summed up for people: one entry for each reason, user, source and peer, with how often and since when. `turnd why`
// reads it. Its size is fixed however many strangers there are, and made so that they cannot push out whom an operator looks for:
//
//   reason ─┬─ seen once    newcomers; the one that was seen least recently makes room
//           ├─ seen again   the one that was seen least often makes room, of those the least recently seen;
//           │               but first whoever was not seen for a day
//           └─ forgotten    how many entries and refusals made room
//
// Each reason has room of its own, and one source (an IPv4 address, about an IPv6 /64) has a share of it. So names that come once push out
// nobody who comes again, and an entry of today that was seen N times goes only when all others in its room were seen N times as well: 15
// of the same source, or 63 of several.
import {
  DIGEST_ENTRY_COUNT_MAX,
  DIGEST_ENTRY_OF_SOURCE_COUNT_MAX,
  DIGEST_SILENCE_SECONDS_MAX,
  REFUSAL_TEXT_LENGTH_MAX,
} from '../limits/reports.js'
import type { ConnectionRefusal } from './connection-refusals.js'
import type { UnansweredReason } from './drops.js'
import type { RefusalReason } from './refusals.js'

export type DigestReason = RefusalReason | ConnectionRefusal | UnansweredReason

/** What happened once. Addresses are textual transport addresses; text is '' and a code 0 where there is none. */
export interface Happening {
  readonly timeMs: number
  readonly reason: DigestReason
  readonly source: string
  readonly user?: string
  readonly peer?: string
  readonly method?: string
  readonly code?: number
  /** What else there is to say of it, in words. */
  readonly detail?: string
}

export interface DigestEntry {
  readonly reason: DigestReason
  /** Cut to REFUSAL_TEXT_LENGTH_MAX characters. */
  readonly user: string
  /** An IP address; its ports change, `port` is the last. */
  readonly source: string
  port: number
  /** The last transport address of this peer's. */
  peer: string
  method: string
  code: number
  /** Of the last one. */
  detail: string
  count: number
  readonly firstTimeMs: number
  lastTimeMs: number
}

interface Room {
  readonly once: Entries
  readonly again: Entries
  readonly forgotten: { entries: number; count: number }
}

export class RefusalDigest {
  readonly #rooms = new Map<DigestReason, Room>()

  record({ reason, source, timeMs, user = '', peer = '', method = '', code = 0, detail = '' }: Happening): void {
    const { again, forgotten, once } = this.#roomOf(reason)
    const { host, port } = splitAddress(source)
    const shownUser = user.slice(0, REFUSAL_TEXT_LENGTH_MAX)
    // Addresses have no spaces, so no name can look like another entry's key.
    const key = `${host} ${splitAddress(peer).host} ${shownUser}`
    const known = again.take(key) ?? once.take(key)
    let displaced: DigestEntry | null
    if (known === null) {
      const last = { port, peer, method, code, detail, count: 1, firstTimeMs: timeMs, lastTimeMs: timeMs }
      displaced = once.put(key, { reason, user: shownUser, source: host, ...last })
    } else {
      Object.assign(known, { port, peer, method, code, detail, count: known.count + 1, lastTimeMs: timeMs })
      displaced = again.put(key, known)
    }
    if (displaced === null) return
    forgotten.entries++
    forgotten.count += displaced.count
  }

  /** In no order; they change as long as the digest is used. */
  entries(): DigestEntry[] {
    return [...this.#rooms.values()].flatMap(({ again, once }) => [...again.values(), ...once.values()])
  }

  /** How much made room, by reason: entries, and the refusals that they had counted. */
  forgotten(): ReadonlyMap<DigestReason, { readonly entries: number; readonly count: number }> {
    return new Map([...this.#rooms].map(([reason, { forgotten }]) => [reason, forgotten]))
  }

  #roomOf(reason: DigestReason): Room {
    const found = this.#rooms.get(reason)
    if (found !== undefined) return found
    const room: Room = { once: new Entries(1), again: new Entries(2), forgotten: { entries: 0, count: 0 } }
    this.#rooms.set(reason, room)
    return room
  }
}

/** A bounded list, the least recently seen first. */
class Entries {
  readonly #byKey = new Map<string, DigestEntry>()
  /** How many there are of each source. */
  readonly #shares = new Map<string, number>()
  /** Of an entry here: with fewer than that there is none. */
  readonly #countMin: number

  constructor(countMin: number) {
    this.#countMin = countMin
  }

  values(): Iterable<DigestEntry> {
    return this.#byKey.values()
  }

  /** Out of the list; null if it is not there. */
  take(key: string): DigestEntry | null {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return null
    const share = shareOf(entry.source)
    const rest = (this.#shares.get(share) ?? 0) - 1
    if (rest === 0) this.#shares.delete(share)
    else this.#shares.set(share, rest)
    this.#byKey.delete(key)
    return entry
  }

  /** Returns the one that made room: of the same source, if that had its share already; null if there was room. */
  put(key: string, entry: DigestEntry): DigestEntry | null {
    const share = shareOf(entry.source)
    let displaced: DigestEntry | null = null
    if ((this.#shares.get(share) ?? 0) >= DIGEST_ENTRY_OF_SOURCE_COUNT_MAX) {
      displaced = this.take(this.#leastOf(share, entry.lastTimeMs))
    } else if (this.#byKey.size >= DIGEST_ENTRY_COUNT_MAX) displaced = this.take(this.#leastOf(null, entry.lastTimeMs))
    this.#byKey.set(key, entry)
    this.#shares.set(share, (this.#shares.get(share) ?? 0) + 1)
    return displaced
  }

  /** Who makes room, of one share or (null) of all. */
  #leastOf(share: string | null, timeMs: number): string {
    const silentSinceMs = timeMs - DIGEST_SILENCE_SECONDS_MAX * 1000
    let least = ''
    let countLeast = Number.POSITIVE_INFINITY
    for (const [key, { count, lastTimeMs, source }] of this.#byKey) {
      if (count >= countLeast || (share !== null && shareOf(source) !== share)) continue
      // The first one is the least recently seen: only it can be the longest silent.
      if (lastTimeMs < silentSinceMs && least === '') return key
      least = key
      countLeast = count
      if (count <= this.#countMin) break
    }
    return least
  }
}

/** Whoever has an IPv6 /64 has as many addresses as they like: its four words, in whatever form the rest of the address is. */
function shareOf(host: string): string {
  if (!host.includes(':')) return host
  const [head, tail] = host.split('::').map((part) => part.split(':'))
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array<string>(zeros).fill('0'), ...(tail ?? [])].slice(0, 4).join(':')
}

/** `192.0.2.1:5000`, `[2001:db8::1]:5000` or ''. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  if (colon < 0) return { host: address, port: 0 }
  const host = address.slice(0, colon)
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: Number(address.slice(colon + 1)) }
}
