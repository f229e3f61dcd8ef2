// A nonce is good for the transport address that it was made for. One request comes from another: a client takes the nonce of its control
// connection along to the data connection that it binds (RFC 6062 §4.3), and one that had to be told 438 each time would lose a round trip.
import { TransportAddress } from '../stun/address.js'
import { ATTRIBUTE_CONNECTION_ID, METHOD_CONNECTION_BIND } from '../stun/constants.js'
import type { TurnCore } from './core.js'
import { isOverTcp } from './five-tuple.js'
import type { Request } from './request.js'

const control = new TransportAddress()

/**
 * Of a ConnectionBind: the same IP address with the port of the control connection that its CONNECTION-ID belongs to; null for every other
 * request, and where there is no such connection. Valid until the next call.
 */
export function ownerOfTakenNonce(core: TurnCore, { exchange, message }: Request): TransportAddress | null {
  const { connections } = core
  const isBind = message.method === METHOD_CONNECTION_BIND && isOverTcp(exchange.client)
  const index = isBind ? message.find(ATTRIBUTE_CONNECTION_ID) : -1
  if (connections === null || index < 0 || message.attributeLengths[index] !== 4) return null
  const port = connections.data.clientPortOf(message.readUint32(index))
  if (port === 0) return null
  control.copyFrom(exchange.client.client)
  control.port = port
  return control
}
