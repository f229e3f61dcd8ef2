// Every spelling of an IPv4 address inside an IPv6 address that a peer address might use to get past a rule.
import { TransportAddress } from '../../src/stun/address.js'
import { parseCidr } from '../../src/stun/cidr.js'

/** NAT64 prefixes of "the operator" at every length of RFC 6052 §2.2, inside global unicast, where nothing else denies them. */
export const OPERATOR_NAT64_PREFIXES: readonly string[] = [
  '2a0a:3200::/32',
  '2a0a:4000:4000::/40',
  '2a0a:4800:4800::/48',
  '2a0a:5600:5600:5600::/56',
  '2a0a:6400:6400:6400::/64',
  '2a0a:9600:9600:9600:0:9600::/96',
]

const LOCAL_USE_NAT64_PREFIXES = [
  '64:ff9b:1::/48',
  '64:ff9b:1:5600::/56',
  '64:ff9b:1:6401::/64',
  '64:ff9b:1:9601:0:9602::/96',
]

export interface Embedding {
  readonly name: string
  /** The IPv6 address that stands for this IPv4 address, with its port. */
  readonly embed: (address: TransportAddress) => TransportAddress
  /** No rule opens it (RFC 8656 §21.1.4). */
  readonly isAlwaysDenied?: boolean
}

/** Spellings that some stack, relay or translator takes for the IPv4 address. */
export const EMBEDDINGS: readonly Embedding[] = [
  { name: 'IPv4-mapped ::ffff:a.b.c.d', embed: behind(0, 0, 0xffff) },
  { name: 'IPv4-compatible ::a.b.c.d', embed: behind(0, 0, 0) },
  { name: 'SIIT ::ffff:0:a.b.c.d', embed: behind(0, 0, 0xffff0000) },
  { name: 'NAT64 64:ff9b::a.b.c.d', embed: behind(0x0064ff9b, 0, 0) },
  ...[...LOCAL_USE_NAT64_PREFIXES, ...OPERATOR_NAT64_PREFIXES].map((prefix) => ({
    name: `NAT64 ${prefix}`,
    embed: (address: TransportAddress) => nat64Address(prefix, address),
  })),
  { name: '6to4', embed: sixToFour, isAlwaysDenied: true },
  { name: 'Teredo', embed: teredo, isAlwaysDenied: true },
  { name: 'ISATAP', embed: behind(0x2a0a0001, 0, 0x00005efe) },
  { name: 'ISATAP, universal', embed: behind(0x2a0a0001, 0, 0x02005efe) },
  { name: 'ISATAP, link-local', embed: behind(0xfe800000, 0, 0x00005efe) },
]

/** RFC 6052 §2.2, byte by byte: the address follows the prefix, and bits 64–71 stay zero. */
export function nat64Address(prefixText: string, address: TransportAddress): TransportAddress {
  const prefix = parseCidr(prefixText)
  if (prefix === null) throw new Error(`not a prefix: ${prefixText}`)
  const bytes = Buffer.alloc(16)
  for (const [index, word] of wordsOf(prefix.address).entries()) bytes.writeInt32BE(word, index * 4)
  let at = prefix.prefixLength / 8
  for (const shift of [24, 16, 8, 0]) {
    if (at === 8) at++
    bytes[at++] = address.word0 >>> shift
  }
  return new TransportAddress().setIPv6(
    bytes.readInt32BE(0),
    bytes.readInt32BE(4),
    bytes.readInt32BE(8),
    bytes.readInt32BE(12),
    address.port,
  )
}

function behind(word0: number, word1: number, word2: number): Embedding['embed'] {
  return (address) => new TransportAddress().setIPv6(word0, word1, word2, address.word0, address.port)
}

function sixToFour(address: TransportAddress): TransportAddress {
  const word = address.word0
  return new TransportAddress().setIPv6(0x20020000 | (word >>> 16), word << 16, 0, 1, address.port)
}

/** The client's address and port are stored inverted (RFC 4380 §4). */
function teredo(address: TransportAddress): TransportAddress {
  return new TransportAddress().setIPv6(0x20010000, 0x01010101, 0x0000fbff, ~address.word0, address.port)
}

function wordsOf({ word0, word1, word2, word3 }: TransportAddress): number[] {
  return [word0, word1, word2, word3]
}
