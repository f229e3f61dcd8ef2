// The firewall of this machine itself: whether its rules drop what clients send to listeners and peers to relays. Firewalls in front of the machine are
// seen from outside only.
import { DTLS_SCHEMES, TCP_SCHEMES, UDP_SCHEMES, wildcardListenTargets } from '../../net/listen-targets.js'
import { type Check, fault, type Judgement, notChecked, well } from '../check.js'
import { type Fate, FirewallRules, type IncomingPacket } from '../firewall-rules.js'
import type { Machine } from '../machine.js'
import type { InsideScene } from './scene.js'

export interface PortRange {
  readonly protocol: 'udp' | 'tcp'
  readonly first: number
  readonly last: number
}

/** @param ranges what has to be open @param fateOf what the rules do */
export function judgeFirewall(ranges: readonly PortRange[], fateOf: (packet: IncomingPacket) => Fate): Judgement {
  const portsOf = (fate: Fate) => ranges.flatMap((range) => partsWith(range, fate, fateOf))
  const [dropped, unclear] = [portsOf('dropped'), portsOf('unclear')]
  if (dropped.length > 0) {
    const ports = dropped.map(rangeText).join(', ')
    const rules = dropped.map(ruleText).join('; ')
    return fault(
      `this machine's own firewall drops ${ports}`,
      `the rules of this machine's firewall (nft list ruleset) drop what strangers send to ${ports}`,
      `Let them through, by nft in its input chain: ${rules}`,
    )
  }
  if (unclear.length > 0) {
    const ports = unclear.map(rangeText).join(', ')
    return notChecked(
      `the firewall of this machine has conditions that say nothing certain of ${ports}: look from outside`,
    )
  }
  return well(`the firewall of this machine lets ${ranges.map(rangeText).join(', ')} through`)
}

export const localFirewall: Check<InsideScene> = {
  id: 'local-firewall',
  needs: ['configuration'],
  async run({ machine, settings }) {
    const rules = await readRules(machine)
    if (typeof rules === 'string') return notChecked(rules)
    const { listen, maxPort, minPort } = settings
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
    return judgeFirewall([...ranges.values()], (packet) => rules.fateOf(packet))
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

/** The parts of a range that this becomes of. */
function partsWith(
  { first, last, protocol }: PortRange,
  fate: Fate,
  fateOf: (packet: IncomingPacket) => Fate,
): PortRange[] {
  const parts: PortRange[] = []
  for (let port = first; port <= last; port++) {
    if (fateOf({ protocol, port }) !== fate) continue
    const open = parts.at(-1)
    if (open !== undefined && open.last === port - 1) parts[parts.length - 1] = { ...open, last: port }
    else parts.push({ protocol, first: port, last: port })
  }
  return parts
}

function rangeText({ first, last, protocol }: PortRange): string {
  return `${protocol.toUpperCase()} ${first === last ? first : `${first}-${last}`}`
}

function ruleText({ first, last, protocol }: PortRange): string {
  return `${protocol} dport ${first === last ? first : `${first}-${last}`} accept`
}
