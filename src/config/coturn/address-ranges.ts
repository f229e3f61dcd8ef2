// Ranges of IP addresses as coturn writes them, ADDRESS-ADDRESS: subtracted from each other, and cut into CIDR blocks.
import { formatHost, hostAddress, TransportAddress } from '../../stun/address.js'
import { parseCidr } from '../../stun/cidr.js'

export interface AddressRange {
  /** 4 or 6. */
  readonly family: 4 | 6
  /** Both inclusive. */
  readonly first: bigint
  readonly last: bigint
}

/** null for what is neither an address nor two of one family in their order. Host names are not looked up. */
export function parseRange(text: string): AddressRange | null {
  const [first, last = first, ...rest] = text.split('-').map((part) => numberOf(part.trim()))
  if (first === null || last === null || rest.length > 0 || first.family !== last.family) return null
  return first.value > last.value ? null : { family: first.family, first: first.value, last: last.value }
}

/** A CIDR block, which coturn does not understand, or one address. */
export function parseBlockRange(text: string): AddressRange | null {
  const cidr = parseCidr(text)
  if (cidr === null) return null
  const base = numberOf(formatHost(cidr.address))
  if (base === null) return null
  const size = 1n << BigInt(bitsOf(base.family) - cidr.prefixLength)
  const first = (base.value / size) * size
  return { family: base.family, first, last: first + size - 1n }
}

export function formatRange({ family, first, last }: AddressRange): string {
  return `${hostOf(family, first)}-${hostOf(family, last)}`
}

/** Is the other one within this one? */
export function contains({ family, first, last }: AddressRange, other: AddressRange): boolean {
  return family === other.family && first <= other.first && other.last <= last
}

export function overlaps(one: AddressRange, other: AddressRange): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last
}

/** Ranges put together, to ask quickly whether they have all of another one: lists of providers have thousands. */
export class AddressSet {
  /** Of each family in ascending order, with gaps between them. */
  readonly #merged: Readonly<Record<4 | 6, readonly AddressRange[]>>

  constructor(ranges: readonly AddressRange[]) {
    const of = (family: 4 | 6) => merge(ranges.filter((range) => range.family === family))
    this.#merged = { 4: of(4), 6: of(6) }
  }

  contains(range: AddressRange): boolean {
    const merged = this.#merged[range.family]
    let [low, high] = [0, merged.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (merged[middle].last < range.last) low = middle + 1
      else high = middle
    }
    return low < merged.length && contains(merged[low], range)
  }
}

function merge(ranges: AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = []
  for (const range of ranges.sort((one, other) => (one.first < other.first ? -1 : 1))) {
    const last = merged.at(-1)
    if (last === undefined || range.first > last.last + 1n) merged.push(range)
    else merged[merged.length - 1] = { ...last, last: larger(last.last, range.last) }
  }
  return merged
}

/** What is left of a range without others. */
export function subtract(range: AddressRange, others: readonly AddressRange[]): AddressRange[] {
  let left = [range]
  for (const other of others) {
    if (other.family !== range.family) continue
    left = left.flatMap((part) => {
      const parts: AddressRange[] = []
      if (other.first > part.first) parts.push({ ...part, last: smaller(part.last, other.first - 1n) })
      if (other.last < part.last) parts.push({ ...part, first: larger(part.first, other.last + 1n) })
      return other.first > part.last || other.last < part.first ? [part] : parts
    })
  }
  return left
}

/** The fewest blocks that are the range: `10.0.0.0/8`; one address without a prefix. */
export function blocksOf({ family, first, last }: AddressRange): string[] {
  const blocks: string[] = []
  const bits = bitsOf(family)
  for (let start = first; start <= last; ) {
    let hostBits = 0
    while (
      hostBits < bits &&
      (start & (1n << BigInt(hostBits))) === 0n &&
      start + (2n << BigInt(hostBits)) - 1n <= last
    ) {
      hostBits++
    }
    blocks.push(hostBits === 0 ? hostOf(family, start) : `${hostOf(family, start)}/${bits - hostBits}`)
    start += 1n << BigInt(hostBits)
  }
  return blocks
}

function numberOf(text: string): { family: 4 | 6; value: bigint } | null {
  const address = hostAddress(text)
  if (address === null) return null
  const family = text.includes(':') ? 6 : 4
  // In the order of the network, 32 bits a word.
  const words = family === 4 ? [address.word0] : [address.word0, address.word1, address.word2, address.word3]
  return { family, value: words.reduce((value, word) => (value << 32n) | BigInt(word >>> 0), 0n) }
}

function hostOf(family: 4 | 6, value: bigint): string {
  const address = new TransportAddress()
  const word = (shift: bigint) => Number((value >> shift) & 0xffff_ffffn)
  if (family === 4) address.setIPv4(word(0n), 0)
  else address.setIPv6(word(96n), word(64n), word(32n), word(0n), 0)
  return formatHost(address)
}

const bitsOf = (family: 4 | 6) => (family === 4 ? 32 : 128)
const smaller = (a: bigint, b: bigint) => (a < b ? a : b)
const larger = (a: bigint, b: bigint) => (a > b ? a : b)
