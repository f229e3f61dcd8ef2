// The addresses that relays are opened on, and what clients are told of them (--relay-ip, --external-ip).
import { TransportAddress } from '../stun/address.js'

/** `address` is bound, `advertised` stands in XOR-RELAYED-ADDRESS; the same without static NAT. Ports are 0, hosts are set. */
export interface RelayHost {
  readonly address: TransportAddress
  readonly advertised: TransportAddress
}

/** The index of the relay host with this bound or advertised IP address, or -1. */
export function findRelayHost(hosts: readonly RelayHost[], address: TransportAddress): number {
  for (let index = 0; index < hosts.length; index++) {
    const host = hosts[index]
    if (host.address.equalsHost(address) || host.advertised.equalsHost(address)) return index
  }
  return -1
}

/** A copy of a host's address with this port. */
export function withPort(host: TransportAddress, port: number): TransportAddress {
  const address = new TransportAddress().copyFrom(host)
  address.port = port
  return address
}
