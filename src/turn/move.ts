// A mobile client comes from another address (RFC 8016 §3.2.2). The rules, where the RFC leaves them open:
//
//   a ticket is good     until the client has shown that it has the next one: by using it, or by data or an authentic request on the new
//                        5-tuple. A lost answer locks nobody out, also not who asks again from yet another port: the same ticket gets the
//                        same next one. Whatever is older is refused (400), but the Refresh that was answered already is answered again.
//   the 5-tuple          stays what it was until data, or an authentic request, comes from the new one; at the end of its connection, at once.
//   a way that is older  than one that has been used leads nowhere any more; what is late on it is dropped. A newer one stays.
import {
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_MOBILITY_TICKET,
  ATTRIBUTE_USERNAME,
  ERROR_ALLOCATION_MISMATCH,
  ERROR_BAD_REQUEST,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_MOBILITY_FORBIDDEN,
  ERROR_WRONG_CREDENTIALS,
  METHOD_REFRESH,
} from '../stun/constants.js'
import { DECODE_OK, decodeMessage } from '../stun/message.js'
import type { Allocation } from './allocation.js'
import type { TurnCore } from './core.js'
import { DROP_MOVE_LIMIT, DROP_NONE } from './drop-reasons.js'
import { FiveTuple, TRANSPORT_UDP } from './five-tuple.js'
import { deleteAllocation } from './lifecycle.js'
import type { ClientWay, Mobile } from './mobility.js'
import type { ForwardedMove } from './output.js'
import { isOwner } from './ownership.js'
import { readRefresh, refresh } from './refresh.js'
import type { Exchange, Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'

/** Of where the client was. */
const former = new FiveTuple()

/** The index of the ticket in a Refresh that is about an allocation which is not necessarily this 5-tuple's; -1: it is an ordinary request. */
export function ticketIndexOf(core: TurnCore, { message }: Request, username: string): number {
  const index = message.method === METHOD_REFRESH ? message.find(ATTRIBUTE_MOBILITY_TICKET) : -1
  if (index < 0 || core.mobility === null) return -1
  if (core.rules.allowsMobility) return index
  // Switched off, what this server has not written is an attribute like any other that it does not know (RFC 8489 §6.3.1).
  return core.mobility.tickets.read(message.readBytes(index), username) === null ? -1 : index
}

/** The name that a request claims, if a user of that name got its ticket: a credential does not expire under an allocation. */
export function ticketHolder(core: TurnCore, { message }: Request): string | null {
  const index = message.method === METHOD_REFRESH ? message.find(ATTRIBUTE_MOBILITY_TICKET) : -1
  const nameIndex = message.find(ATTRIBUTE_USERNAME)
  if (index < 0 || nameIndex < 0 || core.mobility === null) return null
  const username = message.readText(nameIndex)
  return core.mobility.tickets.read(message.readBytes(index), username)?.isTheirs === true ? username : null
}

/** An authentic Refresh with a ticket. Returns 0 or the DROP_ reason. */
export function handleMove(core: TurnCore, request: Request, ticketIndex: number): number {
  const { exchange, message } = request
  const mobility = core.mobility
  if (mobility === null) return DROP_NONE
  if (!core.rules.allowsMobility) return refuse(core, exchange, ERROR_MOBILITY_FORBIDDEN, 'mobility-off')
  const ticket = mobility.tickets.read(message.readBytes(ticketIndex), exchange.username)
  if (ticket === null) return refuse(core, exchange, ERROR_BAD_REQUEST, 'ticket-invalid')
  if (!ticket.isTheirs) return refuse(core, exchange, ERROR_WRONG_CREDENTIALS, 'wrong-credentials')
  if (ticket.worker !== mobility.workerIndex) {
    const { output } = mobility
    const isForUdp = exchange.client.transport === TRANSPORT_UDP && !ticket.isOfStreams && !mobility.isOfStreams
    if (!isForUdp || output === null || !output.reaches(exchange.client) || exchange.isForwarded) {
      return refuse(core, exchange, ERROR_MOBILITY_FORBIDDEN, 'mobility-elsewhere')
    }
    const bytes = message.bytes.subarray(message.start, message.end)
    return output.forward(ticket.worker, exchange, bytes) ? DROP_NONE : DROP_MOVE_LIMIT
  }
  const mobile = mobility.find(ticket.allocation)
  if (mobile === null) return refuse(core, exchange, ERROR_ALLOCATION_MISMATCH, 'no-allocation')
  // The tag of a name is only 48 bits of it, and a token (RFC 7635) has none: it must be the one that the allocation was made with.
  if (!isOwner(mobile.allocation, exchange)) {
    return refuse(core, exchange, ERROR_WRONG_CREDENTIALS, 'wrong-credentials')
  }
  return move(core, request, mobile, ticket.turn)
}

/** A Refresh that another worker has found authentic: its ticket names this one. Returns 0 or the DROP_ reason. */
export function handleForwardedMove(
  core: TurnCore,
  request: Request,
  client: FiveTuple,
  { bytes, ...credentials }: ForwardedMove,
): number {
  if (decodeMessage(request.message, bytes, 0, bytes.length) !== DECODE_OK) return DROP_NONE
  request.begin(client)
  Object.assign(request.exchange, { ...credentials, isForwarded: true })
  const index = request.message.find(ATTRIBUTE_MOBILITY_TICKET)
  return index < 0 ? DROP_NONE : handleMove(core, request, index)
}

/** Data, or an authentic request of its user, has come from a 5-tuple without an allocation: the allocation whose way it is, or null. */
export function arrive(core: TurnCore, client: FiveTuple): Allocation | null {
  const way = core.mobility === null ? null : core.mobility.findWay(client)
  if (way === null) return null
  const { mobile } = way
  takeWay(core, way)
  noteAnswerSeen(mobile)
  return mobile.allocation
}

/** A request without a ticket is authentic, and of the allocation's user: wherever it comes from, that is where the client is. */
export function noteRequest(core: TurnCore, { allocation, exchange, way }: Request): void {
  if (way !== null) arrive(core, exchange.client)
  else if (allocation !== null && allocation.mobile !== null) noteAnswerSeen(allocation.mobile)
}

/** The connection of the client is closed. */
export function handleClientGone(core: TurnCore, client: FiveTuple): void {
  const allocation = core.allocations.find(client)
  const { mobility } = core
  if (allocation === null) {
    const way = mobility === null ? null : mobility.findWay(client)
    if (way !== null) mobility?.closeWay(way)
    return
  }
  const { mobile } = allocation
  if (mobility === null || mobile === null || allocation.isOpening) {
    deleteAllocation(core, allocation, 'client-closed')
    return
  }
  if (mobile.ways.length > 0) {
    takeWay(core, mobile.ways[mobile.ways.length - 1])
    return
  }
  if (!core.rules.allowsMobility) {
    deleteAllocation(core, allocation, 'client-closed')
    return
  }
  // Until its lifetime ends it waits for a Refresh from elsewhere. Nothing that is sent to its client finds a connection.
  core.allocations.remove(allocation)
  allocation.fiveTuple.connectionId = mobility.nextLostConnectionId()
  core.allocations.add(allocation)
}

function move(core: TurnCore, request: Request, mobile: Mobile, turn: number): number {
  const { exchange } = request
  const { allocation } = mobile
  const isPresent = allocation.fiveTuple.equals(exchange.client)
  const way = mobile.ways.find(({ fiveTuple }) => fiveTuple.equals(exchange.client)) ?? null
  const answered = isPresent ? mobile.transactionId : (way?.transactionId ?? null)
  const isRepeated = answered !== null && isTransaction(exchange, answered)
  if (isPresent && !isRepeated) return refuse(core, exchange, ERROR_BAD_REQUEST, 'not-moved')
  const isNext = mobile.isNextGiven && turn === mobile.nextTurn
  if (!isRepeated && turn !== mobile.turn && !isNext) return refuse(core, exchange, ERROR_BAD_REQUEST, 'ticket-used')
  if (way !== null && isNext) return refuse(core, exchange, ERROR_BAD_REQUEST, 'not-moved')
  const wish = readRefresh(core, request, allocation)
  if (wish === null) return DROP_NONE
  if (wish.lifetimeSeconds > 0 && !isPresent && way === null && !openWay(core, exchange)) {
    return refuse(core, exchange, ERROR_INSUFFICIENT_CAPACITY, 'way-failed')
  }
  refresh(core, allocation, wish)
  const writer = beginSuccess(core, exchange)
  writer.writeUint32(ATTRIBUTE_LIFETIME, wish.lifetimeSeconds)
  if (!allocation.isDeleted) {
    if (!isRepeated) noteMoved(core, mobile, exchange, way, isNext)
    // Of one that has been answered before: what it got then, as long as that is the latest.
    const latest = mobile.isNextGiven ? mobile.nextTurn : mobile.turn
    writer.writeText(ATTRIBUTE_MOBILITY_TICKET, core.mobility?.ticketOf(mobile, latest) ?? '')
  }
  sendAnswer(core, exchange)
  return DROP_NONE
}

/** The Refresh is good: from `exchange.client` the client may go on. */
function noteMoved(core: TurnCore, mobile: Mobile, exchange: Exchange, way: ClientWay | null, isNext: boolean): void {
  if (isNext) mobile.turn = mobile.nextTurn
  mobile.isNextGiven = true
  const { transactionIdBytes, transactionIdStart } = exchange
  const transactionId = transactionIdBytes.slice(transactionIdStart, transactionIdStart + 12)
  if (way === null) core.mobility?.addWay(mobile, exchange.client, transactionId)
  else way.transactionId = transactionId
  // Nobody is at the present 5-tuple any more.
  const { connectionId } = mobile.allocation.fiveTuple
  if (connectionId < 0) takeWay(core, mobile.ways[mobile.ways.length - 1])
}

/** Where the client's datagrams come to another worker: they come here from now on. False: there is no socket for it. */
function openWay(core: TurnCore, exchange: Exchange): boolean {
  const output = core.mobility?.output ?? null
  return !exchange.isForwarded || output?.openWay(exchange.client) === true
}

/** The client is there from now on. What it had shown before, and where it was, is forgotten. */
function takeWay(core: TurnCore, way: ClientWay): void {
  const { mobile } = way
  const { allocation } = mobile
  const mobility = core.mobility
  while (mobile.ways[0] !== way) mobility?.closeWay(mobile.ways[0])
  mobility?.takeWay(way)
  former.copyFrom(allocation.fiveTuple)
  core.allocations.remove(allocation)
  allocation.fiveTuple.copyFrom(way.fiveTuple)
  core.allocations.add(allocation)
  mobility?.output?.closeWay(former.listenerId)
  mobile.transactionId = way.transactionId
  mobile.moveCount++
  core.observer.allocationMoved(allocation, former)
}

/** The client goes on from where it moved to last: it has had the answer, and with it the next ticket. */
function noteAnswerSeen(mobile: Mobile): void {
  // A newer way may have been made with the same ticket, by a client that has not.
  if (!mobile.isNextGiven || mobile.ways.length > 0) return
  mobile.turn = mobile.nextTurn
  mobile.isNextGiven = false
}

function isTransaction({ transactionIdBytes, transactionIdStart }: Exchange, other: Uint8Array): boolean {
  for (let index = 0; index < 12; index++) {
    if (transactionIdBytes[transactionIdStart + index] !== other[index]) return false
  }
  return true
}

function refuse(core: TurnCore, exchange: Exchange, code: number, reason: Parameters<typeof respondError>[3]): number {
  respondError(core, exchange, code, reason)
  return DROP_NONE
}
