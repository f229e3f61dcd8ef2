// Connect (RFC 6062 §5.2), step by step in the RFC's order, and its answer, which waits for the peer.
import { formatHost, TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_CONNECTION_ID,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ERROR_BAD_REQUEST,
  ERROR_CONNECTION_ALREADY_EXISTS,
  ERROR_CONNECTION_TIMEOUT_OR_FAILURE,
  ERROR_FORBIDDEN,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_PEER_ADDRESS_FAMILY_MISMATCH,
} from '../stun/constants.js'
import type { Allocation } from './allocation.js'
import type { Connections } from './connections.js'
import type { TurnCore } from './core.js'
import { DROP_DUPLICATE_REQUEST, DROP_NONE } from './drop-reasons.js'
import type { PeerConnection } from './peer-connections.js'
import { PEER_FORBIDDEN, PEER_HAIRPIN } from './peer-policy.js'
import { advertisedSource } from './relay.js'
import { withPort } from './relay-host.js'
import type { Exchange, Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'

/** Returns 0, or the drop reason of a request that is being answered already. */
export function handleConnect(core: TurnCore, request: Request, allocation: Allocation): number {
  const { exchange, message } = request
  const { connections } = core
  const index = message.find(ATTRIBUTE_XOR_PEER_ADDRESS)
  const peer = new TransportAddress()
  if (connections === null || !allocation.isTcp) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'relay-transport')
  } else if (index < 0) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'missing-attribute')
  } else if (!message.readXorAddress(index, peer)) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
  } else {
    return connect(core, connections, exchange, allocation, peer)
  }
  return DROP_NONE
}

function connect(
  core: TurnCore,
  connections: Connections,
  exchange: Exchange,
  allocation: Allocation,
  wanted: TransportAddress,
): number {
  const relay = allocation.relayOfFamily(wanted.family)
  if (relay === null) {
    respondError(core, exchange, ERROR_PEER_ADDRESS_FAMILY_MISMATCH, 'peer-family-mismatch', wanted)
    return DROP_NONE
  }
  // One peer, whichever of its two names a relay of this server is given.
  const peer = advertisedSource(core, wanted)
  const existing = connections.peers.find(allocation, peer)
  if (existing !== null) return answerExisting(core, exchange, existing)
  const verdict = core.policy.authorizePeer(peer, allocation)
  if (verdict === PEER_FORBIDDEN) {
    respondError(core, exchange, ERROR_FORBIDDEN, 'peer-policy', peer)
    return DROP_NONE
  }
  const connection = connections.peers.add(allocation, peer, exchange.keep(), core.now, core.monotonicTicks())
  if (connection === null) {
    respondError(core, exchange, ERROR_INSUFFICIENT_CAPACITY, 'connection-limit', peer)
    return DROP_NONE
  }
  connections.output.connectPeer(connection.id, relay.id, targetOf(core, peer, verdict))
  return DROP_NONE
}

function answerExisting(core: TurnCore, exchange: Exchange, existing: PeerConnection): number {
  if (existing.exchange?.isSameTransaction(exchange) === true) return DROP_DUPLICATE_REQUEST
  respondError(core, exchange, ERROR_CONNECTION_ALREADY_EXISTS, 'connection-exists', existing.peer)
  return DROP_NONE
}

/** Another client's relay is reached at the address that is bound, as with datagrams. */
function targetOf(core: TurnCore, peer: TransportAddress, verdict: number): TransportAddress {
  if (verdict >= PEER_HAIRPIN) return withPort(core.relayHosts[verdict - PEER_HAIRPIN].address, peer.port)
  const target = peer.clone()
  target.host = formatHost(peer)
  return target
}

/** The connection that was asked for is there: the client gets its id, and has 30 s to bind it. */
export function handlePeerConnected(core: TurnCore, id: number, handle: number): void {
  const connection = core.connections?.peers.findConnecting(id) ?? null
  const exchange = connection?.exchange ?? null
  if (core.connections === null || connection === null || exchange === null) return
  core.connections.peers.publish(connection, handle, core.now)
  beginSuccess(core, exchange).writeUint32(ATTRIBUTE_CONNECTION_ID, id)
  sendAnswer(core, exchange)
}

export function handlePeerConnectFailed(core: TurnCore, id: number): void {
  const connection = core.connections?.peers.findConnecting(id) ?? null
  if (core.connections === null || connection === null) return
  core.connections.peers.forget(connection)
  respondFailed(core, connection)
}

/** The answer of a Connect whose connection could not be made, or not in time. */
export function respondFailed(core: TurnCore, { exchange, peer }: PeerConnection): void {
  if (exchange === null) return
  respondError(core, exchange, ERROR_CONNECTION_TIMEOUT_OR_FAILURE, 'connection-failed', peer)
}
