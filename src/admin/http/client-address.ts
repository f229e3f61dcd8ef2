// Who is at the other end of an admin connection: addresses as sources of limits, and what counts as this machine itself.
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { FAMILY_IPV4, hostAddress, TransportAddress } from '../../stun/address.js'
import { cidrContains, parseCidr } from '../../stun/cidr.js'

const LOOPBACKS = [parseCidr('127.0.0.0/8')!, parseCidr('::1')!]
const NOBODY = new TransportAddress()

/** Of an IP address as node writes it, an IPv4-mapped one as IPv4; of no family once the connection is gone. */
export function addressOf(host: string | undefined): TransportAddress {
  return hostAddress((host ?? '').replace(/^::ffff:(?=\d+\.)/, '')) ?? NOBODY
}

export function isLoopback(host: string | undefined): boolean {
  const address = addressOf(host)
  return LOOPBACKS.some((block) => cidrContains(block, address))
}

/** For limits: an IPv4 address, or the /64 of an IPv6 address, which one host can use as a whole. */
export function sourceOf(host: string | undefined): string {
  const address = addressOf(host)
  return address.family === FAMILY_IPV4 ? `${address.word0}` : `${address.word0}:${address.word1}`
}

/** By which proxies tell for whom they ask. */
const TOLD_BY_PROXIES = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip']

/** Did it come from this machine, to this machine? What a proxy here passes on for somebody else did not. */
export function isLocalRequest(socket: Socket, headers: IncomingHttpHeaders): boolean {
  if (TOLD_BY_PROXIES.some((name) => headers[name] !== undefined)) return false
  return isLoopback(socket.remoteAddress) && isLoopback(socket.localAddress)
}
