// Which sockets the listen options mean: a wildcard becomes one socket per local address, so that every answer leaves from the
// address that was asked.

import { isWildcardHost, type ListenSpec } from '../config/listen-spec.js'
import { FAMILY_IPV4, formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
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
  const targets = new Map<string, ListenTarget>()
  const udpSpecs = specs.filter((spec) => spec.scheme === 'udp' || spec.scheme === 'any')
  // What is named comes before what a wildcard adds, so that an error is about the name.
  const isWildcard = (spec: ListenSpec) => isWildcardHost(spec.host)
  for (const spec of [...udpSpecs.filter((spec) => !isWildcard(spec)), ...udpSpecs.filter(isWildcard)]) {
    for (const address of isWildcard(spec) ? wildcardAddresses(spec.host) : [hostAddress(spec.host)]) {
      if (address === null) continue
      address.port = spec.port
      address.host = formatHost(address)
      const key = address.toString()
      if (!targets.has(key)) targets.set(key, { address, spec, isExpanded: isWildcard(spec) })
    }
  }
  return [...targets.values()]
}

function wildcardAddresses(host: string): TransportAddress[] {
  return localAddresses().filter((address) => {
    if (host === '*') return true
    return (host === '0.0.0.0') === (address.family === FAMILY_IPV4)
  })
}
