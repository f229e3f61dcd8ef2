// Who may be a peer (RFC 8656 §21.1.4). One function, `authorizePeer`, judges every address and port that data goes to or comes
// from; `authorizeHost` judges a permission, which names no port. In this order, the first that applies:
//
//   1. always denied       no unicast peer, Teredo, 6to4, port 0
//   2. relay addresses     a port of the relay range is another allocation's live relay of the same protocol (hairpin) or forbidden
//   3. own sockets         listeners and admin, behind every local and public address: forbidden; a wildcard's port on all of them
//   4. embedded IPv4       every IPv4 address that an IPv6 address may stand for must be allowed too
//   5. the operator's rules (--allow-peer, --deny-peer): the most specific wins, at equal length deny
//   6. addresses of this machine, bound or advertised, and the blocks that are denied by default: forbidden
//   7. the rest of the Internet: allowed
import type { PeerRule } from '../config/peer-rule.js'
import { FAMILY_IPV6, TransportAddress } from '../stun/address.js'
import { type Cidr, cidrContains } from '../stun/cidr.js'
import { ALWAYS_DENIED, DENIED_BY_DEFAULT, GLOBAL_UNICAST_IPV6, LOOPBACK } from './address-blocks.js'
import type { Allocation } from './allocation.js'
import { everyEmbeddedIPv4 } from './embedded-ipv4.js'
import { findRelayHost, type RelayHost } from './relay-host.js'
import type { RelayPorts } from './relay-ports.js'

export const PEER_FORBIDDEN = 0
export const PEER_ALLOWED = 1
/** The peer is a live relay of this server; PEER_HAIRPIN + the index of its relay host. */
export const PEER_HAIRPIN = 2

export interface PeerPolicyOptions {
  rules: readonly PeerRule[]
  relayHosts: readonly RelayHost[]
  relayPorts: RelayPorts
  /** Listeners and admin sockets, with their ports; also as seen from outside (PUBLIC side of --external-ip). */
  ownSockets: readonly TransportAddress[]
  /** Ports of wildcard sockets of ours, which listen on every address of this machine: those that come later too. */
  wildcardPorts?: readonly number[]
  /** The IP addresses of this machine. */
  localHosts: readonly TransportAddress[]
  nat64Prefixes: readonly Cidr[]
}

