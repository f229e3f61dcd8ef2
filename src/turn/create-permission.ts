// CreatePermission (RFC 8656 §10.2): peers that may send to the client for the next 300 s. All of them, or none.
import { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ERROR_BAD_REQUEST,
  ERROR_FORBIDDEN,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_PEER_ADDRESS_FAMILY_MISMATCH,
} from '../stun/constants.js'
import type { Allocation } from './allocation.js'
import type { TurnCore } from './core.js'
import type { Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'

export function handleCreatePermission(core: TurnCore, request: Request, allocation: Allocation): void {
  const { message, exchange } = request
  const peers: TransportAddress[] = []
  let newCount = 0
  let index = message.find(ATTRIBUTE_XOR_PEER_ADDRESS)
  if (index < 0) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'missing-attribute')
    return
  }
  // First, so that an expired permission in this very request counts as a new one.
  allocation.forgetExpired(core.now)
  for (; index >= 0; index = message.findNext(ATTRIBUTE_XOR_PEER_ADDRESS, index)) {
    const peer = new TransportAddress()
    if (!message.readXorAddress(index, peer)) {
      respondError(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
      return
    }
    if (allocation.relayOfFamily(peer.family) === null) {
      respondError(core, exchange, ERROR_PEER_ADDRESS_FAMILY_MISMATCH, 'peer-family-mismatch', peer)
      return
    }
    if (!core.policy.authorizeHost(peer, allocation)) {
      respondError(core, exchange, ERROR_FORBIDDEN, 'peer-policy', peer)
      return
    }
    if (peers.some((other) => other.equalsHost(peer))) continue
    if (allocation.findPermission(peer) === null) newCount++
    peers.push(peer)
  }
  if (allocation.permissionCount + newCount > core.rules.permissionCountMax) {
    respondError(core, exchange, ERROR_INSUFFICIENT_CAPACITY, 'permission-limit')
    return
  }
  for (const peer of peers) allocation.installPermission(peer, core.now)
  beginSuccess(core, exchange)
  sendAnswer(core, exchange)
}
