// The edge of a video conference in little, as network namespaces: clients outside, a firewall with static NAT, servers behind it. Each client is in
// a network of its own, for which the firewall has rules of its own, so that all faults exist at once.
//
//   clients 172.16.84.124, 172.16.85.124, … ── firewall ── edge 192.168.245.61
//                                              10.88.246.156 and .157 stand for the edge
import type { Closing } from '../support/closing.js'
import { createNamespace, enableForwarding, type NetworkNamespace } from '../support/namespace.js'
import { loadRules, plugIn, staticNat } from '../support/static-nat.js'

export const PUBLIC = '10.88.246.156'
export const OTHER_PUBLIC = '10.88.246.157'
export const EDGE = '192.168.245.61'
/** Of all clients: private addresses are no peers unless a rule opens them. */
export const OUTSIDE = '172.16.84.0/22'

const EDGE_ROUTER = '192.168.245.1'
/** Where servers listen, and where their relays are. */
const SERVER_PORTS = '3478-3489'
const RELAY_PORTS = '24000-24999'

/** What the firewall does to a client; the rest is open. */
export type Mischief = 'none' | 'range closed' | 'UDP closed' | 'relays held back'

/** Rules of nftables, before whatever is known is let through: `CLIENT` is its network. */
const RULES: Readonly<Record<Mischief, readonly string[]>> = {
  none: [],
  // What a relay has sent opens the way for answers, as in real firewalls.
  'range closed': [`ct state new ip saddr CLIENT udp dport ${RELAY_PORTS} drop`],
  'UDP closed': ['ip saddr CLIENT meta l4proto udp drop'],
  'relays held back': [`ip daddr CLIENT udp sport ${RELAY_PORTS} drop`],
}

export interface Lab {
  readonly edge: NetworkNamespace
  /** Outside, behind a firewall that does this to it. */
  client(mischief: Mischief): NetworkNamespace
}

/** Everything is gone when `t` or the process ends. */
export function makeLab(t: Closing, mischiefs: readonly Mischief[]): Lab {
  const [firewall, edge] = [createNamespace(t, []), createNamespace(t, [])]
  plugIn(edge, EDGE, firewall, EDGE_ROUTER)
  const clients = new Map<Mischief, NetworkNamespace>()
  const rules = mischiefs.flatMap((mischief, index) => {
    const network = `172.16.${84 + index}`
    const client = createNamespace(t, [])
    plugIn(client, `${network}.124`, firewall, `${network}.1`)
    clients.set(mischief, client)
    return RULES[mischief].map((rule) => rule.replace('CLIENT', `${network}.0/24`))
  })
  enableForwarding(firewall)
  const nat = { outside: OUTSIDE, publicAddresses: [PUBLIC, OTHER_PUBLIC], server: EDGE, rules }
  loadRules(
    firewall,
    staticNat({ ...nat, tcpPorts: `443, 444, ${SERVER_PORTS}`, udpPorts: `${SERVER_PORTS}, ${RELAY_PORTS}` }),
  )
  return { edge, client: (mischief) => clients.get(mischief)! }
}
