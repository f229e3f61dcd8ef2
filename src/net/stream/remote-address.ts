// The address that a stream connection comes from, as a TransportAddress with its host.
import type { Socket } from 'node:net'
import { formatHost, parseHost, type TransportAddress } from '../../stun/address.js'

const MAPPED_IPV4 = /^::ffff:(?=[\d.]+$)/i
const ZONE = /%.*$/

/** False if the connection is gone already: the system knows no address of it any more. */
export function readRemoteAddress(socket: Socket, into: TransportAddress): boolean {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return false
  const text = remoteAddress.replace(MAPPED_IPV4, '').replace(ZONE, '')
  if (!parseHost(text, into, remotePort)) return false
  into.host = formatHost(into)
  return true
}
