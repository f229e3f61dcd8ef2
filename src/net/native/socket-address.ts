// struct sockaddr_in and sockaddr_in6 in the arena, to and from TransportAddress. On the hot path.
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import { AF_INET, AF_INET6, SOCKADDR_IN, SOCKADDR_IN6 } from './layout.js'

/** Room for either. */
export const SOCKET_ADDRESS_LENGTH_MAX = SOCKADDR_IN6.size

/** Big-endian, as addresses are in memory. */
export function readNetworkWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}

export function writeNetworkWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

/** Writes the struct at offset `at`, a multiple of 4. Returns its length. */
export function writeSocketAddress(arena: Arena, at: number, address: TransportAddress): number {
  const { bytes, words } = arena
  const isIPv6 = address.family === FAMILY_IPV6
  // The port is in network order behind the family.
  words[at >> 2] = (isIPv6 ? AF_INET6 : AF_INET) | ((address.port & 0xff) << 24) | ((address.port >> 8) << 16)
  if (!isIPv6) {
    writeNetworkWord(bytes, at + SOCKADDR_IN.sin_addr, address.word0)
    return SOCKADDR_IN.size
  }
  words[(at + SOCKADDR_IN6.sin6_flowinfo) >> 2] = 0
  writeNetworkWord(bytes, at + SOCKADDR_IN6.sin6_addr, address.word0)
  writeNetworkWord(bytes, at + SOCKADDR_IN6.sin6_addr + 4, address.word1)
  writeNetworkWord(bytes, at + SOCKADDR_IN6.sin6_addr + 8, address.word2)
  writeNetworkWord(bytes, at + SOCKADDR_IN6.sin6_addr + 12, address.word3)
  words[(at + SOCKADDR_IN6.sin6_scope_id) >> 2] = 0
  return SOCKADDR_IN6.size
}

/**
 * Reads the struct into `into`; `into.host` stays ''. False for a source that no answer can reach: port 0, an address of a
 * link (its zone is lost), another family.
 */
export function readSocketAddress(arena: Arena, at: number, into: TransportAddress): boolean {
  const { bytes } = arena
  const family = bytes[at]
  const port = (bytes[at + 2] << 8) | bytes[at + 3]
  if (family === AF_INET) {
    into.setIPv4(readNetworkWord(bytes, at + SOCKADDR_IN.sin_addr), port)
    return port !== 0
  }
  if (family !== AF_INET6) return false
  readIPv6(bytes, at + SOCKADDR_IN6.sin6_addr, into, port)
  return port !== 0 && (into.word0 & 0xffc00000) !== (0xfe800000 | 0)
}

/** Reads 16 bytes. */
export function readIPv6(bytes: Uint8Array, at: number, into: TransportAddress, port: number): void {
  into.setIPv6(
    readNetworkWord(bytes, at),
    readNetworkWord(bytes, at + 4),
    readNetworkWord(bytes, at + 8),
    readNetworkWord(bytes, at + 12),
    port,
  )
}
