// A path with a narrow middle: server ── 1500 bytes ── router ── 1280 bytes ── peer, in three network namespaces of the test's own.
// What is too long and must not be fragmented is returned by the router with an ICMP error.
import type { Test } from 'tap'
import {
  connectNamespaces,
  createNamespace,
  enableForwarding,
  type NetworkNamespace,
  setDefaultRoute,
} from '../support/namespace.js'

/** The least that IPv6 allows, so that both families pass. */
export const NARROW_MTU = 1280
const WIDE_MTU = 1500

export const SERVER_HOSTS = { 4: '10.77.1.1', 6: '2001:db8:77:1::1' } as const
export const PEER_HOSTS = { 4: '10.77.2.2', 6: '2001:db8:77:2::2' } as const
const ROUTER_HOSTS = {
  server: { 4: '10.77.1.2', 6: '2001:db8:77:1::2' },
  peer: { 4: '10.77.2.1', 6: '2001:db8:77:2::1' },
} as const

export interface NarrowPath {
  /** Where the server and its clients are. */
  readonly server: NetworkNamespace
  readonly peer: NetworkNamespace
}

export function createNarrowPath(t: Test): NarrowPath {
  const [server, router, peer] = [createNamespace(t, []), createNamespace(t, []), createNamespace(t, [])]
  enableForwarding(router)
  const at = (hosts: { readonly 4: string; readonly 6: string }) => [`${hosts[4]}/24`, `${hosts[6]}/64`]
  connectNamespaces(
    { namespace: server, addresses: at(SERVER_HOSTS) },
    { namespace: router, addresses: at(ROUTER_HOSTS.server) },
    WIDE_MTU,
  )
  connectNamespaces(
    { namespace: router, addresses: at(ROUTER_HOSTS.peer) },
    { namespace: peer, addresses: at(PEER_HOSTS) },
    NARROW_MTU,
  )
  for (const family of [4, 6] as const) {
    setDefaultRoute(server, ROUTER_HOSTS.server[family])
    setDefaultRoute(peer, ROUTER_HOSTS.peer[family])
  }
  return { server, peer }
}
