// A TCP connection that a peer has made to a relay (RFC 6062 §5.3): with a permission it waits for its ConnectionBind, and the client is
// told (ConnectionAttempt); without one it is closed.
import type { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_CONNECTION_ID,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  METHOD_CONNECTION_ATTEMPT,
} from '../stun/constants.js'
import { RELAY_LISTENING, type Relay } from './allocation.js'
import type { Connections } from './connections.js'
import type { TurnCore } from './core.js'
import {
  DROP_CONNECTION_EXISTS,
  DROP_CONNECTION_LIMIT,
  DROP_NO_PERMISSION,
  DROP_NO_RELAY,
  DROP_NONE,
  DROP_PEER_FORBIDDEN,
} from './drop-reasons.js'
import type { PeerConnection } from './peer-connections.js'
import { PEER_FORBIDDEN } from './peer-policy.js'
import { advertisedSource } from './relay.js'

/** Returns the connection's id, or 0: it is to be closed, and counted as a drop. */
export function handlePeerConnection(
  core: TurnCore,
  relayId: number,
  source: TransportAddress,
  handle: number,
): number {
  const { connections } = core
  const relay = core.relays.find(relayId)
  if (connections === null || relay === null || relay.state !== RELAY_LISTENING) {
    core.drops[DROP_NO_RELAY]++
    return 0
  }
  const peer = advertisedSource(core, source)
  const drop = dropOf(core, connections, relay, peer)
  if (drop !== DROP_NONE) {
    core.drops[drop]++
    return 0
  }
  const { allocation } = relay
  const connection = connections.peers.add(allocation, peer, null, core.now, core.monotonicTicks())
  if (connection === null) {
    core.drops[DROP_CONNECTION_LIMIT]++
    return 0
  }
  connections.peers.publish(connection, handle, core.now)
  sendConnectionAttempt(core, connection)
  return connection.id
}

function dropOf(core: TurnCore, connections: Connections, { allocation }: Relay, peer: TransportAddress): number {
  const permission = allocation.findPermission(peer)
  if (permission === null || permission.expiresAt <= core.now) return DROP_NO_PERMISSION
  if (core.policy.authorizePeer(peer, allocation) === PEER_FORBIDDEN) return DROP_PEER_FORBIDDEN
  return connections.peers.find(allocation, peer) === null ? DROP_NONE : DROP_CONNECTION_EXISTS
}

function sendConnectionAttempt(core: TurnCore, { allocation, id, peer }: PeerConnection): void {
  const { indication, writer } = core.relayScratch
  writer.begin(indication, 0, CLASS_INDICATION, METHOD_CONNECTION_ATTEMPT, core.relayScratch.nextTransactionId(), 0)
  writer.writeUint32(ATTRIBUTE_CONNECTION_ID, id).writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
  core.output.sendToClient(allocation.fiveTuple, indication, 0, writer.finish())
}
