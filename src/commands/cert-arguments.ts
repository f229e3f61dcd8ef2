// The arguments of `turnd cert`: what they mean, and one sentence for each thing that can be wrong with them.
import { domainToASCII } from 'node:url'
import { parsePublicName } from '../config/external-ip.js'
import { notUnicast, parseIpAddress } from '../config/ip-address.js'
import { printable, quoted } from '../config/printable.js'
import { ValueProblem } from '../config/value-type.js'
import { formatHost } from '../stun/address.js'
import { CommandError, readWords } from './command-words.js'

/** The longest that Apple's clients accept, also from an authority that the operator made them trust. */
export const DAYS_DEFAULT = 825
const DAYS_MAX = 3650
/** What public authorities take. */
const NAME_COUNT_MAX = 100

export const CERT_HELP = `Usage: turnd cert --name NAME [--name NAME]... [options]

Makes a private key, a certificate that is signed by itself, and a request for one that a real
authority signs. All three are for the same names.

  --name NAME         a DNS name (turn.example.org, or *.example.org for every name of one label
                      more) or an IP address by which clients reach the server; may be repeated.
                      The first one also names the files
  --days N            how long the certificate is valid, 1 to ${DAYS_MAX}; default: ${DAYS_DEFAULT}, the longest
                      that Apple's devices accept
  --key-type TYPE     ec (P-256) or rsa (2048 bits, for old clients); default: ec
  --out DIR           an existing directory for the files; default: this one
  --force             replace files that are there
  -h, --help          this text

  NAME.key   the private key, mode 0600: for --key of turnd
  NAME.pem   the certificate: for --cert. Clients refuse it until they are told to trust it
  NAME.csr   the request: an authority's answer to it takes the place of NAME.pem

Exit code: 0 done; 1 a file is there already; 2 anything else failed.
`

export type KeyType = 'ec' | 'rsa'

export interface CertArguments {
  /** At least one, each once: DNS names in lower case, IP addresses in canonical text. */
  readonly names: readonly string[]
  readonly days: number
  readonly keyType: KeyType
  readonly directory: string
  readonly isReplacing: boolean
}

const OPTIONS = {
  name: { type: 'string', multiple: true },
  days: { type: 'string' },
  'key-type': { type: 'string' },
  out: { type: 'string' },
  force: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads what follows `turnd cert`; null for --help. Throws a CommandError. */
export function parseCertArguments(argv: readonly string[]): CertArguments | null {
  const { values, words } = readWords(argv, OPTIONS)
  if (values.has('help')) return null
  if (words.length > 0) {
    throw new CommandError(`unexpected argument ${quoted(words[0])}: names are given as --name NAME`)
  }
  const names = [...new Set((values.get('name') ?? []).map(parseName))]
  if (names.length === 0) throw new CommandError('--name is missing: give the name by which clients reach the server')
  if (names.length > NAME_COUNT_MAX) throw new CommandError(`more than ${NAME_COUNT_MAX} names are given`)
  return {
    names,
    days: parseDays(values.get('days')?.[0]),
    keyType: parseKeyType(values.get('key-type')?.[0]),
    directory: values.get('out')?.[0] ?? '.',
    isReplacing: values.has('force'),
  }
}

function parseDays(text: string | undefined): number {
  if (text === undefined) return DAYS_DEFAULT
  const days = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= DAYS_MAX) return days
  throw new CommandError(`--days ${printable(text)} is not a whole number from 1 to ${DAYS_MAX}`)
}

function parseKeyType(text = 'ec'): KeyType {
  if (text === 'ec' || text === 'rsa') return text
  throw new CommandError(`--key-type ${printable(text)} is neither ec nor rsa`)
}

function parseName(text: string): string {
  try {
    return isAddressLike(text) ? parseAddress(text) : parseDnsName(text)
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    throw new CommandError(`--name ${printable(text)} ${error.message}`)
  }
}

function isAddressLike(text: string): boolean {
  return /^[0-9a-f.:%]*:[0-9a-f.:%]*:/i.test(text) || /^[0-9./]+$/.test(text)
}

function parseAddress(text: string): string {
  const address = parseIpAddress(text, 'is not an IP address: ')
  const reason = notUnicast(address)
  if (reason !== null) throw new ValueProblem(`is ${reason}: give the address of one host`)
  return formatHost(address)
}

function parseDnsName(text: string): string {
  if (text.includes(':') || text.includes('/')) {
    throw new ValueProblem('is not a DNS name: give it without a scheme, a port or a path')
  }
  if (text.endsWith('.')) throw new ValueProblem('is not a DNS name: give it without the dot at its end')
  if (/[^\0-\x7f]/.test(text) && domainToASCII(text) !== '') {
    throw new ValueProblem(`has letters outside of ASCII: write ${domainToASCII(text)}`)
  }
  if (!text.includes('*')) return parsePublicName(text)
  const parent = /^\*\.([^*]+\.[^*]+)$/.exec(text)?.[1]
  if (parent === undefined) {
    throw new ValueProblem(
      'is not a wildcard that clients accept: the star is the whole first label, as in *.example.org',
    )
  }
  return `*.${parsePublicName(parent)}`
}
