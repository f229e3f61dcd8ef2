// ICMP errors for datagrams that were relayed to a peer (RFC 8656 §11.5): the client gets a Data indication with the ICMP attribute.
// The engine has matched the relay by the source of the packet that ICMP quotes; `source` here is its destination, the peer.
import { ICMP_INDICATIONS_PER_SECOND_MAX } from '../limits/turn.js'
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  ICMP_CODE_FRAGMENTATION_NEEDED,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_TIME_EXCEEDED,
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_PACKET_TOO_BIG,
  ICMPV6_TIME_EXCEEDED,
  METHOD_DATA,
} from '../stun/constants.js'
import { RELAY_LIVE, type Relay, TICKS_PER_SECOND } from './allocation.js'
import type { TurnCore } from './core.js'
import {
  DROP_ICMP_LIMIT,
  DROP_ICMP_TYPE,
  DROP_NO_PERMISSION,
  DROP_NO_RELAY,
  DROP_NONE,
  DROP_PEER_FORBIDDEN,
} from './drop-reasons.js'
import { PEER_FORBIDDEN } from './peer-policy.js'
import { advertisedSource, judge } from './relay.js'

/** Returns 0 or the DROP_ reason. */
export function relayIcmp(
  core: TurnCore,
  relayId: number,
  source: TransportAddress,
  icmpType: number,
  icmpCode: number,
  errorData: number,
): number {
  if (!isRelayedType(source, icmpType)) return DROP_ICMP_TYPE
  const relay = core.relays.find(relayId)
  if (relay === null || relay.state !== RELAY_LIVE) return DROP_NO_RELAY
  const { allocation } = relay
  const peer = advertisedSource(core, source)
  const permission = allocation.findPermission(peer)
  if (permission === null || permission.expiresAt <= core.now) return DROP_NO_PERMISSION
  if (judge(core, allocation, permission, peer) === PEER_FORBIDDEN) return DROP_PEER_FORBIDDEN
  if (!admitsIcmp(relay, core.now)) return DROP_ICMP_LIMIT
  const { indication, writer } = core.relayScratch
  writer.begin(indication, 0, CLASS_INDICATION, METHOD_DATA, core.relayScratch.nextTransactionId(), 0)
  writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
  writer.writeIcmp(icmpType, icmpCode, hasMtu(source, icmpType, icmpCode) ? errorData : 0)
  core.output.sendToClient(allocation.fiveTuple, indication, 0, writer.finish())
  return DROP_NONE
}

function admitsIcmp(relay: Relay, now: number): boolean {
  if (now - relay.icmpSecondStart >= TICKS_PER_SECOND) {
    relay.icmpSecondStart = now
    relay.icmpCount = 0
  }
  return ++relay.icmpCount <= ICMP_INDICATIONS_PER_SECOND_MAX
}

function isRelayedType(peer: TransportAddress, icmpType: number): boolean {
  if (peer.family !== FAMILY_IPV6) return icmpType === ICMP_DESTINATION_UNREACHABLE || icmpType === ICMP_TIME_EXCEEDED
  return (
    icmpType === ICMPV6_DESTINATION_UNREACHABLE ||
    icmpType === ICMPV6_PACKET_TOO_BIG ||
    icmpType === ICMPV6_TIME_EXCEEDED
  )
}

/** RFC 8656 §18.13: every other error has zeros for data, whatever the packet said. */
function hasMtu(peer: TransportAddress, icmpType: number, icmpCode: number): boolean {
  if (peer.family === FAMILY_IPV6) return icmpType === ICMPV6_PACKET_TOO_BIG
  return icmpType === ICMP_DESTINATION_UNREACHABLE && icmpCode === ICMP_CODE_FRAGMENTATION_NEEDED
}
