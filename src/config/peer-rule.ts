// The values of --allow-peer and --deny-peer: an address block and the ports in it. Matched by the peer policy of src/turn.
// `10.0.0.0/8`, `10.0.0.1:443`, `10.0.0.0/8:5000-6000`, `fd00::/8`, `[fd00::/8]:443`.
import { FAMILY_IPV4, formatHost, hostAddress } from '../stun/address.js'
import { type Cidr, parseCidr } from '../stun/cidr.js'
import { isIpv4Mapped, whyNotAnAddress } from './ip-address.js'
import { printable } from './printable.js'
import { ValueProblem } from './value-type.js'

export interface PeerRule {
  readonly cidr: Cidr
  /** 0–65535 when the rule names no ports. */
  readonly portMin: number
  readonly portMax: number
  readonly allow: boolean
  /** As it was given. */
  readonly text: string
}

export const PEER_RULE_FORM = 'ADDRESS[/PREFIX][:PORTS]'
const PREFIX = `is not ${PEER_RULE_FORM}: `

/** Parses one rule; throws ValueProblem. */
export function parsePeerRule(text: string, allow: boolean): PeerRule {
  const { blockText, portsText } = splitPorts(text)
  const cidr = parseBlock(blockText, PREFIX)
  const ports = portsText === null ? { portMin: 0, portMax: 65535 } : parsePorts(portsText)
  return { cidr, ...ports, allow, text }
}

/** Parses ADDRESS[/PREFIX]; throws ValueProblem with `prefix` before the reason. */
export function parseBlock(text: string, prefix: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr === null) throw new ValueProblem(`${prefix}${whyNotABlock(text)}`)
  if (isIpv4Mapped(cidr.address)) {
    // Peer addresses are reduced to IPv4 before they are matched: such a rule would never match, and a deny would not deny.
    const ipv4 = `${formatHost(cidr.address).slice('::ffff:'.length)}/${cidr.prefixLength - 96}`
    throw new ValueProblem(`${prefix}IPv4 in IPv6 form matches nothing, write ${ipv4}`)
  }
  return cidr
}

function splitPorts(text: string): { blockText: string; portsText: string | null } {
  if (text.startsWith('[')) {
    const match = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
    if (match === null) throw new ValueProblem(`${PREFIX}write IPv6 with ports as [ADDRESS/PREFIX]:PORTS`)
    if (!match[1].includes(':')) throw new ValueProblem(`${PREFIX}brackets are for IPv6`)
    return { blockText: match[1], portsText: match[2] ?? null }
  }
  const firstColon = text.indexOf(':')
  if (firstColon < 0) return { blockText: text, portsText: null }
  if (text.indexOf(':', firstColon + 1) < 0) {
    return { blockText: text.slice(0, firstColon), portsText: text.slice(firstColon + 1) }
  }
  checkBareIPv6(text)
  return { blockText: text, portsText: null }
}

/** Without brackets, ports after IPv6 would be read as a part of the address: refuse what could be meant so. */
function checkBareIPv6(text: string): void {
  const colon = text.lastIndexOf(':')
  const head = text.slice(0, colon)
  const tail = text.slice(colon + 1)
  const isHeadBlock = head.includes('/') ? parseCidr(head) !== null : hostAddress(head) !== null
  if (isHeadBlock && /^[0-9]{1,5}(-[0-9]*)?$/.test(tail)) {
    const both = parseCidr(text) === null ? '' : ` or [${text}]`
    throw new ValueProblem(`${PREFIX}IPv6 with ports needs brackets, write [${head}]:${tail}${both}`)
  }
}

function whyNotABlock(text: string): string {
  const slash = text.indexOf('/')
  const address = hostAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === null) return whyNotAnAddress(slash < 0 ? text : text.slice(0, slash))
  const prefixText = text.slice(slash + 1)
  if (!/^[0-9]+$/.test(prefixText))
    return `${prefixText === '' ? 'nothing' : printable(prefixText)} is not a prefix length`
  return address.family === FAMILY_IPV4 ? 'an IPv4 prefix is at most 32 bits' : 'an IPv6 prefix is at most 128 bits'
}

function parsePorts(text: string): { portMin: number; portMax: number } {
  const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(text)
  if (match === null) {
    const shown = text === '' ? 'the port after the colon is missing' : `${printable(text)} is not a port or a range`
    throw new ValueProblem(`${PREFIX}${shown}, write 443 or 5000-6000`)
  }
  const portMin = Number(match[1])
  const portMax = Number(match[2] ?? match[1])
  for (const port of [portMin, portMax]) {
    if (port < 1 || port > 65535) throw new ValueProblem(`${PREFIX}port ${port} is not from 1 to 65535`)
  }
  if (portMin > portMax) throw new ValueProblem(`${PREFIX}the port range is reversed, write ${portMax}-${portMin}`)
  return { portMin, portMax }
}
