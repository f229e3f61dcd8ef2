// The transport addresses that no client may reach through a relay: this server's own sockets.
import { isWildcardHost, type ListenAddress } from '../config/listen-spec.js'
import type { Listener } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { hostAddress, type TransportAddress } from '../stun/address.js'
import { type RelayHost, withPort } from '../turn/relay-host.js'

/** Every listener and the admin address, a wildcard as each local address, and their ports behind the public addresses. */
export function ownSockets(
  listeners: readonly Listener[],
  relayHosts: readonly RelayHost[],
  adminListen: ListenAddress | null,
): TransportAddress[] {
  const sockets = listeners.map(({ address }) => address)
  if (adminListen !== null) sockets.push(...adminSockets(adminListen))
  const publicHosts = relayHosts.map(({ advertised }) => advertised)
  return [...sockets, ...publicHosts.flatMap((host) => sockets.map(({ port }) => withPort(host, port)))]
}

function adminSockets({ host, port }: ListenAddress): TransportAddress[] {
  const address = isWildcardHost(host) ? null : hostAddress(host, port)
  return address === null ? localAddresses().map((local) => withPort(local, port)) : [address]
}
