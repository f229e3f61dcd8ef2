// The values of --listen and --admin-listen: [SCHEME:]ADDRESS:PORT in its short and bracketed forms.
// `*` and an empty address mean every local address of both families; the engine expands it to one socket per address.
import { formatHost, hostAddress } from '../stun/address.js'
import { notUnicast, parseIpAddress } from './ip-address.js'
import { printable } from './printable.js'
import { ValueProblem } from './value-type.js'

export type ListenScheme = 'udp' | 'tcp' | 'tls' | 'dtls' | 'any'

export interface ListenAddress {
  /** `*` for every local address of both families, else an IP address in canonical text (`0.0.0.0` and `::` included). */
  readonly host: string
  /** 0 for an ephemeral port. */
  readonly port: number
  /** As it was given. */
  readonly text: string
}

export interface ListenSpec extends ListenAddress {
  /** `any` when none was given: UDP and TCP. */
  readonly scheme: ListenScheme
}

/** Does this host stand for all local addresses, of one family or of both? */
export function isWildcardHost(host: string): boolean {
  return host === '*' || host === '0.0.0.0' || host === '::'
}

export const LISTEN_FORM = '[udp:|tcp:|tls:|dtls:]ADDRESS:PORT'
const PORT_DEFAULT = 3478
const PORT_DEFAULT_TLS = 5349
const ADMIN_PORT_DEFAULT = 8445
const SCHEMES: readonly string[] = ['udp', 'tcp', 'tls', 'dtls']

/** Parses a value of --listen; throws ValueProblem. */
export function parseListenSpec(text: string): ListenSpec {
  const prefix = `is not ${LISTEN_FORM}: `
  const { scheme, rest } = splitScheme(text, prefix)
  const portDefault = scheme === 'tls' || scheme === 'dtls' ? PORT_DEFAULT_TLS : PORT_DEFAULT
  return { scheme, ...parseAddressPort(rest, portDefault, prefix), text }
}

/** Parses a value of --admin-listen; null for `none`. Throws ValueProblem. */
export function parseAdminListen(text: string): ListenAddress | null {
  if (text === 'none') return null
  return { ...parseAddressPort(text, ADMIN_PORT_DEFAULT, 'is neither ADDRESS:PORT nor none: '), text }
}

function splitScheme(text: string, prefix: string): { scheme: ListenScheme; rest: string } {
  const match = /^([a-z]+):(.*)$/is.exec(text)
  if (match === null) return { scheme: 'any', rest: text }
  const scheme = match[1].toLowerCase()
  if (SCHEMES.includes(scheme)) return { scheme: scheme as ListenScheme, rest: match[2] }
  // `localhost:3478` is to be told about the host name; `fd00:1::2` is an address.
  if (/^[0-9]*$/.test(match[2]) || /^[0-9a-f]{1,4}$/i.test(scheme)) return { scheme: 'any', rest: text }
  throw new ValueProblem(`${prefix}${printable(scheme)}: is not a scheme, give udp:, tcp:, tls: or dtls:`)
}

function parseAddressPort(text: string, portDefault: number, prefix: string): { host: string; port: number } {
  const { hostText, portText } = splitPort(text, portDefault, prefix)
  const port = portText === null ? portDefault : parsePort(portText, prefix)
  if (hostText === '*') return { host: '*', port }
  const address = parseIpAddress(hostText, prefix)
  const reason = notUnicast(address)
  if (reason !== null && reason !== 'a wildcard') {
    throw new ValueProblem(`${prefix}${hostText} is ${reason}, give an address of this machine`)
  }
  return { host: formatHost(address), port }
}

/** Splits host and port; '' is written `*`; null for no port. */
function splitPort(text: string, portDefault: number, prefix: string): { hostText: string; portText: string | null } {
  if (text === '')
    throw new ValueProblem(`${prefix}the address is missing, write *:${portDefault} for every local address`)
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  if (bracketed !== null) {
    const hostText = bracketed[1]
    if (!hostText.includes(':')) throw new ValueProblem(`${prefix}brackets are for IPv6 addresses`)
    return { hostText, portText: bracketed[2] ?? null }
  }
  if (/^[0-9]+$/.test(text)) {
    throw new ValueProblem(`${prefix}write :${text} for a port on every local address`)
  }
  const colon = text.lastIndexOf(':')
  if (colon < 0) return { hostText: text, portText: null }
  const head = text.slice(0, colon)
  const tail = text.slice(colon + 1)
  if (head.includes(':')) return { hostText: bareIPv6(text, head, tail, prefix), portText: null }
  return { hostText: head === '' ? '*' : head, portText: tail }
}

/** An IPv6 address without brackets, unless its last group could be meant as a port. */
function bareIPv6(text: string, head: string, tail: string, prefix: string): string {
  if (/^[0-9]{1,5}$/.test(tail) && hostAddress(head) !== null) {
    const both = hostAddress(text) === null ? '' : ` or [${text}]`
    throw new ValueProblem(`${prefix}an IPv6 address with a port needs brackets, write [${head}]:${tail}${both}`)
  }
  return text
}

function parsePort(text: string, prefix: string): number {
  const port = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65535) return port
  const shown = text === '' ? 'the port is missing' : `${printable(text)} is not a port`
  throw new ValueProblem(`${prefix}${shown}, give a number from 1 to 65535, or 0 for any free one`)
}
