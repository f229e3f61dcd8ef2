// Who can reach an IP address: everybody, its own network, its own machine, or nobody.
import { hostAddress } from '../stun/address.js'
import { cidrContains, parseCidr } from '../stun/cidr.js'
import { ALWAYS_DENIED, DENIED_BY_DEFAULT, GLOBAL_UNICAST_IPV6, LOOPBACK } from '../turn/address-blocks.js'

/** `special`: documentation, link-local, reserved and the like. */
export type AddressScope = 'public' | 'private' | 'loopback' | 'special'

/** RFC 1918, RFC 6598, RFC 4193. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].map(
  (text) => parseCidr(text)!,
)

/** @param host an IP address as text */
export function scopeOf(host: string): AddressScope {
  const address = hostAddress(host)
  if (address === null) return 'special'
  const isIn = (blocks: typeof LOOPBACK) => blocks.some((block) => cidrContains(block, address))
  if (isIn(LOOPBACK)) return 'loopback'
  if (isIn(PRIVATE)) return 'private'
  const isGlobal = address.family === 4 || cidrContains(GLOBAL_UNICAST_IPV6, address)
  return isIn(ALWAYS_DENIED) || isIn(DENIED_BY_DEFAULT) || !isGlobal ? 'special' : 'public'
}
