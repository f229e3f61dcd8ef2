// IPv4 addresses inside IPv6 addresses. A rule about 10.0.0.1 must also hold for every spelling of it: the peer policy
// reduces an IPv6 peer to all the IPv4 addresses that it may stand for, and judges each.
import { FAMILY_IPV6, type TransportAddress } from '../stun/address.js'
import { type Cidr, cidrContains, parseCidr } from '../stun/cidr.js'

const NAT64_WELL_KNOWN = cidr('64:ff9b::/96') // RFC 6052
const NAT64_LOCAL_USE = cidr('64:ff9b:1::/48') // RFC 8215
const SIX_TO_FOUR = cidr('2002::/16') // RFC 3056
const TEREDO = cidr('2001::/32') // RFC 4380
/** ::a.b.c.d, ::ffff:a.b.c.d, ::ffff:0:a.b.c.d: the last word after one of these beginnings (RFC 4291 §2.5.5, RFC 2765). */
const LAST_WORD_PREFIXES = [cidr('::/96'), cidr('::ffff:0:0/96'), cidr('::ffff:0:0:0/96'), NAT64_WELL_KNOWN]
/** ISATAP's interface identifiers (RFC 5214 §6.1): local and universal. */
const ISATAP_WORDS = [0x00005efe, 0x02005efe]

/** Prefix lengths at which RFC 6052 §2.2 embeds an IPv4 address. */
export const NAT64_PREFIX_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96]

/** Calls `visit` with each IPv4 word that this IPv6 address may stand for, until it returns false. Returns whether all were true. */
export function everyEmbeddedIPv4(
  address: TransportAddress,
  nat64Prefixes: readonly Cidr[],
  visit: (word: number) => boolean,
): boolean {
  if (address.family !== FAMILY_IPV6) return true
  for (const prefix of LAST_WORD_PREFIXES) {
    if (cidrContains(prefix, address) && !isLoopback(address) && !visit(address.word3)) return false
  }
  if (cidrContains(SIX_TO_FOUR, address) && !visit((address.word0 << 16) | (address.word1 >>> 16))) return false
  if (cidrContains(TEREDO, address) && !visit(~address.word3)) return false
  if (ISATAP_WORDS.includes(address.word2) && !visit(address.word3)) return false
  // Operators cut any RFC 6052 prefix out of the local-use block; each position is judged.
  if (cidrContains(NAT64_LOCAL_USE, address)) {
    for (const length of NAT64_PREFIX_LENGTHS) {
      if (length >= 48 && !visit(nat64Word(address, length))) return false
    }
  }
  for (const prefix of nat64Prefixes) {
    if (cidrContains(prefix, address) && !visit(nat64Word(address, prefix.prefixLength))) return false
  }
  return true
}

/** ::1 is the loopback address, not 0.0.0.1 (RFC 4291 §2.5.3). */
function isLoopback(address: TransportAddress): boolean {
  return address.word3 === 1 && address.word2 === 0 && address.word1 === 0 && address.word0 === 0
}

/** The IPv4 word behind a NAT64 prefix of this length; bits 64–71 are always skipped (RFC 6052 §2.2). */
function nat64Word(address: TransportAddress, prefixLength: number): number {
  const { word1, word2, word3 } = address
  switch (prefixLength) {
    case 32:
      return word1
    case 40:
      return (word1 << 8) | ((word2 >>> 16) & 0xff)
    case 48:
      return (word1 << 16) | ((word2 >>> 8) & 0xffff)
    case 56:
      return (word1 << 24) | (word2 & 0xffffff)
    case 64:
      return (word2 << 8) | (word3 >>> 24)
    default:
      return word3
  }
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text)
  if (parsed === null) throw new Error(`not an address block: ${text}`)
  return parsed
}
