// THE HOT PATH: application data between client and peer (RFC 8656 §11, §12). Per packet: two look-ups, one expiry compare,
// one output call; nothing is allocated, copied or logged. Integers stay small, drops are numbers.
//
//   ChannelData  client ─► relayChannelData ─► 5-tuple ─► channel number ─► output.sendToPeer
//   Send         client ─► relaySend        ─► 5-tuple ─► permission     ─► output.sendToPeer
//   datagram     peer   ─► relayDatagram    ─► relay   ─► permission ─► channel?  output.sendChannelData : sendDataIndication
import { FAMILY_IPV6, TransportAddress } from '../stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, readChannelDataLength, readChannelNumber } from '../stun/channel-data.js'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_DONT_FRAGMENT,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  METHOD_DATA,
} from '../stun/constants.js'
import type { MessageView } from '../stun/message.js'
import { MessageWriter } from '../stun/writer.js'
import {
  type Allocation,
  COUNTER_BYTES_FROM_CLIENT,
  COUNTER_BYTES_TO_CLIENT,
  COUNTER_PACKETS_FROM_CLIENT,
  COUNTER_PACKETS_TO_CLIENT,
  RELAY_LIVE,
  type Relay,
} from './allocation.js'
import { FROM_CLIENT, TO_CLIENT } from './bandwidth.js'
import type { TurnCore } from './core.js'
import {
  DROP_BAD_CHANNEL_LENGTH,
  DROP_BAD_INDICATION,
  DROP_BANDWIDTH,
  DROP_DONT_FRAGMENT,
  DROP_NO_ALLOCATION,
  DROP_NO_CHANNEL,
  DROP_NO_PERMISSION,
  DROP_NO_RELAY,
  DROP_NONE,
  DROP_NOT_STUN,
  DROP_PEER_FORBIDDEN,
  DROP_TOO_LONG,
} from './drop-reasons.js'
import { type FiveTuple, TRANSPORT_UDP } from './five-tuple.js'
import { arrive } from './move.js'
import { PEER_FORBIDDEN, PEER_HAIRPIN } from './peer-policy.js'
import type { Judged } from './permission.js'

/** Bytes before the payload in a Data indication: header, XOR-PEER-ADDRESS, and the header of DATA. */
const DATA_INDICATION_HEADER_LENGTH_MAX = 20 + 24 + 4
/** A whole indication without payload: header, XOR-PEER-ADDRESS, and ICMP or CONNECTION-ID. */
const INDICATION_LENGTH_MAX = 20 + 24 + 12
/** Bytes that a datagram over IPv4 or IPv6 carries: 65,535 of IP or of its payload, less the headers. */
const DATAGRAM_LENGTH_MAX_IPV4 = 65_535 - 20 - 8
const DATAGRAM_LENGTH_MAX_IPV6 = 65_535 - 8
/** A STUN message has a multiple of 4 in 16 bits after its header. */
const MESSAGE_LENGTH_MAX = 20 + 0xfffc

/** What the hot path keeps between packets, so that it allocates nothing. */
export class RelayScratch {
  readonly peer = new TransportAddress()
  readonly target = new TransportAddress()
  readonly header = new Uint8Array(DATA_INDICATION_HEADER_LENGTH_MAX)
  readonly indication = new Uint8Array(INDICATION_LENGTH_MAX)
  readonly writer = new MessageWriter()
  readonly #transactionId = new Uint8Array(12)
  readonly #transactionIdWords = new Uint32Array(this.#transactionId.buffer)

  /** Indications have no answer: a counter is unique enough for their transaction ids. */
  nextTransactionId(): Uint8Array {
    this.#transactionIdWords[0]++
    return this.#transactionId
  }
}

