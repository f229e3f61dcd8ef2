// The arguments of `turnd dns`: its own, and beside them every option of the server, which are read as the server reads them.
import type { TransportKind } from '../client/turn-uri.js'
import { notUnicast, parseIpAddress } from '../config/ip-address.js'
import { printable, quoted } from '../config/printable.js'
import { ValueProblem } from '../config/value-type.js'
import { DNS_TTL_SECONDS_DEFAULT, DNS_TTL_SECONDS_MAX } from '../limits/clients.js'
import { formatHost } from '../stun/address.js'
import { CommandError, readWords } from './command-words.js'
import { parseDomain, parseTransports } from './resolve-arguments.js'
import { checkServerOptions, splitServerOptions } from './server-options.js'

export const DNS_HELP = `Usage: turnd dns --domain DOMAIN [options of the server]

Prints the DNS records by which clients find this server, for a zone file: A,
AAAA, SRV, NAPTR (RFC 5928, RFC 7350), and those of service discovery (RFC 8155).
No server need run. turnd resolve turn:DOMAIN then walks them, as clients do.

  turnd dns --domain example.org --config /etc/turnd/turnd.json
  turnd dns --domain example.org --listen :3478 --external-ip PUBLIC/PRIVATE

  --domain DOMAIN     the domain of turn:DOMAIN
  --host-name NAME    the server's own name; default: the first --public-name,
                      or turn.DOMAIN
  --address IP        what the name stands for, repeatable: for a zone that only
                      your network sees, or when this runs on another machine;
                      default: public addresses of --listen and --external-ip
  --priority N        of the SRV records: a server with more is asked when those
                      with less do not answer; default 10
  --weight N          of the SRV records: the share of clients among servers of
                      equal priority; default 100
  --prefer LIST       the order of the NAPTR records; default: udp,dtls,tcp,tls
  --ttl SECONDS       default ${DNS_TTL_SECONDS_DEFAULT}
  --format bind|dnsmasq
                      a zone file, or options of dnsmasq; default bind
  --json              one JSON object: records, notes
  -h, --help          this text

With several servers, print the SRV records of each with its own --host-name and
put them all into the zone; the NAPTR records are the same and stand there once.

Exit code: 0 they are printed; 1 they would lead nowhere; 2 an argument or a file
is bad.
`

export interface DnsArguments {
  readonly domain: string
  /** null: the public name, or turn.DOMAIN. */
  readonly hostName: string | null
  /** Canonical text; empty: those of the options. */
  readonly addresses: readonly string[]
  readonly priority: number
  readonly weight: number
  readonly prefer: readonly TransportKind[]
  readonly ttlSeconds: number
  readonly format: 'bind' | 'dnsmasq' | 'json'
  /** Of the server, without node and the script. */
  readonly serverArgv: readonly string[]
}

const OWN_OPTIONS = {
  domain: { type: 'string' },
  'host-name': { type: 'string' },
  address: { type: 'string', multiple: true },
  priority: { type: 'string' },
  weight: { type: 'string' },
  prefer: { type: 'string' },
  ttl: { type: 'string' },
  format: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Weights and priorities have 16 bits (RFC 2782). */
const RANK_MAX = 0xffff
const PRIORITY_DEFAULT = 10
const WEIGHT_DEFAULT = 100

/** Reads what follows `turnd dns`; null for --help. Throws a CommandError. */
export function parseDnsArguments(argv: readonly string[]): DnsArguments | null {
  const { own, server } = splitServerOptions(argv, OWN_OPTIONS)
  const { values, words } = readWords(own, OWN_OPTIONS)
  if (values.has('help')) return null
  if (words.length > 0) throw new CommandError(`unexpected argument ${quoted(words[0])}: the domain is --domain NAME`)
  checkServerOptions(server)
  const value = (name: string) => values.get(name)?.[0] ?? null
  const domain = value('domain')
  if (domain === null) throw new CommandError('the domain is missing: --domain example.org')
  const hostName = value('host-name')
  return {
    domain: parseDomain('--domain', domain),
    hostName: hostName === null ? null : parseDomain('--host-name', hostName),
    addresses: [...new Set((values.get('address') ?? []).map(parseAddress))],
    priority: parseNumber('--priority', value('priority'), PRIORITY_DEFAULT, RANK_MAX),
    weight: parseNumber('--weight', value('weight'), WEIGHT_DEFAULT, RANK_MAX),
    prefer: parseTransports('--prefer', value('prefer')),
    ttlSeconds: parseNumber('--ttl', value('ttl'), DNS_TTL_SECONDS_DEFAULT, DNS_TTL_SECONDS_MAX),
    format: values.has('json') ? 'json' : parseFormat(value('format')),
    serverArgv: server,
  }
}

function parseAddress(text: string): string {
  const prefix = `--address ${printable(text)} is none: `
  try {
    const address = parseIpAddress(text, prefix)
    const reason = notUnicast(address)
    if (reason === null) return formatHost(address)
    throw new CommandError(`${prefix}it is ${reason}, give the address of one host`)
  } catch (error) {
    throw error instanceof ValueProblem ? new CommandError(error.message) : error
  }
}

function parseNumber(option: string, text: string | null, fallback: number, maximum: number): number {
  if (text === null) return fallback
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (number <= maximum) return number
  throw new CommandError(`${option} ${printable(text)} is not a number from 0 to ${maximum}`)
}

function parseFormat(text: string | null): 'bind' | 'dnsmasq' {
  if (text === null || text === 'bind' || text === 'dnsmasq') return text ?? 'bind'
  throw new CommandError(`--format ${printable(text)} is neither bind nor dnsmasq`)
}
