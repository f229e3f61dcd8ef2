// ChannelBind (RFC 8656 §12.2): a two-byte name for a peer for 600 s, and the permission that goes with it for 300 s.
import { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CHANNEL_NUMBER_MIN,
  ERROR_BAD_REQUEST,
  ERROR_FORBIDDEN,
  ERROR_INSUFFICIENT_CAPACITY,
  ERROR_PEER_ADDRESS_FAMILY_MISMATCH,
} from '../stun/constants.js'
import { type Allocation, CHANNEL_LIFETIME_TICKS } from './allocation.js'
import type { TurnCore } from './core.js'
import { PEER_FORBIDDEN } from './peer-policy.js'
import type { ChannelBinding } from './permission.js'
import type { Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'

export function handleChannelBind(core: TurnCore, request: Request, allocation: Allocation): void {
  const { message, exchange } = request
  const numberIndex = message.find(ATTRIBUTE_CHANNEL_NUMBER)
  const peerIndex = message.find(ATTRIBUTE_XOR_PEER_ADDRESS)
  const peer = new TransportAddress()
  if (allocation.isTcp) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'relay-transport')
  } else if (numberIndex < 0 || peerIndex < 0) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'missing-attribute')
  } else if (message.attributeLengths[numberIndex] !== 4 || !message.readXorAddress(peerIndex, peer)) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'malformed-attribute')
  } else {
    bind(core, request, allocation, message.readUint16(numberIndex), peer)
  }
}

function bind(
  core: TurnCore,
  { exchange }: Request,
  allocation: Allocation,
  channelNumber: number,
  peer: TransportAddress,
): void {
  if (channelNumber < CHANNEL_NUMBER_MIN || channelNumber > core.rules.channelNumberMax) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'channel-number', peer)
    return
  }
  allocation.forgetExpired(core.now)
  const existing = allocation.channels.get(channelNumber) ?? null
  const permission = allocation.findPermission(peer)
  const bound = permission === null ? null : allocation.findChannel(permission, peer.port)
  if (existing !== bound) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'channel-conflict', peer)
  } else if (allocation.relayOfFamily(peer.family) === null) {
    respondError(core, exchange, ERROR_PEER_ADDRESS_FAMILY_MISMATCH, 'peer-family-mismatch', peer)
  } else if (core.policy.authorizePeer(peer, allocation) === PEER_FORBIDDEN) {
    respondError(core, exchange, ERROR_FORBIDDEN, 'peer-policy', peer)
  } else if (existing === null && allocation.channels.size >= core.rules.channelCountMax) {
    respondError(core, exchange, ERROR_INSUFFICIENT_CAPACITY, 'channel-limit', peer)
  } else if (permission === null && allocation.permissionCount >= core.rules.permissionCountMax) {
    respondError(core, exchange, ERROR_INSUFFICIENT_CAPACITY, 'permission-limit', peer)
  } else {
    install(core, allocation, channelNumber, peer, existing)
    beginSuccess(core, exchange)
    sendAnswer(core, exchange)
  }
}

function install(
  core: TurnCore,
  allocation: Allocation,
  channelNumber: number,
  peer: TransportAddress,
  existing: ChannelBinding | null,
): void {
  const permission = allocation.installPermission(peer, core.now)
  const channel = existing ?? allocation.addChannel(channelNumber, permission, peer.port)
  channel.expiresAt = core.now + CHANNEL_LIFETIME_TICKS
}
