// The arguments of `turnd resolve`: what is looked for, whom to ask, and what the client can do that looks for it.
import { ClientError } from '../client/client-error.js'
import { domainOfIdentity } from '../client/discovery/server-discovery.js'
import { parseHostWord, parseTurnUri, type TransportKind, type TurnUri } from '../client/turn-uri.js'
import { parsePublicName } from '../config/external-ip.js'
import { formatAddressPort } from '../config/ip-address.js'
import { printable, quoted } from '../config/printable.js'
import { ValueProblem } from '../config/value-type.js'
import { DISCOVERY_SECONDS_DEFAULT, DISCOVERY_SECONDS_MAX } from '../limits/clients.js'
import { hostAddress } from '../stun/address.js'
import { CommandError, readWords } from './command-words.js'

export const RESOLVE_HELP = `Usage: turnd resolve URI [options]
       turnd resolve --discover DOMAIN [options]

Walks the DNS from the URI of a STUN or TURN server to the transport addresses
that a client tries, in its order, and says what was asked and what was found
(RFC 5928, RFC 7350, RFC 8489 section 8). Browsers look at addresses alone.

  turnd resolve turn:example.org
  turnd resolve turns:example.org --server 192.0.2.53 --json
  turnd resolve --discover example.org

  URI                 turn:HOST, turns:HOST, stun:HOST or stuns:HOST, with a
                      port or ?transport=udp|tcp if you like
  --discover DOMAIN   the TURN servers of a network, as clients that know none
                      look for them (RFC 8155): of a domain, or of the domain
                      of sip:alice@DOMAIN
  --server ADDRESS[:PORT]
                      the DNS server to ask; default: those of this machine
  --transports LIST   what the client can do, by preference; default:
                      udp,dtls,tcp,tls
  -4, -6              IPv4, or IPv6, addresses alone
  --timeout SECONDS   for everything; default ${DISCOVERY_SECONDS_DEFAULT}
  --json              one JSON object: steps, candidates
  -h, --help          this text

Servers of equal priority come in an order of chance, in proportion to their
weights (RFC 2782): another run may show another one.

Exit code: 0 there is an address to try; 1 there is none; 2 an argument is bad.
`

export interface ResolveArguments {
  /** null: the servers of `domain` are discovered. */
  readonly uri: TurnUri | null
  /** '' with a URI. */
  readonly domain: string
  /** ADDRESS:PORT as node's resolver takes it; null: the system's. */
  readonly server: string | null
  readonly transports: readonly TransportKind[]
  readonly families: readonly (4 | 6)[]
  readonly timeoutSeconds: number
  readonly isJson: boolean
}

const OWN_OPTIONS = {
  discover: { type: 'string' },
  server: { type: 'string' },
  transports: { type: 'string' },
  ipv4: { type: 'boolean', short: '4' },
  ipv6: { type: 'boolean', short: '6' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const DNS_PORT = 53
/** Media by UDP first, and what is encrypted beside it: as `turnd dns` prints them. */
export const TRANSPORTS: readonly TransportKind[] = ['udp', 'dtls', 'tcp', 'tls']

/** Reads what follows `turnd resolve`; null for --help. Throws a CommandError. */
export function parseResolveArguments(argv: readonly string[]): ResolveArguments | null {
  const { values, words } = readWords(argv, OWN_OPTIONS)
  if (values.has('help')) return null
  const value = (name: string) => values.get(name)?.[0] ?? null
  const discover = value('discover')
  if (words.length > 1) throw new CommandError(`unexpected argument ${quoted(words[1])}: one URI is resolved at a time`)
  if (discover !== null && words.length > 0) throw new CommandError('give either a URI or --discover DOMAIN')
  if (discover === null && words.length === 0) {
    throw new CommandError('what is to be resolved? Give a URI such as turn:example.org, or --discover DOMAIN')
  }
  return {
    uri: discover === null ? parseUri(words[0]) : null,
    domain: discover === null ? '' : parseDomain('--discover', domainOfIdentity(discover)),
    server: parseServer('--server', value('server')),
    transports: parseTransports('--transports', value('transports')),
    families: familiesOf(values.has('ipv4'), values.has('ipv6')),
    timeoutSeconds: parseTimeout(value('timeout')),
    isJson: values.has('json'),
  }
}

/** A DNS name in lower case. Throws a CommandError. */
export function parseDomain(option: string, text: string): string {
  try {
    return parsePublicName(text.replace(/\.$/, ''))
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    throw new CommandError(`${option} ${printable(text)} is not a DNS name: give one such as example.org`)
  }
}

/** Each once, in the order given; all of them for null. Throws a CommandError. */
export function parseTransports(option: string, text: string | null): readonly TransportKind[] {
  if (text === null) return TRANSPORTS
  const names = text.toLowerCase().split(',')
  const known = names.filter((name): name is TransportKind => (TRANSPORTS as readonly string[]).includes(name))
  if (known.length === names.length && new Set(names).size === names.length) return known
  throw new CommandError(`${option} ${printable(text)} is no list of udp, tcp, tls and dtls, each at most once`)
}

function parseUri(word: string): TurnUri {
  try {
    return parseTurnUri(word)
  } catch (error) {
    throw error instanceof ClientError ? new CommandError(error.message) : error
  }
}

/** ADDRESS:PORT as node's resolver takes it; null for null. Throws a CommandError. */
export function parseServer(option: string, text: string | null): string | null {
  if (text === null) return null
  const bad = new CommandError(`${option} ${printable(text)} is no ADDRESS or ADDRESS:PORT of a DNS server`)
  let place: { host: string; port: number | null } | null
  try {
    place = parseHostWord(text)
  } catch (error) {
    throw error instanceof ClientError ? bad : error
  }
  if (place === null || hostAddress(place.host) === null) throw bad
  return formatAddressPort(place.host, place.port ?? DNS_PORT)
}

/** As RFC 8305 has it, IPv6 first. */
function familiesOf(isIPv4: boolean, isIPv6: boolean): readonly (4 | 6)[] {
  if (isIPv4 && isIPv6) throw new CommandError('-4 and -6 exclude each other: give neither')
  return isIPv4 ? [4] : isIPv6 ? [6] : [6, 4]
}

function parseTimeout(text: string | null): number {
  if (text === null) return DISCOVERY_SECONDS_DEFAULT
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= DISCOVERY_SECONDS_MAX) return seconds
  throw new CommandError(`--timeout ${printable(text)} is not 1 to ${DISCOVERY_SECONDS_MAX} seconds`)
}
