// The conditions of nftables' rules: whether a first packet fulfils them. What is not understood may hold or not.

/** nft's JSON, whatever came with it. */
export type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null

export interface IncomingPacket {
  readonly protocol: 'udp' | 'tcp'
  readonly port: number
  /** A stranger has none of the addresses that rules name; `named`: perhaps it has. */
  readonly source: 'stranger' | 'named'
}

/** true, false, or null: it may be either. */
export type Truth = boolean | null

/** A packet of IPv4 with UDP or TCP has none of their headers, but for its own. */
const OTHER_HEADERS = [
  'tcp',
  'udp',
  'udplite',
  'icmp',
  'igmp',
  'sctp',
  'dccp',
  'esp',
  'ah',
  'comp',
  'gre',
  'ip6',
  'icmpv6',
  'arp',
]

/** Does the packet fulfil it? */
export function matches(match: Json, packet: IncomingPacket): Truth {
  const [left, op] = [field(match, 'left'), textOf(field(match, 'op'))]
  // nft asks for the header first, whatever is asked of its fields: without it `!=` does not hold either.
  if (isOfOtherHeader(left, packet)) return false
  const truth = holds(left, field(match, 'right'), packet)
  return op === '!=' ? not(truth) : op === '==' || op === 'in' ? truth : null
}

/** A port from which on the answer may be another one than for the port before it: both ends of whatever a condition names. */
export function portBoundaries(left: Json, right: Json): number[] {
  if (textOf(field(field(left, 'payload'), 'field')) !== 'dport') return []
  if (typeof right === 'number') return [right, right + 1]
  const [first, last] = listOf(field(right, 'range'))
  if (last !== undefined) return [Number(first), Number(last) + 1]
  const items = Array.isArray(right) ? right : listOf(field(right, 'set'))
  return items.flatMap((item) => portBoundaries(left, item as Json))
}

function isOfOtherHeader(left: Json, { protocol }: IncomingPacket): boolean {
  // `tcp flags & (fin | syn) != syn` has the field within.
  const payload = field(field(left, 'payload') === null ? (listOf(field(left, '&'))[0] ?? null) : left, 'payload')
  const of = textOf(field(payload, 'protocol'))
  return of !== protocol && OTHER_HEADERS.includes(of)
}

function holds(left: Json, right: Json, { port, protocol, source }: IncomingPacket): Truth {
  const [meta, ct, payload] = ['meta', 'ct', 'payload'].map((name) => field(left, name))
  if (meta !== null) {
    const key = textOf(field(meta, 'key'))
    if (key === 'l4proto') return includes(right, protocol)
    if (key === 'nfproto') return includes(right, 'ipv4')
    // What comes from elsewhere does not come over loopback; over which other interface nobody here knows.
    return (key === 'iifname' || key === 'iif') && right === 'lo' ? false : null
  }
  if (ct !== null) return textOf(field(ct, 'key')) === 'state' ? includes(right, 'new') : null
  if (payload === null) return null
  const [of, name] = ['protocol', 'field'].map((part) => textOf(field(payload, part)))
  if ((of === protocol || of === 'th') && name === 'dport') return includes(right, port)
  if (of === 'ip' && name === 'protocol') return includes(right, protocol)
  if (of === 'ip' && name === 'saddr' && isNet(right)) return source === 'stranger' ? false : null
  return null
}

/** Is it the value, or in the set or range? Of a named set nobody knows. */
function includes(right: Json, wanted: string | number): Truth {
  if (typeof right === 'number' || typeof right === 'string') {
    return typeof right === 'string' && right.startsWith('@') ? null : right === wanted
  }
  const range = listOf(field(right, 'range'))
  if (range.length === 2) return typeof wanted === 'number' && wanted >= Number(range[0]) && wanted <= Number(range[1])
  const items = Array.isArray(right) ? right : listOf(field(right, 'set'))
  if (items.length === 0) return null
  const truths = items.map((item) => includes(item as Json, wanted))
  if (truths.includes(true)) return true
  return truths.includes(null) ? null : false
}

/** A host, a set, or a block that is not everybody. */
function isNet(right: Json): boolean {
  const length = field(field(right, 'prefix'), 'len')
  return length === null || Number(length) > 0
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth
}

export function field(of: Json, name: string): Json {
  return typeof of === 'object' && of !== null && !Array.isArray(of)
    ? ((of as { [key: string]: Json })[name] ?? null)
    : null
}

export function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: Json): string {
  return typeof value === 'string' ? value : ''
}
