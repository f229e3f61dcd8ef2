// The values of --proxy-protocol-from: the proxies whose PROXY header is believed.
import type { Cidr } from '../stun/cidr.js'
import { parseBlock } from './peer-rule.js'

/** Parses an address or a CIDR block; throws ValueProblem. */
export function parseProxySource(text: string): Cidr {
  return parseBlock(text, 'is not a CIDR: ')
}
