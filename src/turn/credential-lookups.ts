// Requests whose user an outside store must be asked for first. A copy of each waits here, while nothing else does: when the answer has come it is
// handled as if it came then, so quota and licence are taken in the same turn as the check, and a name that nobody has proved holds nothing.
//
//   request ─► authenticate: LOOKUP_NEEDED ─► parked ─► UserLookup ─► … ─► handleVerdict ─► handled again
//                                               └─ too long, and nobody says anything ─► 500
import { PARKED_COUNT_MAX, PARKED_OF_SOURCE_COUNT_MAX } from '../limits/outside.js'
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'
import { HEADER_LENGTH, METHOD_CONNECTION_BIND, TRANSACTION_ID_LENGTH } from '../stun/constants.js'
import { FiveTuple } from './five-tuple.js'
import type { UserLookup } from './output.js'

export interface ParkedRequest {
  readonly client: FiveTuple
  readonly bytes: Uint8Array
  readonly username: string
  /** Ticks. */
  readonly deadlineAt: number
  /** How often the stores have been asked for it. */
  readonly lookupCount: number
}

export const PARK_WAITS = 0
/** It waits already: clients repeat what they have no answer to yet. */
export const PARK_DUPLICATE = 1
export const PARK_FULL = 2

export class CredentialLookups {
  readonly #lookup: UserLookup
  #parked: ParkedRequest[] = []
  /** Names that have been asked for, and of which nothing was said yet. */
  readonly #asked = new Set<string>()

  constructor(lookup: UserLookup) {
    this.#lookup = lookup
  }

  get parkedCount(): number {
    return this.#parked.length
  }

  /** Asks for its user, and keeps a copy until the answer is here. Returns one of the PARK_ constants. */
  park(
    client: FiveTuple,
    bytes: Uint8Array,
    username: string,
    mayBeRemembered: boolean,
    deadlineAt: number,
    lookupCount: number,
  ): number {
    let ofSource = 0
    for (const parked of this.#parked) {
      if (parked.client.equals(client) && !waitBoth(parked.bytes, bytes)) return PARK_DUPLICATE
      if (isSameSource(parked.client.client, client.client)) ofSource++
    }
    if (this.#parked.length >= PARKED_COUNT_MAX || ofSource >= PARKED_OF_SOURCE_COUNT_MAX) return PARK_FULL
    const kept = new FiveTuple().copyFrom(client)
    this.#parked.push({ client: kept, bytes: bytes.slice(), username, deadlineAt, lookupCount: lookupCount + 1 })
    this.ask(username, client.client, mayBeRemembered)
    return PARK_WAITS
  }

  ask(username: string, client: TransportAddress, mayBeRemembered: boolean): void {
    if (this.#asked.has(username)) return
    this.#asked.add(username)
    this.#lookup.lookUp(username, client, mayBeRemembered)
  }

  /**
   * Those that waited for this name, which something has been said of now.
   * @param isHeard false: by stores that were replaced meanwhile, however often; those of now are asked as if they were the first
   */
  takeOf(username: string, isHeard: boolean): readonly ParkedRequest[] {
    this.#asked.delete(username)
    const taken = this.#take((parked) => parked.username === username)
    return isHeard ? taken : taken.map((parked) => ({ ...parked, lookupCount: 1 }))
  }

  /** The stores are others: whoever was asked before may never answer, as where there was none for a while. */
  forgetAsked(): void {
    this.#asked.clear()
  }

  /** Those that have waited too long. */
  takeLate(now: number): readonly ParkedRequest[] {
    if (this.#parked.length === 0) return this.#parked
    const late = this.#take(({ deadlineAt }) => deadlineAt <= now)
    // Whoever asks next asks anew.
    for (const { username } of late) this.#asked.delete(username)
    return late
  }

  /** The client has gone. */
  discard(client: FiveTuple): void {
    if (this.#parked.length > 0) this.#parked = this.#parked.filter((parked) => !parked.client.equals(client))
  }

  /** The clients of these listeners cannot be answered any more. */
  discardOf(isOfListener: (listenerId: number) => boolean): void {
    this.#parked = this.#parked.filter(({ client }) => !isOfListener(client.listenerId))
  }

  #take(isWanted: (parked: ParkedRequest) => boolean): readonly ParkedRequest[] {
    const taken = this.#parked.filter(isWanted)
    if (taken.length > 0) this.#parked = this.#parked.filter((parked) => !isWanted(parked))
    return taken
  }
}

/**
 * Of two requests of one client. Over a stream nothing is sent again, so whatever is none of those that wait joins them; but where a ConnectionBind
 * ends the messages, nothing may come after it.
 */
function waitBoth(one: Uint8Array, other: Uint8Array): boolean {
  return !isConnectionBind(one) && !isConnectionBind(other) && !isSameTransaction(one, other)
}

/** Requests have no class bits. */
function isConnectionBind(request: Uint8Array): boolean {
  return request[0] === 0 && request[1] === METHOD_CONNECTION_BIND
}

function isSameTransaction(one: Uint8Array, other: Uint8Array): boolean {
  for (let index = HEADER_LENGTH - TRANSACTION_ID_LENGTH; index < HEADER_LENGTH; index++) {
    if (one[index] !== other[index]) return false
  }
  return true
}

/** The same IPv4 address, or IPv6 /64. */
function isSameSource(one: TransportAddress, other: TransportAddress): boolean {
  if (one.family !== FAMILY_IPV6 || other.family !== FAMILY_IPV6) return one.equalsHost(other)
  return one.word0 === other.word0 && one.word1 === other.word1
}
