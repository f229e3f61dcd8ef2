// What the rules of nftables (`nft -j list ruleset`; iptables-nft is among them) do to a stranger's first packet that comes to a port of this machine.
// Only what is certain is said: a condition that is not understood may hold or not, and then both are followed.

/** In its JSON, whatever came with it. */
type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null

export interface IncomingPacket {
  readonly protocol: 'udp' | 'tcp'
  readonly port: number
}

export type Fate = 'taken' | 'dropped' | 'unclear'

interface Chain {
  readonly family: string
  readonly hook: string
  readonly type: string
  readonly policy: string
  readonly rules: Json[]
}

/** true, false, or null: it may be either. */
type Truth = boolean | null
/** What may become of a packet: `on` is the end of a chain without a verdict, `return` leaves it before. */
type Outcome = 'accept' | 'drop' | 'on' | 'return' | 'unclear'

/** Rules may jump on, not in circles; deeper than the kernel allows is no ruleset. */
const JUMPS_MAX = 16

export class FirewallRules {
  /** By family, table and name. */
  readonly #chains = new Map<string, Chain>()

  /** Throws a SyntaxError for what is no JSON. */
  constructor(text: string) {
    for (const entry of listOf(field(JSON.parse(text) as Json, 'nftables'))) {
      const [chain, rule] = [field(entry, 'chain'), field(entry, 'rule')]
      if (chain !== null) {
        const [family, hook, type, policy] = ['family', 'hook', 'type', 'policy'].map((name) =>
          textOf(field(chain, name)),
        )
        this.#chains.set(keyOf(chain, 'name'), { family, hook, type, policy, rules: [] })
      }
      if (rule !== null) this.#chains.get(keyOf(rule, 'chain'))?.rules.push(rule)
    }
  }

  /** Is there any chain through which incoming packets go? */
  get filtersInput(): boolean {
    return this.#inputChains().length > 0
  }

  /** Every chain must take it. */
  fateOf(packet: IncomingPacket): Fate {
    const fates = this.#inputChains().map(([key, chain]): Fate => {
      const outcomes = this.#follow(key, packet, 0)
      if (outcomes.delete('on')) outcomes.add(chain.policy === 'drop' ? 'drop' : 'accept')
      if (outcomes.size !== 1) return 'unclear'
      return outcomes.has('drop') ? 'dropped' : outcomes.has('accept') ? 'taken' : 'unclear'
    })
    if (fates.includes('dropped')) return 'dropped'
    return fates.includes('unclear') ? 'unclear' : 'taken'
  }

  #inputChains(): [string, Chain][] {
    const isOurs = ({ family, hook, type }: Chain) =>
      hook === 'input' && type === 'filter' && ['ip', 'inet'].includes(family)
    return [...this.#chains].filter(([, chain]) => isOurs(chain))
  }

  #follow(key: string, packet: IncomingPacket, depth: number): Set<Outcome> {
    const chain = this.#chains.get(key)
    if (chain === undefined || depth > JUMPS_MAX) return new Set(['unclear'])
    const prefix = key.slice(0, key.lastIndexOf(' ') + 1)
    const outcomes = new Set<Outcome>()
    for (const rule of chain.rules) {
      const { outcome, truth } = this.#apply(listOf(field(rule, 'expr')), packet, prefix, depth)
      if (truth === false || outcome.size === 0) continue
      const goesOn = outcome.delete('on')
      if (outcome.delete('return')) outcomes.add('on')
      for (const one of outcome) outcomes.add(one)
      if (truth === true && !goesOn) return outcomes
    }
    return outcomes.add('on')
  }

  /** Whether a rule's conditions hold, and what it does then; nothing for one that has no verdict. */
  #apply(expressions: readonly Json[], packet: IncomingPacket, prefix: string, depth: number) {
    let truth: Truth = true
    for (const expression of expressions) {
      const [kind = ''] = Object.keys(expression ?? {})
      const value = field(expression, kind)
      if (HARMLESS.includes(kind)) continue
      if (kind === 'match') truth = and(truth, matches(value, packet))
      else if (kind === 'vmap') return this.#applyMap(value, truth, packet, prefix, depth)
      else {
        const outcome = this.#verdict(kind, value, packet, prefix, depth)
        if (outcome !== null) return { truth, outcome }
        truth = and(truth, null)
      }
      if (truth === false) break
    }
    return { truth, outcome: new Set<Outcome>() }
  }

  #applyMap(value: Json, truth: Truth, packet: IncomingPacket, prefix: string, depth: number) {
    const outcome = new Set<Outcome>()
    for (const pair of listOf(field(field(value, 'data'), 'set'))) {
      const [wanted, verdict] = listOf(pair)
      const holds = matches({ op: '==', left: field(value, 'key'), right: wanted }, packet)
      if (holds === false) continue
      const [kind = ''] = Object.keys(verdict ?? {})
      for (const one of this.#verdict(kind, field(verdict, kind), packet, prefix, depth) ?? ['unclear' as const])
        outcome.add(one)
      if (holds === true) return { truth, outcome }
    }
    if (outcome.size === 0) return { truth: false, outcome }
    return { truth: null, outcome }
  }

  /** null for what is no verdict. */
  #verdict(kind: string, value: Json, packet: IncomingPacket, prefix: string, depth: number): Set<Outcome> | null {
    switch (kind) {
      case 'accept':
        return new Set(['accept'])
      case 'drop':
      case 'reject':
        return new Set(['drop'])
      case 'return':
        return new Set(['return'])
      case 'queue':
        return new Set(['unclear'])
      case 'jump':
      case 'goto': {
        const outcome = this.#follow(`${prefix}${textOf(field(value, 'target'))}`, packet, depth + 1)
        // The end of a chain that was gone to is that of the one before as well.
        if (kind === 'goto' && outcome.delete('on')) outcome.add('return')
        return outcome
      }
      default:
        return null
    }
  }
}

