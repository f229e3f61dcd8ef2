// The addresses of NAT behaviour discovery (RFC 5780 §6): two IP addresses of one family, each with the same two ports, and which of the four a
// client has come to. With static NAT clients are told the public sides.
import type { TransportAddress } from '../stun/address.js'
import { type FiveTuple, isOverTcp, TRANSPORT_UDP } from './five-tuple.js'
import type { ServerAddresses } from './output.js'
import { withPort } from './relay-host.js'

/** Plain data: it is posted to workers. Ports of the addresses are 0. */
export interface DiscoveryPair {
  readonly addresses: readonly [TransportAddress, TransportAddress]
  /** What clients know them as. */
  readonly advertised: readonly [TransportAddress, TransportAddress]
  readonly ports: readonly [number, number]
  /** Are the four open for TCP, too? Mapping behaviour can be found out over it (RFC 5780 §3.1). */
  readonly isForTcp: boolean
}

/** One of the four. */
export interface DiscoveryPlace {
  readonly pair: DiscoveryPair
  /** 0 or 1, each. */
  readonly address: number
  readonly port: number
}

/** Where the client has come to, or null: discovery is not for that address or transport. */
export function findDiscoveryPlace(
  pairs: readonly DiscoveryPair[],
  servers: ServerAddresses | null,
  client: FiveTuple,
): DiscoveryPlace | null {
  const isTcp = isOverTcp(client)
  if (pairs.length === 0 || (client.transport !== TRANSPORT_UDP && !isTcp)) return null
  const local = servers?.localAddressOf(client) ?? null
  if (local === null) return null
  for (const pair of pairs) {
    const address = pair.addresses.findIndex((one) => one.equalsHost(local))
    const port = pair.ports.indexOf(local.port)
    if (address >= 0 && port >= 0 && (pair.isForTcp || !isTcp)) return { pair, address, port }
  }
  return null
}

/** The place with another address, another port, or both. */
export function changedPlace(
  { address, pair, port }: DiscoveryPlace,
  isAddress: boolean,
  isPort: boolean,
): DiscoveryPlace {
  return { pair, address: isAddress ? 1 - address : address, port: isPort ? 1 - port : port }
}

/** As a socket is bound to it. */
export function localAddressAt({ address, pair, port }: DiscoveryPlace): TransportAddress {
  return withPort(pair.addresses[address], pair.ports[port])
}

/** As clients know it. */
export function advertisedAddressAt({ address, pair, port }: DiscoveryPlace): TransportAddress {
  return withPort(pair.advertised[address], pair.ports[port])
}
