// Whom a nonce is made for, and good for. Called where requests are authenticated and where they are challenged.
import { TransportAddress } from '../stun/address.js'
import { type FiveTuple, isOverTcp } from './five-tuple.js'

const host = new TransportAddress()

/**
 * The client's transport address; over TCP and TLS its IP address with port 0, because a client takes the nonce of its control connection
 * along to its data connections (RFC 6062 §4.3). There the address is proven by the connection itself. Valid until the next call.
 */
export function nonceOwner(fiveTuple: FiveTuple): TransportAddress {
  if (!isOverTcp(fiveTuple)) return fiveTuple.client
  host.copyFrom(fiveTuple.client)
  host.port = 0
  return host
}
