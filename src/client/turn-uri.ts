// URIs of STUN and TURN servers (RFC 7064, RFC 7065): `turn:HOST[:PORT][?transport=udp|tcp]`, `turns:`, `stun:`, `stuns:`.
// `turns:…?transport=udp` is TURN over DTLS.
import { printable } from '../config/printable.js'
import { formatHost, hostAddress } from '../stun/address.js'
import { ClientError } from './client-error.js'

/** How frames are carried to the server. */
export type TransportKind = 'udp' | 'tcp' | 'tls' | 'dtls'
export type UriScheme = 'stun' | 'stuns' | 'turn' | 'turns'

export interface TurnUri {
  readonly scheme: UriScheme
  /** A name in lower case, or an IP address without brackets. */
  readonly host: string
  /** null if the URI has none: DEFAULT_PORTS. */
  readonly port: number | null
  /** null if the URI has none. */
  readonly transport: 'udp' | 'tcp' | null
}

/** RFC 8489 §18.7, RFC 8656 §20. */
export const DEFAULT_PORTS: Readonly<Record<UriScheme, number>> = { stun: 3478, turn: 3478, stuns: 5349, turns: 5349 }

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/
/** As browsers have it: a host whose last part is a number is no name, and resolvers take 0x7f.1 for 127.0.0.1. */
const ENDS_IN_NUMBER = /^[0-9.]+$|(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$/

/** Throws a ClientError `bad-uri`, whose message quotes the text. */
export function parseTurnUri(text: string): TurnUri {
  const [, scheme, rest] = /^(stuns?|turns?):(.*)$/is.exec(text) ?? []
  if (scheme === undefined) {
    const isOther = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    const what = isOther ? 'has a scheme of no TURN or STUN server' : 'has no scheme'
    throw bad(text, `${what}: write turn:HOST, turns:HOST, stun:HOST or stuns:HOST`)
  }
  if (rest.startsWith('//')) throw bad(text, `has slashes, which these URIs have not: write ${scheme}:${rest.slice(2)}`)
  const question = rest.indexOf('?')
  const authority = question < 0 ? rest : rest.slice(0, question)
  const lower = scheme.toLowerCase() as UriScheme
  const transport = question < 0 ? null : parseQuery(text, lower, rest.slice(question + 1))
  if (authority.includes('@')) throw bad(withoutUser(text), 'has a user in it: the user is given beside the URI')
  return { scheme: lower, ...parseHostPort(text, authority), transport }
}

/** `HOST`, `HOST:PORT`, `ADDRESS`, `[ADDRESS]:PORT`. Throws a ClientError `bad-uri`. @param text the whole, for the message */
export function parseHostPort(text: string, authority: string): { host: string; port: number | null } {
  const [, host6, host4, portText] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(authority) ?? []
  if (authority.includes(':') && hostAddress(authority) !== null) {
    throw bad(text, `has an IPv6 address without brackets: write [${authority}]`)
  }
  if (host6 === undefined && host4 === undefined) throw bad(text, 'is not HOST or HOST:PORT')
  return { host: parseHostPart(text, host6, host4), port: portText === undefined ? null : parsePort(text, portText) }
}

/** What a word is that stands for a server: null for a URI, which parseTurnUri reads, else `HOST[:PORT]` or an IP address. Throws a ClientError `bad-uri`. */
export function parseHostWord(word: string): { host: string; port: number | null } | null {
  if (/^(?:stuns?|turns?):|\/\//i.test(word)) return null
  const isBareIPv6 = word.includes(':') && hostAddress(word) !== null
  return parseHostPort(word, isBareIPv6 ? `[${word}]` : word)
}

/** The URI as text, with what it leaves out left out. */
export function formatTurnUri({ host, port, scheme, transport }: TurnUri): string {
  const shown = host.includes(':') ? `[${host}]` : host
  return `${scheme}:${shown}${port === null ? '' : `:${port}`}${transport === null ? '' : `?transport=${transport}`}`
}

/** How the URI's server is reached. Without ?transport: UDP for `stun:` and `turn:`, TLS for `stuns:` and `turns:` (RFC 5928 §3). */
export function transportOf({ scheme, transport }: TurnUri): TransportKind {
  if (scheme === 'stun' || scheme === 'turn') return transport ?? 'udp'
  return transport === 'udp' ? 'dtls' : 'tls'
}

/** The protocol below it, which ?transport= and the labels of SRV records name. */
export function protocolOf(transport: TransportKind): 'udp' | 'tcp' {
  return transport === 'udp' || transport === 'dtls' ? 'udp' : 'tcp'
}

export function portOf({ port, scheme }: TurnUri): number {
  return port ?? DEFAULT_PORTS[scheme]
}

function parseHostPart(text: string, host6: string | undefined, host4: string | undefined): string {
  if (host6 !== undefined) {
    const address = host6.includes(':') ? hostAddress(host6) : null
    if (address === null) throw bad(text, 'has no IPv6 address in its brackets')
    return formatHost(address)
  }
  const host = (host4 ?? '').toLowerCase()
  if (host === '') throw bad(text, 'has no host')
  if (ENDS_IN_NUMBER.test(host) && hostAddress(host) === null) throw bad(text, 'has no IPv4 address as its host')
  if (!NAME.test(host)) throw bad(text, 'has a host that is neither a name nor an IP address')
  return host
}

function parsePort(text: string, portText: string): number {
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 0xffff) throw bad(text, 'has a port that is not one of 1–65535')
  return port
}

function parseQuery(text: string, scheme: UriScheme, query: string): 'udp' | 'tcp' {
  const [, transport] = /^transport=(udp|tcp)$/i.exec(query) ?? []
  if (scheme.startsWith('stun')) throw bad(text, `has a query, which ${scheme}: URIs have not (RFC 7064)`)
  if (transport === undefined) throw bad(text, 'has a query other than ?transport=udp or ?transport=tcp')
  return transport.toLowerCase() as 'udp' | 'tcp'
}

/** A password may be in it. */
function withoutUser(text: string): string {
  return text.replace(/:.*@/s, ':…@')
}

function bad(text: string, what: string): ClientError {
  return new ClientError('bad-uri', `${printable(text)} ${what}`)
}
