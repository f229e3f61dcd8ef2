// What stream workers need to know beside a core's settings: plain data, the same for all of them and for their successors.
import { profileTraits } from '../config/profile.js'
import type { Settings } from '../config/settings.js'
import type { PageNames } from '../net/stream/http-host.js'
import type { Cidr } from '../stun/cidr.js'

export interface StreamSettings {
  readonly proxyProtocolFrom: readonly Cidr[]
  readonly httpUpstream: string | null
  /** PEM text; null: the well-known authorities. */
  readonly httpUpstreamCa: string | null
  readonly pageNames: PageNames
  /** Memory of the ConnectionCap. */
  readonly connectionCap: SharedArrayBuffer
}

/** @param connectionCap the same for as long as the server runs */
export function streamSettings(
  { httpName, httpUpstream, profile, proxyProtocolFrom }: Settings,
  httpUpstreamCa: string | null,
  connectionCap: SharedArrayBuffer,
): StreamSettings {
  const pageNames = { names: httpName, status: profileTraits(profile).misdirectedStatus }
  return { proxyProtocolFrom, httpUpstream, httpUpstreamCa, pageNames, connectionCap }
}