const HARMLESS = ['counter', 'log', 'comment', 'mangle', 'notrack']

/** Does a stranger's first packet fulfil it? */
function matches(match: Json, packet: IncomingPacket): Truth {
  const [left, op] = [field(match, 'left'), textOf(field(match, 'op'))]
  const truth = holds(left, field(match, 'right'), packet)
  return op === '!=' ? not(truth) : op === '==' || op === 'in' ? truth : null
}

function holds(left: Json, right: Json, { port, protocol }: IncomingPacket): Truth {
  const [meta, ct, payload] = ['meta', 'ct', 'payload'].map((name) => field(left, name))
  if (meta !== null) {
    const key = textOf(field(meta, 'key'))
    if (key === 'l4proto') return includes(right, protocol)
    if (key === 'nfproto') return includes(right, 'ipv4')
    // What comes from elsewhere does not come over loopback; over which other interface nobody here knows.
    return (key === 'iifname' || key === 'iif') && includes(right, 'lo') === true ? false : null
  }
  if (ct !== null) return textOf(field(ct, 'key')) === 'state' ? includes(right, 'new') : null
  if (payload === null) return null
  const [of, name] = ['protocol', 'field'].map((part) => textOf(field(payload, part)))
  if ((of === protocol || of === 'th') && name === 'dport') return includes(right, port)
  if (['tcp', 'udp', 'icmp', 'ip6', 'icmpv6', 'sctp', 'dccp'].includes(of) && of !== protocol) return false
  if (of === 'ip' && name === 'protocol') return includes(right, protocol)
  // A stranger is none of those that a rule names.
  if (of === 'ip' && name === 'saddr') return isNet(right) ? false : null
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

function and(one: Truth, other: Truth): Truth {
  if (one === false || other === false) return false
  return one === null || other === null ? null : true
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth
}

function keyOf(of: Json, name: string): string {
  return `${textOf(field(of, 'family'))} ${textOf(field(of, 'table'))} ${textOf(field(of, name))}`
}

function field(of: Json, name: string): Json {
  return typeof of === 'object' && of !== null && !Array.isArray(of)
    ? ((of as { [key: string]: Json })[name] ?? null)
    : null
}

function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : ''
}
