// What was refused, summed up for people: one entry for each reason, user, source and peer, with how often and since when. `turnd why`
// reads it. Its size is fixed however many strangers there are, and made so that they cannot push out whom an operator looks for:
//
//   reason ─┬─ seen once    newcomers; the one that was seen least recently makes room
//           ├─ seen again   the same, among those who come again: a flood of forged names never gets here
//           └─ forgotten    how many entries and refusals made room
//
// Each reason has room of its own, and one source (an IPv4 address, about an IPv6 /64) has a share of it.
import type { ConnectionRefusal } from './connection-refusals.js'
import type { UnansweredReason } from './drops.js'
import { REFUSAL_TEXT_LENGTH_MAX, type RefusalReason } from './refusals.js'

export type DigestReason = RefusalReason | ConnectionRefusal | UnansweredReason

/** For each reason: entries that were seen once, and as many that were seen again. */
export const DIGEST_ENTRIES_MAX = 64
/** Of one source in each of the two. */
export const DIGEST_ENTRIES_OF_SOURCE_MAX = 16

/** What happened once. Addresses are textual transport addresses; text is '' and a code 0 where there is none. */
export interface Happening {
  readonly timeMs: number
  readonly reason: DigestReason
  readonly source: string
  readonly user?: string
  readonly peer?: string
  readonly method?: string
  readonly code?: number
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
  count: number
  readonly firstTimeMs: number
  lastTimeMs: number
}

interface Kept {
  readonly entry: DigestEntry
  /** Whose share of the room it takes. */
  readonly share: string
}

interface Room {
  /** By key, least recently seen first. */
  readonly once: Map<string, Kept>
  readonly again: Map<string, Kept>
  readonly forgotten: { entries: number; count: number }
}

export class RefusalDigest {
  readonly #rooms = new Map<DigestReason, Room>()

  record({ reason, source, timeMs, user = '', peer = '', method = '', code = 0 }: Happening): void {
    const room = this.#roomOf(reason)
    const { host, port } = splitAddress(source)
    const shownUser = user.slice(0, REFUSAL_TEXT_LENGTH_MAX)
    // Addresses have no spaces, so no name can look like another entry's key.
    const key = `${host} ${splitAddress(peer).host} ${shownUser}`
    const known = room.again.get(key) ?? room.once.get(key)
    if (known === undefined) {
      const last = { port, peer, method, code, count: 1, firstTimeMs: timeMs, lastTimeMs: timeMs }
      keep(room, room.once, key, { entry: { reason, user: shownUser, source: host, ...last }, share: shareOf(host) })
      return
    }
    Object.assign(known.entry, { port, peer, method, code, count: known.entry.count + 1, lastTimeMs: timeMs })
    if (room.again.delete(key)) room.again.set(key, known)
    else {
      room.once.delete(key)
      keep(room, room.again, key, known)
    }
  }

  /** In no order; they change as long as the digest is used. */
  entries(): DigestEntry[] {
    const rooms = [...this.#rooms.values()]
    return rooms.flatMap(({ again, once }) => [...again.values(), ...once.values()].map(({ entry }) => entry))
  }

  /** How much made room, by reason: entries, and the refusals that they had counted. */
  forgotten(): ReadonlyMap<DigestReason, { readonly entries: number; readonly count: number }> {
    return new Map([...this.#rooms].map(([reason, { forgotten }]) => [reason, forgotten]))
  }

  #roomOf(reason: DigestReason): Room {
    const found = this.#rooms.get(reason)
    if (found !== undefined) return found
    const room: Room = { once: new Map(), again: new Map(), forgotten: { entries: 0, count: 0 } }
    this.#rooms.set(reason, room)
    return room
  }
}

/** Where there is no room, the least recently seen one goes: of the same source, if that has its share already. */
function keep(room: Room, map: Map<string, Kept>, key: string, kept: Kept): void {
  let countOfSource = 0
  let oldestOfSource = ''
  for (const [other, { share }] of map) {
    if (share === kept.share && countOfSource++ === 0) oldestOfSource = other
  }
  if (countOfSource >= DIGEST_ENTRIES_OF_SOURCE_MAX) forget(room, map, oldestOfSource)
  else if (map.size >= DIGEST_ENTRIES_MAX) forget(room, map, map.keys().next().value as string)
  map.set(key, kept)
}

function forget({ forgotten }: Room, map: Map<string, Kept>, key: string): void {
  forgotten.entries++
  forgotten.count += map.get(key)?.entry.count ?? 0
  map.delete(key)
}

/** Whoever has an IPv6 /64 has as many addresses as they like. */
function shareOf(host: string): string {
  return host.includes(':') ? host.split(':', 4).join(':') : host
}

/** `192.0.2.1:5000`, `[2001:db8::1]:5000` or ''. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  if (colon < 0) return { host: address, port: 0 }
  const host = address.slice(0, colon)
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: Number(address.slice(colon + 1)) }
}
