// What this machine calls itself: its IP addresses, and the source address of its default route.
import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { FAMILY_IPV4, formatHost, hostAddress, type TransportAddress } from '../stun/address.js'

/**
 * The IP addresses of all interfaces, each once, `host` set. IPv6 link-local addresses are left out: they need a zone, which no
 * TURN message can carry.
 */
export function localAddresses(): TransportAddress[] {
  const byHost = new Map<string, TransportAddress>()
  for (const entries of Object.values(networkInterfaces())) {
    for (const entry of entries ?? []) {
      const address = hostAddress(entry.address)
      if (address === null || isLinkLocalIPv6(address)) continue
      address.host = formatHost(address)
      byHost.set(address.host, address)
    }
  }
  return [...byHost.values()]
}

/** The same for a server that runs: null while the system does not tell, which takes it a file descriptor and memory. */
export function findLocalAddresses(): TransportAddress[] | null {
  try {
    return localAddresses()
  } catch {
    return null
  }
}

function isLinkLocalIPv6(address: TransportAddress): boolean {
  return address.family !== FAMILY_IPV4 && (address.word0 & 0xffc00000) === (0xfe800000 | 0)
}

/** An address of the documentation blocks: connecting a UDP socket asks the routing table and sends nothing. */
const ROUTE_PROBE = { 4: '192.0.2.1', 6: '2001:db8::1' } as const

/** The source address that the default route gives to a datagram, or null if there is no route. */
export function defaultRouteSource(family: 4 | 6): Promise<TransportAddress | null> {
  return new Promise((resolve) => {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
    const finish = (host: string | null) => {
      socket.close()
      const address = host === null ? null : hostAddress(host)
      if (address !== null) address.host = formatHost(address)
      resolve(address === null || isLinkLocalIPv6(address) ? null : address)
    }
    // Without a route node calls back with the error, and the socket is bound to the wildcard.
    socket.connect(9, ROUTE_PROBE[family], (error?: Error | null) => finish(error ? null : socket.address().address))
  })
}
