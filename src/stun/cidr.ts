// CIDR blocks over TransportAddress words: parsed once at start, matched by word compares.
import { FAMILY_IPV4, hostAddress, type TransportAddress } from './address.js'

/** An address block: `address` has its host bits cleared; `prefixLength` is 0–32 (IPv4) or 0–128 (IPv6) bits. */
export interface Cidr {
  readonly address: TransportAddress
  readonly prefixLength: number
}

/** Parses `10.0.0.0/8`, `fd00::/8`, or a bare address (/32, /128). Returns null if it is neither, or the prefix is too long. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/')
  const address = hostAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === null) return null
  const prefixLengthMax = address.family === FAMILY_IPV4 ? 32 : 128
  if (slash < 0) return { address, prefixLength: prefixLengthMax }
  const prefixText = text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > prefixLengthMax) return null
  const prefixLength = Number(prefixText)
  address.word0 &= wordMask(prefixLength)
  address.word1 &= wordMask(prefixLength - 32)
  address.word2 &= wordMask(prefixLength - 64)
  address.word3 &= wordMask(prefixLength - 96)
  return { address, prefixLength }
}

export function cidrContains(cidr: Cidr, address: TransportAddress): boolean {
  const block = cidr.address
  const length = cidr.prefixLength
  return (
    block.family === address.family &&
    ((block.word0 ^ address.word0) & wordMask(length)) === 0 &&
    ((block.word1 ^ address.word1) & wordMask(length - 32)) === 0 &&
    ((block.word2 ^ address.word2) & wordMask(length - 64)) === 0 &&
    ((block.word3 ^ address.word3) & wordMask(length - 96)) === 0
  )
}

/** The mask of the first `length` bits of a word: none for 0 and below, all for 32 and above. */
function wordMask(length: number): number {
  if (length <= 0) return 0
  return length >= 32 ? -1 : -1 << (32 - length)
}
