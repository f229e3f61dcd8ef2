// The address blocks that the peer policy knows by itself, with their source: IANA's special-purpose registries
// (RFC 6890 and updates), RFC 8656 §21, and the link-local service addresses of large clouds.
import { type Cidr, parseCidr } from '../stun/cidr.js'

/** No rule opens these: they are no unicast peer, or hide another address (RFC 8656 §21.1.4). */
export const ALWAYS_DENIED = blocks(
  '0.0.0.0/8',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  'ff00::/8',
  '2001::/32', // Teredo
  '2002::/16', // 6to4
)

/** Denied unless a rule opens them. */
export const DENIED_BY_DEFAULT = blocks(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '168.63.129.16/32', // Azure's virtual host
  '2001::/23',
  '2001:db8::/32',
  '2620:4f:8000::/48',
  '3fff::/20',
)

/** The only IPv6 addresses that are not denied by default. */
export const GLOBAL_UNICAST_IPV6 = block('2000::/3')

/** Addresses that are this machine wherever it is. */
export const LOOPBACK = blocks('127.0.0.0/8', '::1/128')

function block(text: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr === null) throw new Error(`not an address block: ${text}`)
  return cidr
}

function blocks(...texts: string[]): readonly Cidr[] {
  return texts.map(block)
}
