// The firewall of this machine itself: whether its rules drop what clients send to listeners and peers to relays. Firewalls in front of the machine are
// seen from outside only.
import { setImmediate } from 'node:timers/promises'
import { withDiscoveryListeners } from '../../config/nat-discovery.js'
import { DTLS_SCHEMES, TCP_SCHEMES, UDP_SCHEMES, wildcardListenTargets } from '../../net/listen-targets.js'
import { type Check, fault, type Judgement, notChecked, warning, well } from '../check.js'
import { type Fate, FirewallRules } from '../firewall-rules.js'
import type { Machine } from '../machine.js'
import type { InsideScene } from './scene.js'

export interface PortRange {
  readonly protocol: 'udp' | 'tcp'
  readonly first: number
  readonly last: number
}

/** A part of a range, and what becomes of packets to each of its ports. */
export interface JudgedRange extends PortRange {
  readonly fate: Fate
}

/** @param parts of what has to be open */
export function judgeFirewall(parts: readonly JudgedRange[]): Judgement {
  const portsOf = (fate: Fate) => parts.filter((part) => part.fate === fate)
  const [dropped, limited, unclear] = [portsOf('dropped'), portsOf('limited'), portsOf('unclear')]
  if (dropped.length > 0) {
    const ports = portsText(dropped)
    return fault(
      `this machine's own firewall drops ${ports}`,
      `the rules of this machine's firewall (nft list ruleset) drop what strangers send to ${ports}`,
      `Let them through, by nft in its input chain: ${rulesText(dropped)}`,
    )
  }
  if (limited.length > 0) {
    return warning(
      `the rules of this machine's firewall (nft list ruleset) open ${portsText(limited)} to none but addresses that they name: for everybody else they are closed`,
      `Leave it if all clients and peers are there; else let them through, by nft in its input chain: ${rulesText(limited)}`,
    )
  }
  if (unclear.length > 0) {
    return notChecked(
      `the firewall of this machine has conditions that say nothing certain of ${portsText(unclear)}: look from outside`,
    )
  }
  return well(`the firewall of this machine lets ${portsText(parts)} through`)
}

/** Rules can be many, and ports as well: nothing else waits for them, and the signal ends it. */
export async function judgedRanges(
  ranges: readonly PortRange[],
  rules: FirewallRules,
  signal: AbortSignal,
): Promise<JudgedRange[]> {
  const boundaries = rules.portBoundaries()
  const judged: JudgedRange[] = []
  for (const { first, last, protocol } of ranges) {
    const starts = new Set([first, ...boundaries.filter((port) => port > first && port <= last)])
    const sorted = [...starts].sort((one, other) => one - other)
    const parts: JudgedRange[] = []
    for (const [index, start] of sorted.entries()) {
      await setImmediate(undefined, { signal })
      const end = (sorted[index + 1] ?? last + 1) - 1
      parts.push({ protocol, first: start, last: end, fate: rules.fateOf(protocol, start) })
    }
    judged.push(...joined(parts))
  }
  return judged
}

export const localFirewall: Check<InsideScene> = {
  id: 'local-firewall',
  needs: ['configuration'],
  async run({ machine, settings }, signal) {
    const rules = await readRules(machine)
    if (typeof rules === 'string') return notChecked(rules)
    const { listen, maxPort, minPort } = withDiscoveryListeners(settings)
    const listeners = [UDP_SCHEMES, TCP_SCHEMES, DTLS_SCHEMES].flatMap((schemes) =>
      wildcardListenTargets(listen, schemes),
    )
    const ports = listeners.filter(
      ({ address }) => address.family === 4 && !address.host.startsWith('127.') && address.port !== 0,
    )
    const ranges = new Map<string, PortRange>()
    const add = (range: PortRange) => ranges.set(rangeText(range), range)
    for (const { address, scheme } of ports) {
      const protocol = TCP_SCHEMES.includes(scheme) ? 'tcp' : 'udp'
      add({ protocol, first: address.port, last: address.port })
    }
    add({ protocol: 'udp', first: minPort, last: maxPort })
    if (!rules.filtersInput) return well('the firewall of this machine (nftables) has no rules for what comes in')
    return judgeFirewall(await judgedRanges([...ranges.values()], rules, signal))
  },
}

/** Why they cannot be read, otherwise. */
async function readRules(machine: Machine): Promise<FirewallRules | string> {
  // The modules of iptables before nftables: its rules are not among those of nft.
  if (/^filter$/m.test(machine.readText('/proc/net/ip_tables_names') ?? '')) {
    return 'the firewall of this machine has rules of the older iptables, which are not read'
  }
  const text = await machine.output('nft', ['--json', 'list', 'ruleset'])
  if (text === null) return "the rules of this machine's firewall cannot be read: that takes root, and the command nft"
  try {
    return new FirewallRules(text)
  } catch {
    return 'the answer of nft is not understood'
  }
}

/** Neighbours of one fate are one. */
function joined(parts: readonly JudgedRange[]): JudgedRange[] {
  const wide: JudgedRange[] = []
  for (const part of parts) {
    const open = wide.at(-1)
    if (open?.fate === part.fate && open.last === part.first - 1) wide[wide.length - 1] = { ...open, last: part.last }
    else wide.push(part)
  }
  return wide
}

function portsText(ranges: readonly PortRange[]): string {
  return ranges.map(rangeText).join(', ')
}

function rulesText(ranges: readonly PortRange[]): string {
  return ranges
    .map(({ first, last, protocol }) => `${protocol} dport ${first === last ? first : `${first}-${last}`} accept`)
    .join('; ')
}

function rangeText({ first, last, protocol }: PortRange): string {
  return `${protocol.toUpperCase()} ${first === last ? first : `${first}-${last}`}`
}
