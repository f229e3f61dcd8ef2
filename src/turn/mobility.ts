// What a core knows of clients that may come from elsewhere (RFC 8016): mobile allocations by the number in their tickets, and the ways that they
// have shown and not used yet. What is done with it is in move.ts.
//
//   allocation.fiveTuple     where the client is: data goes there
//   mobile.ways              where it has come from with its ticket, oldest first: the first data from one makes it the 5-tuple
import { type MobilityTicket, type MobilityTickets, TICKET_TURN_COUNT } from '../auth/mobility-tickets.js'
import { MOBILE_WAY_COUNT_MAX } from '../limits/turn.js'
import type { Allocation } from './allocation.js'
import { FiveTuple, hashFiveTuple } from './five-tuple.js'
import type { MoveOutput, RandomSource } from './output.js'

/** A 5-tuple from which a client has shown a good ticket, and the Refresh that did it. */
export class ClientWay {
  readonly fiveTuple = new FiveTuple()
  readonly mobile: Mobile
  transactionId: Uint8Array

  constructor(mobile: Mobile, fiveTuple: FiveTuple, transactionId: Uint8Array) {
    this.mobile = mobile
    this.fiveTuple.copyFrom(fiveTuple)
    this.transactionId = transactionId
  }
}

/** What a mobile allocation has beside others. */
export class Mobile {
  readonly allocation: Allocation
  /** 48 random bits: of a worker that died, and of its successor, no two are alike. */
  readonly number: number
  /** The ticket that the client has for certain. */
  turn = 0
  /** Whether it has been given the next one, too: nothing has shown yet that this answer was not lost. */
  isNextGiven = false
  /** Oldest first. */
  readonly ways: ClientWay[] = []
  /** Of the Refresh that made the present 5-tuple; null while it is the first one. */
  transactionId: Uint8Array | null = null
  /** How often data has come from another 5-tuple than before. */
  moveCount = 0

  constructor(allocation: Allocation, number: number) {
    this.allocation = allocation
    this.number = number
  }

  get nextTurn(): number {
    return (this.turn + 1) % TICKET_TURN_COUNT
  }
}

export interface MobilityOptions {
  readonly tickets: MobilityTickets
  readonly workerIndex: number
  /** Does this core serve clients over streams? */
  readonly isOfStreams: boolean
  /** Absent where clients of other workers cannot come here, nor these there. */
  readonly output?: MoveOutput | undefined
}

export class Mobility {
  readonly tickets: MobilityTickets
  readonly workerIndex: number
  readonly isOfStreams: boolean
  readonly output: MoveOutput | null
  readonly #random: RandomSource
  readonly #byNumber = new Map<number, Mobile>()
  /** By the hash of their 5-tuple. */
  readonly #ways = new Map<number, ClientWay[]>()
  #lostCount = 0

  constructor({ isOfStreams, output, tickets, workerIndex }: MobilityOptions, random: RandomSource) {
    this.tickets = tickets
    this.workerIndex = workerIndex
    this.isOfStreams = isOfStreams
    this.output = output ?? null
    this.#random = random
  }

  /** The allocation may move from now on. */
  begin(allocation: Allocation): void {
    let number: number
    do number = this.#random.nextUint32() * 0x10000 + (this.#random.nextUint32() & 0xffff)
    while (this.#byNumber.has(number))
    allocation.mobile = new Mobile(allocation, number)
    this.#byNumber.set(number, allocation.mobile)
  }

  /** It is gone. */
  end(mobile: Mobile): void {
    this.#byNumber.delete(mobile.number)
    for (const way of [...mobile.ways]) this.closeWay(way)
    this.output?.closeWay(mobile.allocation.fiveTuple.listenerId)
  }

  find(number: number): Mobile | null {
    return this.#byNumber.get(number) ?? null
  }

  /** What the Allocate answer brought, and brings again; null unless it is mobile. */
  firstTicketOf({ mobile }: Allocation): string | null {
    return mobile === null ? null : this.ticketOf(mobile, 0)
  }

  /** The ticket of this turn. */
  ticketOf({ allocation, number }: Mobile, turn: number): string {
    const { isOfStreams, workerIndex: worker } = this
    const ticket: MobilityTicket = { worker, isOfStreams, allocation: number, turn }
    return this.tickets.write(ticket, allocation.username)
  }

  /** Whose way this 5-tuple is, which has no allocation of its own. */
  findWay(client: FiveTuple): ClientWay | null {
    if (this.#ways.size === 0) return null
    return this.#ways.get(hashFiveTuple(client))?.find((way) => way.fiveTuple.equals(client)) ?? null
  }

  /** The latest way of its allocation. The oldest one makes room. */
  addWay(mobile: Mobile, client: FiveTuple, transactionId: Uint8Array): void {
    while (mobile.ways.length >= MOBILE_WAY_COUNT_MAX) this.closeWay(mobile.ways[0])
    const way = new ClientWay(mobile, client, transactionId)
    const hash = hashFiveTuple(way.fiveTuple)
    const others = this.#ways.get(hash)
    if (others === undefined) this.#ways.set(hash, [way])
    else others.push(way)
    mobile.ways.push(way)
  }

  /** Nobody is expected to come by it any more. */
  closeWay(way: ClientWay): void {
    this.takeWay(way)
    this.output?.closeWay(way.fiveTuple.listenerId)
  }

  /** The same, and it stays open. */
  takeWay(way: ClientWay): void {
    const { ways } = way.mobile
    ways.splice(ways.indexOf(way), 1)
    const hash = hashFiveTuple(way.fiveTuple)
    const others = (this.#ways.get(hash) ?? []).filter((other) => other !== way)
    if (others.length === 0) this.#ways.delete(hash)
    else this.#ways.set(hash, others)
  }

  *ways(): IterableIterator<ClientWay> {
    for (const ways of this.#ways.values()) yield* ways
  }

  /** A connection that no client has and none will have, in place of one that has closed: its number may be another's one day. */
  nextLostConnectionId(): number {
    return -++this.#lostCount
  }
}
