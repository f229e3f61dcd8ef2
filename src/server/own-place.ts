// Whether clients would be sent back to this very server: an alternate that is one of its listeners, as they are configured, or its public side.
import { isWildcardHost, type ListenScheme, type ListenSpec } from '../config/listen-spec.js'
import { localAddresses } from '../net/local-addresses.js'
import { hostAddress, type TransportAddress } from '../stun/address.js'
import type { RelayHost } from '../turn/relay-host.js'

/** Where this server is reached. */
export interface OwnPlaces {
  readonly listen: readonly ListenSpec[]
  readonly localHosts: readonly TransportAddress[]
  /** The public sides of static NAT. */
  readonly publicHosts: readonly TransportAddress[]
}

type Target = { readonly scheme: ListenScheme; readonly port: number }

export function ownPlaces(listen: readonly ListenSpec[], relayHosts: readonly RelayHost[]): OwnPlaces {
  const publicHosts = relayHosts
    .filter(({ address, advertised }) => !advertised.equalsHost(address))
    .map(({ advertised }) => advertised)
  return { listen, localHosts: localAddresses(), publicHosts }
}

/** The listener whose clients would be sent to one of our own, were `address` an alternate with this scheme and port; null: nobody's. */
export function ownListenerAt(places: OwnPlaces, address: TransportAddress, { port, scheme }: Target): string | null {
  const sent = places.listen.flatMap(transportsOf).filter((own) => scheme === 'any' || scheme === own.scheme)
  for (const own of sent) {
    // What turn/alternates.ts tells a client of this listener.
    const isMeant = scheme !== 'any' || own.scheme === 'udp' || own.scheme === 'tcp'
    const target = port !== 0 && isMeant ? port : own.port
    const reached = places.listen.flatMap(transportsOf).find((other) => {
      return other.scheme === own.scheme && other.port === target && isReachedAt(places, other, address)
    })
    if (reached !== undefined) return reached.text
  }
  return null
}

function isReachedAt({ localHosts, publicHosts }: OwnPlaces, { host }: ListenSpec, address: TransportAddress): boolean {
  if (publicHosts.some((one) => one.equalsHost(address))) return true
  const own = isWildcardHost(host) ? localHosts : [hostAddress(host)]
  return own.some((one) => one?.equalsHost(address) === true)
}

/** Without a scheme an option is two. */
function transportsOf(spec: ListenSpec): ListenSpec[] {
  const schemes: readonly ListenScheme[] = spec.scheme === 'any' ? ['udp', 'tcp'] : [spec.scheme]
  return schemes.map((scheme) => ({ ...spec, scheme }))
}