export class PeerPolicy {
  /** Goes up when verdicts may have changed: those of an older generation are not to be trusted. */
  generation = 0
  #rules: readonly PeerRule[]
  readonly #relayHosts: readonly RelayHost[]
  readonly #relayPorts: RelayPorts
  #ownSockets: readonly TransportAddress[]
  #wildcardPorts: readonly number[]
  #nat64Prefixes: readonly Cidr[]
  /** An IPv4 address within an IPv6 address, with the port that is judged. */
  readonly #embedded = new TransportAddress()
  #localHosts: readonly TransportAddress[]
  /**
   * An embedded address is judged like a plain one, but is never a hairpin: relays are reached by their own name only. Made once: data
   * of a permission whose ports alternate is judged packet by packet.
   */
  readonly #isEmbeddedReachable = (word: number): boolean => {
    const { port } = this.#embedded
    this.#embedded.setIPv4(word, port)
    if (containedIn(ALWAYS_DENIED, this.#embedded)) return false
    if (this.relayHostIndexOf(this.#embedded) >= 0 && this.#relayPorts.isInRange(port)) return false
    return this.#isReachable(this.#embedded, port)
  }

  constructor(options: PeerPolicyOptions) {
    this.#rules = [...options.rules].sort(bySpecificity)
    this.#relayHosts = options.relayHosts
    this.#relayPorts = options.relayPorts
    this.#ownSockets = options.ownSockets
    this.#wildcardPorts = options.wildcardPorts ?? []
    this.#localHosts = options.localHosts
    this.#nat64Prefixes = options.nat64Prefixes
  }

  /** What this machine calls itself now. */
  setLocalHosts(localHosts: readonly TransportAddress[]): void {
    const isSame =
      localHosts.length === this.#localHosts.length &&
      localHosts.every((host) => this.#localHosts.some((known) => known.equalsHost(host)))
    if (isSame) return
    this.#localHosts = localHosts
    this.generation++
  }

  /** The operator's rules and prefixes of now. */
  setRules(rules: readonly PeerRule[], nat64Prefixes: readonly Cidr[]): void {
    this.#rules = [...rules].sort(bySpecificity)
    this.#nat64Prefixes = nat64Prefixes
    this.generation++
  }

  /** This server listens elsewhere from now on. */
  setOwnSockets(addresses: readonly TransportAddress[], wildcardPorts: readonly number[]): void {
    this.#ownSockets = addresses
    this.#wildcardPorts = wildcardPorts
    this.generation++
  }

  /** The index of the relay host that this IP address belongs to, bound or advertised, or -1. */
  relayHostIndexOf(address: TransportAddress): number {
    return findRelayHost(this.#relayHosts, address)
  }

  /** Is this transport address a live relay of this server, bound or advertised? */
  isLiveRelay(address: TransportAddress): boolean {
    const hostIndex = this.relayHostIndexOf(address)
    return hostIndex >= 0 && this.#relayPorts.isLive(hostIndex, address.port)
  }

  /** Judges one peer transport address for an allocation. Returns a PEER_ verdict. */
  authorizePeer(peer: TransportAddress, allocation: Allocation): number {
    return this.#judge(peer, peer.port, allocation)
  }

  /** Judges a permission: whether some port of this IP address may be reached, by a rule or as a relay of another allocation. */
  authorizeHost(peer: TransportAddress, allocation: Allocation): boolean {
    const hostIndex = this.relayHostIndexOf(peer)
    if (hostIndex >= 0 && this.#otherLiveRelays(hostIndex, peer.family, allocation)) return true
    // A verdict can only change where the relay range or the ports of a rule begin or end.
    if (this.#isPortAllowedFrom(peer, 1, allocation)) return true
    if (this.#isPortAllowedFrom(peer, this.#relayPorts.maxPort + 1, allocation)) return true
    for (const rule of this.#rules) {
      if (rule.portMin <= 1 && rule.portMax >= 65535) continue
      if (this.#isPortAllowedFrom(peer, rule.portMin, allocation)) return true
      if (rule.portMax < 65535 && this.#isPortAllowedFrom(peer, rule.portMax + 1, allocation)) return true
    }
    return false
  }

  #judge(peer: TransportAddress, port: number, allocation: Allocation): number {
    if (port === 0 || containedIn(ALWAYS_DENIED, peer)) return PEER_FORBIDDEN
    const hostIndex = this.relayHostIndexOf(peer)
    if (hostIndex >= 0 && this.#relayPorts.isInRange(port)) {
      const isLive = this.#relayPorts.isLiveOf(hostIndex, port, allocation.isTcp)
      const isOther = isLive && !isOwnRelay(allocation, hostIndex, port)
      return isOther ? PEER_HAIRPIN + hostIndex : PEER_FORBIDDEN
    }
    if (!this.#isReachable(peer, port)) return PEER_FORBIDDEN
    this.#embedded.port = port
    return everyEmbeddedIPv4(peer, this.#nat64Prefixes, this.#isEmbeddedReachable) ? PEER_ALLOWED : PEER_FORBIDDEN
  }

  /** Steps 3, 5, 6 and 7. */
  #isReachable(peer: TransportAddress, port: number): boolean {
    for (const own of this.#ownSockets) if (own.port === port && own.equalsHost(peer)) return false
    if (this.#wildcardPorts.includes(port) && this.#isThisMachine(peer)) return false
    for (const rule of this.#rules) {
      if (port >= rule.portMin && port <= rule.portMax && cidrContains(rule.cidr, peer)) return rule.allow
    }
    if (this.#isOwnHost(peer)) return false
    if (peer.family === FAMILY_IPV6 && !cidrContains(GLOBAL_UNICAST_IPV6, peer)) return false
    return !containedIn(DENIED_BY_DEFAULT, peer)
  }

  /** A relay address, bound or advertised, or an address of this machine. */
  #isOwnHost(peer: TransportAddress): boolean {
    if (this.relayHostIndexOf(peer) >= 0) return true
    for (const local of this.#localHosts) if (local.equalsHost(peer)) return true
    return false
  }

  /** Whatever a wildcard socket answers on: all of 127/8 too, of which only one address has a name. */
  #isThisMachine(peer: TransportAddress): boolean {
    return this.#isOwnHost(peer) || containedIn(LOOPBACK, peer)
  }

  /** Whether `firstPort`, or the next one that is not a socket of ours, is allowed. */
  #isPortAllowedFrom(peer: TransportAddress, firstPort: number, allocation: Allocation): boolean {
    const lastPort = Math.min(firstPort + this.#ownSockets.length + this.#wildcardPorts.length, 65535)
    for (let port = firstPort; port <= lastPort; port++) {
      if (this.#judge(peer, port, allocation) !== PEER_FORBIDDEN) return true
    }
    return false
  }

  #otherLiveRelays(hostIndex: number, family: number, allocation: Allocation): boolean {
    const own = allocation.relayOfFamily(family)
    const ownCount =
      own !== null && own.hostIndex === hostIndex && this.#relayPorts.isLive(hostIndex, own.address.port) ? 1 : 0
    return this.#relayPorts.liveCount(hostIndex) > ownCount
  }
}

function isOwnRelay(allocation: Allocation, hostIndex: number, port: number): boolean {
  return isRelayAt(allocation.relay4, hostIndex, port) || isRelayAt(allocation.relay6, hostIndex, port)
}

function isRelayAt(relay: Allocation['relay4'], hostIndex: number, port: number): boolean {
  return relay !== null && relay.hostIndex === hostIndex && relay.address.port === port
}

function containedIn(blocks: readonly Cidr[], address: TransportAddress): boolean {
  for (const block of blocks) if (cidrContains(block, address)) return true
  return false
}

/** Longer prefixes first; at equal length deny first. */
function bySpecificity(a: PeerRule, b: PeerRule): number {
  return b.cidr.prefixLength - a.cidr.prefixLength || Number(a.allow) - Number(b.allow)
}
