// Binding (RFC 8489 §7.3.1): tells the client its own address, in 32 bytes over IPv4; unauthenticated unless the profile wants it otherwise.
import { ATTRIBUTE_XOR_MAPPED_ADDRESS } from '../stun/constants.js'
import type { TurnCore } from './core.js'
import type { Request } from './request.js'
import { beginSuccess, sendAnswer } from './respond.js'

export function handleBinding(core: TurnCore, { exchange }: Request): void {
  beginSuccess(core, exchange).writeXorAddress(ATTRIBUTE_XOR_MAPPED_ADDRESS, exchange.client.client)
  sendAnswer(core, exchange)
}
