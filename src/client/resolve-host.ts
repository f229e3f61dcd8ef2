// The IP addresses of a server's name, in the system's order of preference (RFC 6724).
import { lookup } from 'node:dns/promises'
import { CLIENT_ADDRESS_COUNT_MAX } from '../limits/clients.js'
import { hostAddress, type TransportAddress } from '../stun/address.js'
import { ClientError, socketError } from './client-error.js'

/** At least one, the preferred one first. Rejects with a ClientError `no-such-host`. @param family only addresses of this one */
export async function resolveHost(host: string, port: number, family?: 4 | 6): Promise<TransportAddress[]> {
  const literal = hostAddress(host, port)
  const addresses = literal === null ? await lookUp(host, port) : [literal]
  const usable = addresses.filter((address) => family === undefined || address.family === family)
  if (usable.length > 0) return usable
  throw new ClientError('no-such-host', `${host} has no ${family === undefined ? 'IP' : `IPv${family}`} address`)
}

async function lookUp(host: string, port: number): Promise<TransportAddress[]> {
  const found = await lookup(host, { all: true, verbatim: true }).catch((error) => {
    throw socketError(error, host)
  })
  return found
    .slice(0, CLIENT_ADDRESS_COUNT_MAX)
    .map(({ address }) => hostAddress(address, port))
    .filter((address) => address !== null)
}
