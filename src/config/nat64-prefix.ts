// The values of --nat64-prefix: the operator's own prefixes of IPv4-embedded IPv6 addresses (RFC 6052 §2.2), which the
// peer policy reduces to the embedded IPv4 address before it matches rules.
import { FAMILY_IPV6 } from '../stun/address.js'
import type { Cidr } from '../stun/cidr.js'
import { parseBlock } from './peer-rule.js'
import { ValueProblem } from './value-type.js'

const PREFIX_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96]

/** Parses a NAT64 prefix; throws ValueProblem. */
export function parseNat64Prefix(text: string): Cidr {
  const prefix = 'is not an IPv6 CIDR: '
  const cidr = parseBlock(text, prefix)
  if (cidr.address.family !== FAMILY_IPV6)
    throw new ValueProblem(`${prefix}give an IPv6 prefix such as 2001:db8:64::/96`)
  if (!PREFIX_LENGTHS.includes(cidr.prefixLength)) {
    throw new ValueProblem(`has a prefix of ${cidr.prefixLength} bits: RFC 6052 allows 32, 40, 48, 56, 64 or 96`)
  }
  return cidr
}
