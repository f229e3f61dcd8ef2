// IP addresses in option values: parsed strictly, with the reason why a text is not a usable one.
// Used by the parsers of --listen, --relay-ip, --external-ip, the peer rules and --nat64-prefix.

import { FAMILY_IPV4, FAMILY_IPV6, formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
import { type Cidr, cidrContains, parseCidr } from '../stun/cidr.js'
import { printable } from './printable.js'
import { ValueProblem } from './value-type.js'

const NOT_UNICAST: readonly [Cidr, string][] = [
  [parseCidr('0.0.0.0')!, 'a wildcard'],
  [parseCidr('::')!, 'a wildcard'],
  [parseCidr('224.0.0.0/4')!, 'a multicast address'],
  [parseCidr('ff00::/8')!, 'a multicast address'],
  [parseCidr('255.255.255.255')!, 'the broadcast address'],
]
const IPV4_MAPPED = parseCidr('::ffff:0:0/96')!

/** Parses an IP address; throws ValueProblem with `prefix` before the reason. IPv4-mapped IPv6 is refused: it hides a family. */
export function parseIpAddress(text: string, prefix: string): TransportAddress {
  const address = hostAddress(text)
  if (address === null) throw new ValueProblem(`${prefix}${whyNotAnAddress(text)}`)
  if (isIpv4Mapped(address)) {
    const ipv4 = formatHost(address).slice('::ffff:'.length)
    throw new ValueProblem(`${prefix}${printable(text)} is an IPv4 address in IPv6 form, write ${ipv4}`)
  }
  return address
}

/** `a wildcard`, `a multicast address`, `the broadcast address`, or null for an address of one host. */
export function notUnicast(address: TransportAddress): string | null {
  return NOT_UNICAST.find(([cidr]) => cidrContains(cidr, address))?.[1] ?? null
}

/** Of a textual IP address; no wildcard. */
export function isLoopbackHost(host: string): boolean {
  return host === '::1' || host.startsWith('127.')
}

export function isIpv4Mapped(address: TransportAddress): boolean {
  return cidrContains(IPV4_MAPPED, address)
}

/** The family of a textual IP address that was validated before. */
export function familyOf(host: string): typeof FAMILY_IPV4 | typeof FAMILY_IPV6 {
  return host.includes(':') ? FAMILY_IPV6 : FAMILY_IPV4
}

/** The textual transport address: brackets round IPv6. */
export function formatAddressPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Why `text` is no IP address: `localhost is a host name, give an IP address`. */
export function whyNotAnAddress(text: string): string {
  if (text === '') return 'the address is missing'
  const shown = printable(text)
  if (text.includes('%')) return `${shown} has a zone, which is not supported`
  if (text.includes('/')) return `${shown} has a prefix length, give one address`
  if (text.includes(':')) return `${shown} is not an IPv6 address`
  if (/^[0-9.]+$/.test(text)) return `${shown} is not an IPv4 address`
  if (/^[a-zA-Z0-9._-]+$/.test(text)) return `${shown} is a host name, give an IP address`
  return `${shown} is not an IP address`
}
