// Which two addresses NAT behaviour discovery (RFC 5780) answers from: those that --listen names, or, of a wildcard, the first two public ones.
import { TurndError } from '../config/errors.js'
import type { ExternalIp } from '../config/external-ip.js'
import { isWildcardHost, type ListenSpec } from '../config/listen-spec.js'
import { discoveryPorts, discoverySpecs, twoAddressesText } from '../config/nat-discovery.js'
import type { Settings } from '../config/settings.js'
import { localAddressesOf } from '../net/listen-targets.js'
import { FAMILY_IPV4, FAMILY_IPV6, formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
import { cidrContains } from '../stun/cidr.js'
import { DENIED_BY_DEFAULT } from '../turn/address-blocks.js'
import type { DiscoveryPair } from '../turn/discovery-pairs.js'

type DiscoverySettings = Pick<Settings, 'listen' | 'natDiscovery' | 'natDiscoveryPort' | 'externalIp'>

/** One for each family that has two addresses, as far as the machine has them now; none where discovery is off. */
export function discoveryPairs(settings: DiscoverySettings): readonly DiscoveryPair[] {
  const specs = discoverySpecs(settings)
  if (specs.length === 0) return []
  const ports = discoveryPorts(settings)
  return [FAMILY_IPV4, FAMILY_IPV6].flatMap((family) => {
    const [one, two] = addressesOf(specs, settings.externalIp).filter((address) => address.family === family)
    if (two === undefined) return []
    const advertised = [one, two].map((address) => advertisedFor(address, settings.externalIp)) as [
      TransportAddress,
      TransportAddress,
    ]
    return [
      {
        addresses: [one, two] as const,
        advertised,
        ports,
        isForTcp: [one, two].every((each) => isForTcp(each, settings.listen, ports[0])),
      },
    ]
  })
}

/** Throws TurndError where the addresses of this machine, or their public sides, are too few. */
export function checkDiscoveryPairs(settings: DiscoverySettings): void {
  if (!settings.natDiscovery) return
  const pairs = discoveryPairs(settings)
  const name = (key: string, _like: string, value = '') =>
    `--${key === 'listen' ? key : 'nat-discovery'} ${value}`.trim()
  if (pairs.length === 0) {
    throw new TurndError('TURND_ERR_OPTION', twoAddressesText('--nat-discovery', { name }, discoveryPorts(settings)[0]))
  }
  for (const { advertised, addresses } of pairs) {
    if (!advertised[0].equalsHost(advertised[1])) continue
    const [one, two] = addresses.map(formatHost)
    throw new TurndError(
      'TURND_ERR_OPTION',
      `--nat-discovery answers from ${one} and ${two}, which clients know by one public address, ${formatHost(advertised[0])}: ` +
        `give each its own, --external-ip PUBLIC/${one} --external-ip PUBLIC/${two}`,
    )
  }
}

/**
 * In the order of the options; a wildcard adds public addresses of IPv4. Others of a machine may be those of containers, which no client reaches,
 * and of IPv6 some are there for a day (RFC 8981).
 */
function addressesOf(specs: readonly ListenSpec[], externalIps: readonly ExternalIp[]): TransportAddress[] {
  const named = specs.flatMap(({ host }) => (isWildcardHost(host) ? [] : [hostAddress(host) as TransportAddress]))
  const found = specs.flatMap(({ host }) => (isWildcardHost(host) ? localAddressesOf(host) : []))
  const isWanted = (address: TransportAddress) =>
    address.family === FAMILY_IPV4 &&
    !DENIED_BY_DEFAULT.some((block) => cidrContains(block, advertisedFor(address, externalIps)))
  const all = [...named, ...found.filter(isWanted)]
  return all.filter((address, index) => all.findIndex((other) => other.equalsHost(address)) === index)
}

/** A PUBLIC without a PRIVATE stands for every address of its family. */
function advertisedFor(address: TransportAddress, externalIps: readonly ExternalIp[]): TransportAddress {
  for (const { privateHost, publicHost } of externalIps) {
    const advertised = hostAddress(publicHost) as TransportAddress
    const isIts = privateHost === null ? advertised.family === address.family : privateHost === formatHost(address)
    if (isIts) return advertised
  }
  return address
}

function isForTcp(address: TransportAddress, listen: readonly ListenSpec[], first: number): boolean {
  return listen.some(({ host, port, scheme }) => {
    if (port !== first || (scheme !== 'any' && scheme !== 'tcp')) return false
    if (host === '*') return true
    return isWildcardHost(host) ? host.includes(':') === (address.family === FAMILY_IPV6) : host === formatHost(address)
  })
}
