// Transport addresses as fixed-shape objects of 32-bit words, and their textual form.
// The hot path compares and hashes words; text is made once (at bind, in logs), never per packet.

export const FAMILY_NONE = 0
export const FAMILY_IPV4 = 4
export const FAMILY_IPV6 = 6
export type AddressFamily = typeof FAMILY_NONE | typeof FAMILY_IPV4 | typeof FAMILY_IPV6

/**
 * An IP address and a port. Words are signed 32-bit integers in network order; an IPv4 address is word0 alone.
 * `host` belongs to the engine that owns the object: the textual IP address if it is known, else ''.
 */
export class TransportAddress {
  family: AddressFamily = FAMILY_NONE
  word0 = 0
  word1 = 0
  word2 = 0
  word3 = 0
  port = 0
  host = ''

  copyFrom(other: TransportAddress): this {
    this.family = other.family
    this.word0 = other.word0
    this.word1 = other.word1
    this.word2 = other.word2
    this.word3 = other.word3
    this.port = other.port
    this.host = other.host
    return this
  }

  clone(): TransportAddress {
    return new TransportAddress().copyFrom(this)
  }

  setIPv4(word0: number, port: number): this {
    this.family = FAMILY_IPV4
    this.word0 = word0 | 0
    this.word1 = 0
    this.word2 = 0
    this.word3 = 0
    this.port = port
    this.host = ''
    return this
  }

  setIPv6(word0: number, word1: number, word2: number, word3: number, port: number): this {
    this.family = FAMILY_IPV6
    this.word0 = word0 | 0
    this.word1 = word1 | 0
    this.word2 = word2 | 0
    this.word3 = word3 | 0
    this.port = port
    this.host = ''
    return this
  }

  /** The same IP address, whatever the port. */
  equalsHost(other: TransportAddress): boolean {
    return (
      this.word0 === other.word0 &&
      this.family === other.family &&
      this.word1 === other.word1 &&
      this.word2 === other.word2 &&
      this.word3 === other.word3
    )
  }

  equals(other: TransportAddress): boolean {
    return this.port === other.port && this.equalsHost(other)
  }

  /** The textual transport address: `192.0.2.1:3478`, `[2001:db8::1]:3478`. */
  toString(): string {
    const host = formatHost(this)
    return this.family === FAMILY_IPV6 ? `[${host}]:${this.port}` : `${host}:${this.port}`
  }
}

/** A 31-bit hash of the IP address (a non-negative small integer); the port is not in it. */
export function hashHost(address: TransportAddress): number {
  let hash = Math.imul(address.word0 ^ 0x9e3779b9, 0x85ebca6b)
  if (address.family === FAMILY_IPV6) {
    hash = Math.imul(hash ^ (hash >>> 13) ^ address.word1, 0xc2b2ae35)
    hash = Math.imul(hash ^ (hash >>> 13) ^ address.word2, 0x27d4eb2f)
    hash = Math.imul(hash ^ (hash >>> 13) ^ address.word3, 0x165667b1)
  }
  // The last word was multiplied once: without another round, hosts that differ in its upper bits alone share few buckets.
  hash = Math.imul(hash ^ (hash >>> 15), 0x7feb352d)
  return (hash ^ (hash >>> 16)) & 0x7fffffff
}

/** A 31-bit hash of the IP address and the port. */
export function hashTransportAddress(address: TransportAddress): number {
  const hash = Math.imul(hashHost(address) ^ Math.imul(address.port, 0x9e3779b1), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) & 0x7fffffff
}

/** Parses dotted-decimal IPv4: four numbers of 0–255 without leading zeros. Returns the word, or NaN. */
export function parseIPv4Word(text: string): number {
  let word = 0
  let octet = -1
  let octetCount = 0
  const length = text.length
  for (let index = 0; index <= length; index++) {
    const code = index < length ? text.charCodeAt(index) : 0x2e
    if (code === 0x2e) {
      if (octet < 0 || octetCount === 4) return Number.NaN
      word = (word << 8) | octet
      octetCount++
      octet = -1
    } else {
      const digit = code - 0x30
      if (digit < 0 || digit > 9 || octet === 0) return Number.NaN
      octet = octet < 0 ? digit : octet * 10 + digit
      if (octet > 255) return Number.NaN
    }
  }
  return octetCount === 4 ? word : Number.NaN
}

/** Parses a textual IP address (RFC 4291 §2.2; no zone, no brackets) into `into`. Returns false if it is not one. */
export function parseHost(text: string, into: TransportAddress, port = 0): boolean {
  if (!text.includes(':')) {
    const word = parseIPv4Word(text)
    if (Number.isNaN(word)) return false
    into.setIPv4(word, port)
    return true
  }
  const groups = parseIPv6Groups(text)
  if (groups === null) return false
  const word = (index: number) => (groups[index] << 16) | groups[index + 1]
  into.setIPv6(word(0), word(2), word(4), word(6), port)
  return true
}

/** A new TransportAddress for a textual IP address, or null. */
export function hostAddress(text: string, port = 0): TransportAddress | null {
  const address = new TransportAddress()
  return parseHost(text, address, port) ? address : null
}

/** The reverse of toString: `192.0.2.1:3478`, `[2001:db8::1]:3478`; null if it is none. */
export function parseTransportAddress(text: string): TransportAddress | null {
  const [, host6, host4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = port === undefined || Number(port) > 0xffff ? null : hostAddress(host6 ?? host4, Number(port))
  const isBracketed = host6 !== undefined
  return address !== null && (address.family === FAMILY_IPV6) === isBracketed ? address : null
}

function parseIPv6Groups(text: string): number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroupList(halves[0], halves.length === 1)
  const tail = halves.length === 2 ? parseGroupList(halves[1], true) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function parseGroupList(text: string, mayEndInIPv4: boolean): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const word = parseIPv4Word(part)
      if (!mayEndInIPv4 || index !== parts.length - 1 || Number.isNaN(word)) return null
      groups.push(word >>> 16, word & 0xffff)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

/** The textual IP address in RFC 5952's form (lower case, the longest run of zero groups as `::`). */
export function formatHost(address: TransportAddress): string {
  if (address.family !== FAMILY_IPV6) {
    const word = address.word0
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
  }
  const groups: number[] = []
  for (const word of [address.word0, address.word1, address.word2, address.word3]) {
    groups.push(word >>> 16, word & 0xffff)
  }
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const word = address.word3
    return `::ffff:${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
  }
  const run = longestZeroRun(groups)
  const hex = (list: number[]) => list.map((group) => group.toString(16)).join(':')
  if (run.length < 2) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  const best = { start: 0, length: 0 }
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > best.length) {
      best.start = start
      best.length = end - start
    }
  }
  return best
}
