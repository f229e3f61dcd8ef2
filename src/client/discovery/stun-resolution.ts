// How a client gets from a `stun:` or `stuns:` URI to transport addresses (RFC 8489 §8): SRV records of each transport, else the addresses of the
// name. STUN has no NAPTR records.
import { hostAddress } from '../../stun/address.js'
import { ClientError } from '../client-error.js'
import { formatTurnUri, type TransportKind, type TurnUri } from '../turn-uri.js'
import { byAddress, bySrvOrAddress, candidateOf, isSecure, type WalkGoal } from './srv-candidates.js'
import { type Candidate, each, type Walk } from './walk.js'

/**
 * In the order in which a client would try them; none if the records lead nowhere.
 * @throws ClientError `bad-uri` if the client has no transport for the URI, or has to reject it
 */
export async function resolveStun(
  uri: TurnUri,
  transports: readonly TransportKind[],
  walk: Walk,
): Promise<Candidate[]> {
  const goal: WalkGoal = { host: uri.host, kind: 'stun' }
  const isSecureUri = uri.scheme === 'stuns'
  const usable = transports.filter((transport) => isSecure(transport) === isSecureUri)
  if (usable.length === 0) {
    const wanted = isSecureUri ? 'TLS or DTLS' : 'UDP or TCP'
    throw new ClientError(
      'bad-uri',
      `${formatTurnUri(uri)} is for ${wanted}, which is none of ${transports.join(', ')}`,
    )
  }
  if (hostAddress(uri.host) !== null) {
    if (isSecureUri) {
      throw new ClientError(
        'bad-uri',
        `${formatTurnUri(uri)} has an IP address, and a client has to reject that: a certificate is compared with a name (RFC 8489 §8.1)`,
      )
    }
    walk.note('an IP address: it is used as it is (RFC 8489 §8.1)')
    const place = { host: uri.host, address: uri.host, port: uri.port }
    return usable.map((transport) => candidateOf(goal, transport, place))
  }
  if (uri.port !== null) {
    walk.note('a name with a port: its addresses (RFC 8489 §8)')
    return each(usable, (transport) => byAddress(goal, transport, uri.host, uri.port, walk))
  }
  walk.note('a name: SRV records of each transport (RFC 8489 §8)')
  return each(usable, (transport) => bySrvOrAddress(goal, transport, walk))
}
