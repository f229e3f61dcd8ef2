// The DNS records of a server, in blocks that say what each is for: made from its places, whatever the format they are printed in.
import { PROTOCOL_TAGS, RELAY_SERVICE } from '../client/discovery/relay-naptr.js'
import { ANYCAST_ADDRESSES } from '../client/discovery/server-discovery.js'
import { serviceLabels } from '../client/discovery/srv-candidates.js'
import type { TransportKind } from '../client/turn-uri.js'
import { familyOf } from '../config/ip-address.js'
import type { ListenPlace } from './dns-places.js'

/** Names are absolute, without their last dot. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly name: string; readonly address: string }
  | {
      readonly type: 'SRV'
      readonly name: string
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | {
      readonly type: 'NAPTR'
      readonly name: string
      readonly order: number
      readonly preference: number
      readonly flags: string
      readonly service: string
      readonly replacement: string
    }
  | { readonly type: 'PTR'; readonly name: string; readonly target: string }
  | { readonly type: 'TXT'; readonly name: string; readonly text: string }

export interface DnsBlock {
  readonly id: 'host' | 'turn-srv' | 'turn-naptr' | 'stun-srv' | 'nat-discovery' | 'service-discovery' | 'anycast'
  /** Who uses it, and for what: lines of a comment. */
  readonly about: readonly string[]
  readonly records: readonly DnsRecord[]
}

export interface DnsWishes {
  readonly domain: string
  readonly hostName: string
  readonly priority: number
  readonly weight: number
  readonly prefer: readonly TransportKind[]
  readonly hasNatDiscovery: boolean
}

/** A place under the name by which it is reached. */
export interface NamedPlace extends ListenPlace {
  readonly host: string
  /** Among the ports of its transport: the first one given is tried first. */
  readonly rank: number
}

export function dnsBlocks(named: readonly NamedPlace[], wishes: DnsWishes): DnsBlock[] {
  return [
    hostBlock(named, wishes),
    turnSrvBlock(named, wishes),
    turnNaptrBlock(named, wishes),
    stunSrvBlock(named, wishes),
    natDiscoveryBlock(named, wishes),
    serviceDiscoveryBlock(named, wishes),
    anycastBlock(named),
  ].filter(({ id, records }) => id === 'anycast' || records.length > 0)
}

/** The host's name, and another one for places that are not at all of its addresses: an address record holds for every port. */
export function namePlaces(places: readonly ListenPlace[], hostName: string): NamedPlace[] {
  const names = new Map<string, string>()
  const ranks = new Map<TransportKind, number>()
  return places.map((place) => {
    const key = [...place.addresses].sort().join(' ')
    const host = names.get(key) ?? (names.size === 0 ? hostName : numbered(hostName, names.size + 1))
    names.set(key, host)
    const rank = ranks.get(place.transport) ?? 0
    ranks.set(place.transport, rank + 1)
    return { ...place, host, rank }
  })
}

/** `turn-2.example.org` */
function numbered(name: string, number: number): string {
  return name.replace(/^[^.]+/, (label) => `${label}-${number}`)
}

function hostBlock(places: readonly NamedPlace[], { domain }: DnsWishes): DnsBlock {
  const addresses = new Map(places.map(({ addresses, host }) => [host, addresses] as const))
  const records = [...addresses]
    .filter(([host]) => isWithin(host, domain))
    .flatMap(([name, list]) =>
      list.map((address): DnsRecord => ({ type: familyOf(address) === 4 ? 'A' : 'AAAA', name, address })),
    )
  return { id: 'host', about: ['The server itself. Browsers look up nothing else, and everybody ends here.'], records }
}

export function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

function turnSrvBlock(places: readonly NamedPlace[], wishes: DnsWishes): DnsBlock {
  return {
    id: 'turn-srv',
    about: [
      `TURN by SRV records (RFC 8656, RFC 5928): libraries and call bridges that are given turn:${wishes.domain} or`,
      `turns:${wishes.domain}, without a port. Of several ports the one of the first --listen is tried first.`,
    ],
    records: places.map((place) => srvRecord(serviceLabels('turn', place.transport), place, wishes)),
  }
}

function srvRecord(service: string, { host, port, rank }: NamedPlace, wishes: DnsWishes): DnsRecord {
  const { domain, priority, weight } = wishes
  return { type: 'SRV', name: `${service}.${domain}`, priority: priority + rank, weight, port, target: host }
}