/** ChannelData from a client (RFC 8656 §12.6). */
export function relayChannelData(
  core: TurnCore,
  client: FiveTuple,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (end - start < CHANNEL_DATA_HEADER_LENGTH) return DROP_NOT_STUN
  const payloadStart = start + CHANNEL_DATA_HEADER_LENGTH
  const payloadEnd = payloadStart + readChannelDataLength(bytes, start)
  if (payloadEnd > end) return DROP_BAD_CHANNEL_LENGTH
  const allocation = core.allocations.find(client) ?? arrive(core, client)
  if (allocation === null) return DROP_NO_ALLOCATION
  const channel = allocation.channels.get(readChannelNumber(bytes, start))
  if (channel === undefined || channel.expiresAt <= core.now) return DROP_NO_CHANNEL
  return sendToPeer(core, allocation, channel, channel.peer, bytes, payloadStart, payloadEnd, false)
}

/** A Send indication (RFC 8656 §11.2). The message has been decoded; what a request would be refused for is silent here. */
export function relaySend(core: TurnCore, client: FiveTuple, message: MessageView): number {
  const allocation = core.allocations.find(client) ?? arrive(core, client)
  if (allocation === null) return DROP_NO_ALLOCATION
  const { peer } = core.relayScratch
  const dataIndex = message.find(ATTRIBUTE_DATA)
  if (dataIndex < 0 || !message.readXorAddress(message.find(ATTRIBUTE_XOR_PEER_ADDRESS), peer)) {
    return DROP_BAD_INDICATION
  }
  const dontFragment = message.has(ATTRIBUTE_DONT_FRAGMENT)
  if (dontFragment && !core.supportsDontFragment) return DROP_DONT_FRAGMENT
  if (core.hasUnknownRequired(message)) return DROP_BAD_INDICATION
  const permission = allocation.findPermission(peer)
  if (permission === null || permission.expiresAt <= core.now) return DROP_NO_PERMISSION
  peer.host = permission.address.host
  const start = message.attributeStarts[dataIndex]
  return sendToPeer(
    core,
    allocation,
    permission,
    peer,
    message.bytes,
    start,
    start + message.attributeLengths[dataIndex],
    dontFragment,
  )
}

function sendToPeer(
  core: TurnCore,
  allocation: Allocation,
  judged: Judged,
  peer: TransportAddress,
  bytes: Uint8Array,
  start: number,
  end: number,
  dontFragment: boolean,
): number {
  const relay = allocation.relayOfFamily(peer.family)
  if (relay === null || relay.state !== RELAY_LIVE) return DROP_NO_RELAY
  if (end - start > datagramLengthMax(peer)) return DROP_TOO_LONG
  const verdict = judge(core, allocation, judged, peer)
  if (verdict === PEER_FORBIDDEN) return DROP_PEER_FORBIDDEN
  const { bandwidth } = allocation
  if (bandwidth !== null && !bandwidth.admit(FROM_CLIENT, end - start, core.now)) return DROP_BANDWIDTH
  let target = peer
  if (verdict >= PEER_HAIRPIN) {
    // Another client of this server: its relay is reached at the address that is bound, without the firewall's NAT.
    target = core.relayScratch.target.copyFrom(core.relayHosts[verdict - PEER_HAIRPIN].address)
    target.port = peer.port
  }
  allocation.counters[COUNTER_PACKETS_FROM_CLIENT]++
  allocation.counters[COUNTER_BYTES_FROM_CLIENT] += end - start
  core.output.sendToPeer(relay.id, target, bytes, start, end, dontFragment)
  return DROP_NONE
}

