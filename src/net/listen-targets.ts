// Which sockets the listen options mean. An answer must leave from the address that was asked: either a wildcard becomes one socket per
// local address (dgram), or one socket per family that learns the asked address with each packet (native).
import { isWildcardHost, type ListenScheme, type ListenSpec } from '../config/listen-spec.js'
import { FAMILY_IPV4, FAMILY_IPV6, formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
import { localAddresses } from './local-addresses.js'

export type ListenerScheme = Exclude<ListenScheme, 'any'>

/** What the thread that relays for UDP clients opens, and what a stream worker does. */
export const UDP_SCHEMES: readonly ListenerScheme[] = ['udp']
export const TCP_SCHEMES: readonly ListenerScheme[] = ['tcp', 'tls']
export const DTLS_SCHEMES: readonly ListenerScheme[] = ['dtls']
export const STREAM_SCHEMES: readonly ListenerScheme[] = [...TCP_SCHEMES, ...DTLS_SCHEMES]

export interface ListenTarget {
  readonly scheme: ListenerScheme
  /** `host` is set; port 0 is an ephemeral port. */
  readonly address: TransportAddress
  readonly spec: ListenSpec
  /** It comes from a wildcard. */
  readonly isExpanded: boolean
}

/** The sockets of these options for these schemes, each scheme, address and port once; other specs are passed over. */
export function expandListenSpecs(specs: readonly ListenSpec[], schemes = UDP_SCHEMES): ListenTarget[] {
  return targetsOf(specs, schemes, localAddressesOf)
}

/** The same, with a wildcard as the unspecified address of each family that this machine has addresses of. */
export function wildcardListenTargets(specs: readonly ListenSpec[], schemes = UDP_SCHEMES): ListenTarget[] {
  return targetsOf(specs, schemes, (host) => {
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

/** Are there listeners of these schemes? */
export function hasListeners(specs: readonly ListenSpec[], schemes: readonly ListenerScheme[]): boolean {
  return specs.some((spec) => schemes.some((scheme) => isOf(spec, scheme)))
}

function isOf(spec: ListenSpec, scheme: ListenerScheme): boolean {
  return spec.scheme === scheme || (spec.scheme === 'any' && (scheme === 'udp' || scheme === 'tcp'))
}

function targetsOf(
  specs: readonly ListenSpec[],
  schemes: readonly ListenerScheme[],
  addressesOfWildcard: (host: string) => (TransportAddress | null)[],
): ListenTarget[] {
  const targets = new Map<string, ListenTarget>()
  // What is named comes before what a wildcard adds, so that an error is about the name.
  const isWildcard = (spec: ListenSpec) => isWildcardHost(spec.host)
  for (const spec of [...specs.filter((spec) => !isWildcard(spec)), ...specs.filter(isWildcard)]) {
    for (const scheme of schemes) {
      if (!isOf(spec, scheme)) continue
      for (const address of isWildcard(spec) ? addressesOfWildcard(spec.host) : [hostAddress(spec.host)]) {
        if (address === null) continue
        address.port = spec.port
        address.host = formatHost(address)
        // Port 0 is another port each time, but `any` and the same scheme by name are one socket.
        const key = address.port === 0 ? `${scheme}:${address}` : address.toString()
        if (!targets.has(key)) targets.set(key, { scheme, address, spec, isExpanded: isWildcard(spec) })
      }
    }
  }
  return [...targets.values()]
}
