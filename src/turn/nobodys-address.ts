// Addresses at which no server can be, in whatever form they are written: those that no rule opens for peers either, and IPv6 addresses that hide one of them.
import { TransportAddress } from '../stun/address.js'
import { cidrContains } from '../stun/cidr.js'
import { ALWAYS_DENIED } from './address-blocks.js'
import { everyEmbeddedIPv4 } from './embedded-ipv4.js'

export function isNobodysAddress(address: TransportAddress): boolean {
  if (isAlwaysDenied(address)) return true
  const embedded = new TransportAddress()
  return !everyEmbeddedIPv4(address, [], (word) => {
    embedded.setIPv4(word, address.port)
    return !isAlwaysDenied(embedded)
  })
}

function isAlwaysDenied(address: TransportAddress): boolean {
  return ALWAYS_DENIED.some((block) => cidrContains(block, address))
}
