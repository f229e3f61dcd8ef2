// Which sockets the listen options mean. An answer must leave from the address that was asked: either a wildcard becomes one socket per
// local address (dgram), or one socket per family that learns the asked address with each packet (native).
import { isWildcardHost, type ListenSpec } from '../config/listen-spec.js'
import { FAMILY_IPV4, FAMILY_IPV6, formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
import { localAddresses } from './local-addresses.js'

export interface ListenTarget {
  /** `host` is set; port 0 is an ephemeral port. */
  readonly address: TransportAddress
  readonly spec: ListenSpec
  /** It comes from a wildcard. */
  readonly isExpanded: boolean
}

/** The UDP sockets of these options, each address and port once; specs of other transports are passed over. */
export function expandListenSpecs(specs: readonly ListenSpec[]): ListenTarget[] {
  return targetsOf(specs, localAddressesOf)
}

/** The same, with a wildcard as the unspecified address of each family that this machine has addresses of. */
export function wildcardListenTargets(specs: readonly ListenSpec[]): ListenTarget[] {
  return targetsOf(specs, (host) => {
    const locals = localAddressesOf(host)
    const unspecified = { [FAMILY_IPV4]: '0.0.0.0', [FAMILY_IPV6]: '::' }
    const families = [FAMILY_IPV4, FAMILY_IPV6] as const
    return families
      .filter((family) => locals.some((local) => local.family === family))
      .map((family) => hostAddress(unspecified[family]))
  })
}

/** The local addresses that a wildcard stands for at this moment. */
export function localAddressesOf(wildcardHost: string): TransportAddress[] {
  return localAddresses().filter((address) => {
    if (wildcardHost === '*') return true
    return (wildcardHost === '0.0.0.0') === (address.family === FAMILY_IPV4)
  })
}

function targetsOf(
  specs: readonly ListenSpec[],
  addressesOfWildcard: (host: string) => (TransportAddress | null)[],
): ListenTarget[] {
  const targets = new Map<string, ListenTarget>()
  const udpSpecs = specs.filter((spec) => spec.scheme === 'udp' || spec.scheme === 'any')
  // What is named comes before what a wildcard adds, so that an error is about the name.
  const isWildcard = (spec: ListenSpec) => isWildcardHost(spec.host)
  for (const spec of [...udpSpecs.filter((spec) => !isWildcard(spec)), ...udpSpecs.filter(isWildcard)]) {
    for (const address of isWildcard(spec) ? addressesOfWildcard(spec.host) : [hostAddress(spec.host)]) {
      if (address === null) continue
      address.port = spec.port
      address.host = formatHost(address)
      const key = address.toString()
      if (!targets.has(key)) targets.set(key, { address, spec, isExpanded: isWildcard(spec) })
    }
  }
  return [...targets.values()]
}
