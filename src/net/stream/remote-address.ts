// The addresses of a stream connection as TransportAddresses: where it comes from, with its host, and where it came to.
import type { Socket } from 'node:net'
import { formatHost, parseHost, TransportAddress } from '../../stun/address.js'

const MAPPED_IPV4 = /^::ffff:(?=[\d.]+$)/i
const ZONE = /%.*$/

/** False if the connection is gone already: the system knows no address of it any more. */
export function readRemoteAddress(socket: Socket, into: TransportAddress): boolean {
  const { remoteAddress, remotePort } = socket
  if (!readAddress(remoteAddress, remotePort, into)) return false
  into.host = formatHost(into)
  return true
}

/** null if the connection is gone already. */
export function localAddressOf({ localAddress, localPort }: Socket): TransportAddress | null {
  const address = new TransportAddress()
  return readAddress(localAddress, localPort, address) ? address : null
}

function readAddress(host: string | undefined, port: number | undefined, into: TransportAddress): boolean {
  if (host === undefined || port === undefined) return false
  return parseHost(host.replace(MAPPED_IPV4, '').replace(ZONE, ''), into, port)
}