/** A datagram from a peer, at a relayed transport address (RFC 8656 §11.3, §12.7). `source` is the engine's scratch object. */
export function relayDatagram(
  core: TurnCore,
  relayId: number,
  source: TransportAddress,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const relay = core.relays.find(relayId)
  if (relay === null || relay.state !== RELAY_LIVE) return DROP_NO_RELAY
  const allocation = relay.allocation
  const peer = advertisedSource(core, source)
  const permission = allocation.findPermission(peer)
  if (permission === null || permission.expiresAt <= core.now) return DROP_NO_PERMISSION
  const channel = allocation.findChannel(permission, peer.port)
  if (judge(core, allocation, channel ?? permission, peer) === PEER_FORBIDDEN) return DROP_PEER_FORBIDDEN
  const isBound = channel !== null && channel.expiresAt > core.now
  const { bandwidth, fiveTuple } = allocation
  if (frameLength(peer, isBound, end - start) > frameLengthMax(fiveTuple, isBound)) return DROP_TOO_LONG
  if (bandwidth !== null && !bandwidth.admit(TO_CLIENT, end - start, core.now)) return DROP_BANDWIDTH
  allocation.counters[COUNTER_PACKETS_TO_CLIENT]++
  allocation.counters[COUNTER_BYTES_TO_CLIENT] += end - start
  if (isBound) core.output.sendChannelData(fiveTuple, channel.channelNumber, bytes, start, end)
  else sendDataIndication(core, relay, peer, bytes, start, end)
  return DROP_NONE
}

/** Bytes of what carries this payload to a client: ChannelData, or a Data indication with its padding. */
function frameLength(peer: TransportAddress, isBound: boolean, length: number): number {
  if (isBound) return CHANNEL_DATA_HEADER_LENGTH + length
  const headerLength =
    peer.family === FAMILY_IPV6 ? DATA_INDICATION_HEADER_LENGTH_MAX : DATA_INDICATION_HEADER_LENGTH_MAX - 12
  return headerLength + ((length + 3) & ~3)
}

/** Over UDP what a datagram carries; a stream takes any frame that its length field can tell. */
function frameLengthMax(fiveTuple: FiveTuple, isBound: boolean): number {
  if (fiveTuple.transport === TRANSPORT_UDP) return datagramLengthMax(fiveTuple.client)
  return isBound ? CHANNEL_DATA_HEADER_LENGTH + 0xffff : MESSAGE_LENGTH_MAX
}

function datagramLengthMax(address: TransportAddress): number {
  return address.family === FAMILY_IPV6 ? DATAGRAM_LENGTH_MAX_IPV6 : DATAGRAM_LENGTH_MAX_IPV4
}

/** The peer as clients know it: a relay of this server is named by its advertised address. */
export function advertisedSource(core: TurnCore, source: TransportAddress): TransportAddress {
  const hostIndex = core.policy.relayHostIndexOf(source)
  if (hostIndex < 0 || !core.relayPorts.isLive(hostIndex, source.port)) return source
  const peer = core.relayScratch.peer.copyFrom(core.relayHosts[hostIndex].advertised)
  peer.port = source.port
  return peer
}

/**
 * The peer policy's verdict, but for relays of ours, which come and go, only after a change of port. A channel has one port; a
 * permission is for all that have none, in turns.
 */
export function judge(core: TurnCore, allocation: Allocation, judged: Judged, peer: TransportAddress): number {
  const { generation } = core.policy
  if (judged.judgedPort === peer.port && judged.judgedGeneration === generation) return judged.judgedVerdict
  const verdict = core.policy.authorizePeer(peer, allocation)
  if (!core.relayPorts.isInRange(peer.port) || core.policy.relayHostIndexOf(peer) < 0) {
    judged.judgedPort = peer.port
    judged.judgedVerdict = verdict
    judged.judgedGeneration = generation
  }
  return verdict
}

function sendDataIndication(
  core: TurnCore,
  relay: Relay,
  peer: TransportAddress,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { header, writer } = core.relayScratch
  writer.begin(header, 0, CLASS_INDICATION, METHOD_DATA, core.relayScratch.nextTransactionId(), 0)
  writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
  const headerEnd = writer.finishBeforeValue(ATTRIBUTE_DATA, end - start)
  core.output.sendDataIndication(relay.allocation.fiveTuple, header, headerEnd, bytes, start, end)
}
