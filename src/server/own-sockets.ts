// The transport addresses that no client may reach through a relay: this server's own sockets.
import { isWildcardHost, type ListenAddress } from '../config/listen-spec.js'
import type { Listener } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { hostAddress, type TransportAddress } from '../stun/address.js'
import { type RelayHost, withPort } from '../turn/relay-host.js'

export interface OwnSockets {
  readonly addresses: readonly TransportAddress[]
  /** Ports that are open on every address of this machine, whichever it gets. */
  readonly wildcardPorts: readonly number[]
}

/** Every listener and the admin address, a wildcard as each local address, and their ports behind the public addresses. */
export function ownSockets(
  listeners: readonly Listener[],
  wildcardListenerPorts: readonly number[],
  relayHosts: readonly RelayHost[],
  adminListen: ListenAddress | null,
): OwnSockets {
  const sockets = listeners.map(({ address }) => address)
  if (adminListen !== null) sockets.push(...adminSockets(adminListen))
  const publicHosts = relayHosts
    .filter(({ address, advertised }) => !advertised.equalsHost(address))
    .map(({ advertised }) => advertised)
  const addresses = [...sockets, ...publicHosts.flatMap((host) => sockets.map(({ port }) => withPort(host, port)))]
  const isAdminWildcard = adminListen !== null && isWildcardHost(adminListen.host)
  return {
    addresses,
    wildcardPorts: isAdminWildcard ? [...wildcardListenerPorts, adminListen.port] : wildcardListenerPorts,
  }
}

function adminSockets({ host, port }: ListenAddress): TransportAddress[] {
  const address = isWildcardHost(host) ? null : hostAddress(host, port)
  return address === null ? localAddresses().map((local) => withPort(local, port)) : [address]
}
