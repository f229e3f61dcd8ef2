// What the rules of nftables (`nft -j list ruleset`; iptables-nft is among them) do to a stranger's first packet that comes to a port of this machine.
// Only what is certain is said: a condition that is not understood may hold or not, and then both are followed.
import { DOCTOR_FIREWALL_JUMP_COUNT_MAX } from '../limits/doctor.js'
import {
  field,
  type IncomingPacket,
  type Json,
  listOf,
  matches,
  portBoundaries,
  type Truth,
  textOf,
} from './firewall-conditions.js'

/** `limited`: what strangers send is dropped, and from addresses that rules name it may be taken. */
export type Fate = 'taken' | 'dropped' | 'limited' | 'unclear'

interface Chain {
  readonly family: string
  readonly hook: string
  readonly type: string
  readonly policy: string
  readonly rules: Json[]
}

/** What may become of a packet: `on` is the end of a chain without a verdict, `return` leaves it before. */
type Outcome = 'accept' | 'drop' | 'on' | 'return' | 'unclear'

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

  /** Ports at which the answer may change, whatever the protocol: between two of them it is one for all. */
  portBoundaries(): number[] {
    const expressions = [...this.#chains.values()].flatMap(({ rules }) =>
      rules.flatMap((rule) => listOf(field(rule, 'expr'))),
    )
    return expressions.flatMap((expression) => {
      const [match, map] = [field(expression, 'match'), field(expression, 'vmap')]
      const keys = listOf(field(field(map, 'data'), 'set')).map((pair) => listOf(pair)[0] ?? null)
      return [
        ...portBoundaries(field(match, 'left'), field(match, 'right')),
        ...keys.flatMap((key) => portBoundaries(field(map, 'key'), key)),
      ]
    })
  }

  fateOf(protocol: 'udp' | 'tcp', port: number): Fate {
    const fate = this.#fateOf({ protocol, port, source: 'stranger' })
    if (fate !== 'dropped') return fate
    return this.#fateOf({ protocol, port, source: 'named' }) === 'dropped' ? 'dropped' : 'limited'
  }

  /** Every chain must take it. */
  #fateOf(packet: IncomingPacket): Fate {
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
    if (chain === undefined || depth > DOCTOR_FIREWALL_JUMP_COUNT_MAX) return new Set(['unclear'])
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

function and(one: Truth, other: Truth): Truth {
  if (one === false || other === false) return false
  return one === null || other === null ? null : true
}

function keyOf(of: Json, name: string): string {
  return `${textOf(field(of, 'family'))} ${textOf(field(of, 'table'))} ${textOf(field(of, name))}`
}