function turnNaptrBlock(places: readonly NamedPlace[], { domain, prefer }: DnsWishes): DnsBlock {
  const offered = prefer.filter((transport) => places.some((place) => place.transport === transport))
  return {
    id: 'turn-naptr',
    about: [
      'Which transport this domain prefers (RFC 5928; RFC 7350 for DTLS): clients that walk it try the lowest order first,',
      'and a network offers its TURN servers to its clients by them (RFC 8155 section 4).',
    ],
    records: offered.map((transport, index) => ({
      type: 'NAPTR',
      name: domain,
      order: 10 * (index + 1),
      preference: 10,
      flags: 's',
      service: `${RELAY_SERVICE}:${PROTOCOL_TAGS[transport]}`,
      replacement: `${serviceLabels('turn', transport)}.${domain}`,
    })),
  }
}

function stunSrvBlock(places: readonly NamedPlace[], wishes: DnsWishes): DnsBlock {
  return {
    id: 'stun-srv',
    about: [
      `STUN (RFC 8489 section 8): libraries and SIP phones that are given stun:${wishes.domain} or the domain alone.`,
    ],
    records: places.map((place) => srvRecord(serviceLabels('stun', place.transport), place, wishes)),
  }
}

/** RFC 5780 §4.1: over UDP, since what a NAT does with ports of TCP is another matter. */
function natDiscoveryBlock(places: readonly NamedPlace[], wishes: DnsWishes): DnsBlock {
  const udp = wishes.hasNatDiscovery ? places.filter(({ transport }) => transport === 'udp') : []
  return {
    id: 'nat-discovery',
    about: ['NAT behaviour discovery (RFC 5780): tools that find out what a NAT does.'],
    records: udp.map((place) => srvRecord('_stun-behavior._udp', place, wishes)),
  }
}

function serviceDiscoveryBlock(places: readonly NamedPlace[], { domain, hostName }: DnsWishes): DnsBlock {
  const label = hostName.split('.')[0]
  const services = [...new Set(places.map(({ transport }) => serviceLabels('turn', transport)))]
  return {
    id: 'service-discovery',
    about: [
      'DNS service discovery (RFC 8155 section 5, RFC 6763): clients in a network that look for TURN servers without being',
      'told of any. Leave it out of a zone that the whole Internet sees.',
    ],
    records: [
      ...['b', 'lb'].map(
        (browse): DnsRecord => ({ type: 'PTR', name: `${browse}._dns-sd._udp.${domain}`, target: domain }),
      ),
      ...services.map(
        (service): DnsRecord => ({
          type: 'PTR',
          name: `_services._dns-sd._udp.${domain}`,
          target: `${service}.${domain}`,
        }),
      ),
      ...places.flatMap(({ host, port, rank, transport }): DnsRecord[] => {
        const service = `${serviceLabels('turn', transport)}.${domain}`
        const instance = `${rank === 0 ? label : `${label}-${port}`}.${service}`
        return [
          { type: 'PTR', name: service, target: instance },
          { type: 'SRV', name: instance, priority: 0, weight: 0, port, target: host },
          { type: 'TXT', name: instance, text: '' },
        ]
      }),
    ],
  }
}

/** No records: the addresses are the same everywhere. */
function anycastBlock(places: readonly NamedPlace[]): DnsBlock {
  const addresses = places.flatMap((place) => place.addresses)
  const families = ([4, 6] as const).filter((family) => addresses.some((address) => familyOf(address) === family))
  const lines = families.flatMap((family) => {
    const anycast = ANYCAST_ADDRESSES[family]
    const prefix = `${anycast}/${family === 4 ? 32 : 128}`
    const own = addresses.find((address) => familyOf(address) === family)!
    const place = family === 4 ? `${anycast}:3478` : `[${anycast}]:3478`
    return [
      `  ip address add ${prefix} dev lo   and announce ${prefix} to the routers of your network`,
      `  turnd --listen ${place} --alternate ${family === 4 ? own : `[${own}]`} --alternate-above 0   with the same users`,
    ]
  })
  return {
    id: 'anycast',
    about: [
      'Anycast (RFC 8155 section 6) needs no record: clients send an Allocate to an address that is the same everywhere, and the',
      'nearest server sends them on, with 300, to its own one. A second turnd does that, beside one whose --listen names addresses:',
      ...lines,
    ],
    records: [],
  }
}
