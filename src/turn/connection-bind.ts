// ConnectionBind (RFC 6062 §5.4): a TCP or TLS connection of its own becomes the client's data connection for one peer connection. The
// allocation that this one belongs to may be another worker's. One answer for every CONNECTION-ID that is not this user's to bind.
import { ATTRIBUTE_CONNECTION_ID, ERROR_BAD_REQUEST } from '../stun/constants.js'
import type { TurnCore } from './core.js'
import { isOverTcp } from './five-tuple.js'
import type { Request } from './request.js'
import { beginSuccess, respondError, sendAnswer } from './respond.js'

export function handleConnectionBind(core: TurnCore, { allocation, exchange, message }: Request): void {
  const { connections } = core
  const index = message.find(ATTRIBUTE_CONNECTION_ID)
  if (connections === null || !isOverTcp(exchange.client) || allocation !== null) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'data-connection')
    return
  }
  if (index < 0 || message.attributeLengths[index] !== 4) {
    respondError(core, exchange, ERROR_BAD_REQUEST, index < 0 ? 'missing-attribute' : 'malformed-attribute')
    return
  }
  const id = message.readUint32(index)
  const handle = connections.data.claim(id, exchange)
  if (handle === 0) {
    respondError(core, exchange, ERROR_BAD_REQUEST, 'connection-unknown')
    return
  }
  beginSuccess(core, exchange)
  sendAnswer(core, exchange)
  connections.output.bindPeerConnection(exchange.client, id, handle)
}
