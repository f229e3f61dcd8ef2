// How a client without any URI finds the TURN servers of the network it is in (RFC 8155): service resolution of the domain (§4), DNS service
// discovery (§5), and the anycast addresses (§6). All three are gone through: the RFC prescribes no order.
import type { TransportKind } from '../turn-uri.js'
import { bySrv, candidateOf, serviceLabels, type WalkGoal } from './srv-candidates.js'
import { byNaptr } from './turn-resolution.js'
import { type Candidate, each, type Walk } from './walk.js'

/** RFC 8155 §8: the same everywhere, with the default port. A server answers there with 300 and its own address. */
export const ANYCAST_ADDRESSES: Readonly<Record<4 | 6, string>> = { 4: '192.0.0.10', 6: '2001:1::2' }

export interface Discovery {
  readonly mechanism: 'service-resolution' | 'dns-sd' | 'anycast'
  readonly candidates: readonly Candidate[]
}

export async function discoverServers(
  domain: string,
  transports: readonly TransportKind[],
  walk: Walk,
): Promise<Discovery[]> {
  const goal: WalkGoal = { host: domain, kind: 'turn' }
  walk.note('service resolution: NAPTR records of the domain (RFC 8155 §4)')
  const resolved = await byNaptr(goal, transports, walk)
  if (resolved === null) walk.note(`${domain} has no NAPTR record of TURN: this way ends here (RFC 8155 §4.2)`)
  walk.note('DNS service discovery: PTR records of each service (RFC 8155 §5, RFC 6763)')
  const browsed = await each(transports, (transport) => byServiceDiscovery(goal, transport, walk))
  walk.note(
    'anycast: the nearest server answers there, if the network has one; nobody was asked (RFC 8155 §6). Multicast DNS (RFC 8155 §5.1) is not tried',
  )
  const anycast = transports
    .filter((transport) => transport === 'udp' || transport === 'tcp')
    .flatMap((transport) =>
      walk.options.families.map((family) => {
        const address = ANYCAST_ADDRESSES[family]
        return candidateOf(goal, transport, { host: address, address, port: null })
      }),
    )
  return [
    { mechanism: 'service-resolution', candidates: resolved ?? [] },
    { mechanism: 'dns-sd', candidates: browsed },
    { mechanism: 'anycast', candidates: anycast },
  ]
}

/** The instances of a service, and the SRV record of each (RFC 6763 §4, §5). */
async function byServiceDiscovery(goal: WalkGoal, transport: TransportKind, walk: Walk): Promise<Candidate[]> {
  const { records } = await walk.ask('PTR', `${serviceLabels(goal.kind, transport)}.${goal.host}`)
  return each(records, async (instance) => {
    const found = await bySrv(goal, transport, instance, walk)
    if (found === null) walk.fault(`the instance ${instance} has no SRV record`)
    return found ?? []
  })
}

/** The domain of a user's own identity (RFC 8155 §4.1.2): `sip:alice@example.com`, `alice@example.com`, or the domain itself. */
export function domainOfIdentity(text: string): string {
  const [, domain] = /^(?:[a-z][a-z0-9+.-]*:)?[^@]+@([^@;?/]+)/i.exec(text) ?? []
  return (domain ?? text).toLowerCase().replace(/\.$/, '')
}
