// ICMP errors as hosts and routers send them for packets that did not arrive.
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

export function drawIcmpError(random: SeededRandom, peer: string): IcmpError {
  const [type, code] = random.pick(ERRORS[familyOf(peer)])
  return { peer, type, code, info: random.pick([0, 576, 1280, 1400]) }
}
