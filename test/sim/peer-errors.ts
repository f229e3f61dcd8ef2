// ICMP errors as hosts and routers send them for packets that did not arrive.
import { ECONNREFUSED, EMSGSIZE } from '../../src/net/native/layout.js'
import { FAMILY_IPV6, type TransportAddress } from '../../src/stun/address.js'
import { EHOSTUNREACH, ENETUNREACH, EPROTO } from '../net/native/fake-kernel-errno.js'
import type { SeededRandom } from '../support/random.js'
import { familyOf } from './address-text.js'
import type { IcmpError } from './inputs.js'

/** Type and code: unreachable in several ways, time exceeded, too big; and one of each family that clients are not told of. */
const ERRORS: Readonly<Record<4 | 6, readonly (readonly [type: number, code: number])[]>> = {
  4: [
    [3, 3],
    [3, 1],
    [3, 4],
    [3, 13],
    [11, 0],
    [12, 0],
  ],
  6: [
    [1, 4],
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 0],
  ],
}

/** What Linux reports an ICMP error as (net/ipv4/icmp.c: icmp_err_convert, net/ipv6/icmp.c: icmpv6_err_convert). */
export function errnoOf({ family }: TransportAddress, type: number, code: number): number {
  if (family === FAMILY_IPV6) {
    if (type === 1) return code === 4 ? ECONNREFUSED : ENETUNREACH
    if (type === 2) return EMSGSIZE
    return type === 3 ? EHOSTUNREACH : EPROTO
  }
  if (type === 3 && code === 3) return ECONNREFUSED
  if (type === 3 && code === 4) return EMSGSIZE
  return type === 12 ? EPROTO : EHOSTUNREACH
}

export function drawIcmpError(random: SeededRandom, peer: string): IcmpError {
  const [type, code] = random.pick(ERRORS[familyOf(peer)])
  return { peer, type, code, info: random.pick([0, 576, 1280, 1400]) }
}
