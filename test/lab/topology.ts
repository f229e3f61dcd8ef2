// The double-domain deployment on one machine: network namespaces with the addresses that such a deployment has (addresses.ts), cables between them, a
// firewall with static NAT, and a resolver on each side of it. Needs root.
//
//   outside                 firewall                        edge                           inside        cms
//   172.16.84.124 ── 172.16.84.1  192.168.245.1 ── 192.168.245.61  172.16.85.168 ── 172.16.85.1 ── 172.16.85.180
//                        10.88.246.156 stands for 192.168.245.61   LAN1
//                    DNS: octavio.com                LAN2                          DNS: octavio.local, octavio.com
import type { Closing } from '../support/closing.js'
import type { Daemon } from '../support/daemon.js'
import {
  connectNamespaces,
  connectToSwitch,
  createNamespace,
  disableForwarding,
  enableForwarding,
  type NetworkNamespace,
  setDefaultRoute,
  withoutCables,
} from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { plugIn } from '../support/static-nat.js'
import {
  CLIENT,
  CMS,
  EDGE_INSIDE,
  EDGE_OUTSIDE,
  FIREWALL_INSIDE,
  FIREWALL_OUTSIDE,
  INSIDE_ROUTER,
  INSIDE_VIEW,
  OUTSIDE_VIEW,
} from './addresses.js'
import { Firewall, type Holes } from './firewall.js'
import { startResolver, useResolver } from './resolver.js'

export * from './addresses.js'

const MTU = 1500
/** Labs of this process so far: their namespaces need names of their own. */
let labCount = 0

export interface Octavio {
  /** The external client's. */
  readonly outside: NetworkNamespace
  readonly edge: NetworkNamespace
  /** The router of the inside network, and its resolver. */
  readonly inside: NetworkNamespace
  readonly cms: NetworkNamespace
  readonly firewall: Firewall
  /** What they were asked is in their lines. */
  readonly resolvers: { readonly outside: Daemon; readonly inside: Daemon }
}

/** Why there can be no lab on this machine, or false. */
export function withoutLab(): string | false {
  return withoutCables() || peerOrSkip('nft', 'dnsmasq')
}

/** Everything is gone when `t` or the process ends. @param holes of the firewall; open unless they are said to be closed */
export async function makeOctavio(t: Closing, holes: Partial<Holes> = {}): Promise<Octavio> {
  const number = labCount++
  const make = (label: string, addresses: readonly string[] = []) =>
    createNamespace(t, addresses, number === 0 ? label : `${label}-${number + 1}`)
  const [outside, wall, edge, cms] = [make('outside'), make('firewall'), make('edge'), make('cms')]
  const inside = make('inside', [`${INSIDE_ROUTER}/32`])
  plugIn(outside, CLIENT, wall, FIREWALL_OUTSIDE, { end: 'eth0', router: 'outside' })
  plugIn(edge, EDGE_OUTSIDE, wall, FIREWALL_INSIDE, { end: 'lan2', router: 'edge' })
  plugInside(inside, { namespace: edge, address: EDGE_INSIDE, device: 'lan1' }, 'edge')
  plugInside(inside, { namespace: cms, address: CMS, device: 'eth0' }, 'cms')
  setDefaultRoute(cms, INSIDE_ROUTER)
  for (const router of [wall, inside]) enableForwarding(router)
  // Neither is a router: what passes between its cards goes through turnd.
  for (const host of [outside, edge, cms]) disableForwarding(host)
  const firewall = new Firewall(wall, holes)
  useResolver(t, outside, FIREWALL_OUTSIDE)
  for (const host of [edge, cms]) useResolver(t, host, INSIDE_ROUTER)
  const [outsideResolver, insideResolver] = await Promise.all([
    startResolver(t, wall, FIREWALL_OUTSIDE, OUTSIDE_VIEW),
    startResolver(t, inside, INSIDE_ROUTER, INSIDE_VIEW),
  ])
  return { outside, edge, inside, cms, firewall, resolvers: { outside: outsideResolver, inside: insideResolver } }
}

interface InsideHost {
  readonly namespace: NetworkNamespace
  readonly address: string
  readonly device: string
}

function plugInside(router: NetworkNamespace, host: InsideHost, port: string): void {
  const { address, device, namespace } = host
  connectNamespaces(
    { namespace, addresses: [`${address}/24`], device },
    { namespace: router, addresses: [], device: port },
    MTU,
  )
  connectToSwitch(router, port, address)
}
