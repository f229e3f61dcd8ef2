// The values of --alternate: other servers that clients may be sent to (RFC 8489 §10).
import { ALTERNATE_SHARE_COUNT_MAX } from '../limits/turn.js'
import { formatHost } from '../stun/address.js'
import { parsePublicName } from './external-ip.js'
import { isLoopbackHost, notUnicast, parseIpAddress } from './ip-address.js'
import type { ListenScheme } from './listen-spec.js'
import { printable } from './printable.js'
import { ValueProblem } from './value-type.js'

export interface AlternateServer {
  /** For clients over this alone, who are not sent to others then; `any`: for all. */
  readonly scheme: ListenScheme
  /** An IP address in canonical text, or a DNS name in lower case. */
  readonly host: string
  readonly isName: boolean
  /** For clients over UDP and TCP, and over `scheme`; 0: the port that the client uses here. */
  readonly port: number
  /** How many shares of the clients are its own. */
  readonly weight: number
  /** As it was given. */
  readonly text: string
}

export const ALTERNATE_FORM = '[udp:|tcp:|tls:|dtls:]HOST[:PORT][*WEIGHT]'
const PREFIX = `is not ${ALTERNATE_FORM}: `
const SHAPE = /^(?:(udp|tcp|tls|dtls):)?(\[[^\]]*\]|[^:[\]*]*)(?::([^:*]*))?(?:\*(.*))?$/is

/** Throws ValueProblem. */
export function parseAlternate(text: string): AlternateServer {
  const match = SHAPE.exec(text)
  // A second colon: an address that looks like a host with a port.
  if (match === null) throw new ValueProblem(`${PREFIX}an IPv6 address needs brackets, such as [2001:db8::2]:3478`)
  const [, scheme = 'any', hostText, portText, weightText] = match
  const isBracketed = hostText.startsWith('[')
  const host = parseHost(isBracketed ? hostText.slice(1, -1) : hostText, isBracketed)
  return {
    scheme: scheme.toLowerCase() as ListenScheme,
    ...host,
    port: portText === undefined ? 0 : parseNumber(portText, 65_535, 'a port'),
    weight: weightText === undefined ? 1 : parseNumber(weightText, ALTERNATE_SHARE_COUNT_MAX, 'a weight'),
    text,
  }
}

/** What to say of one that only this machine reaches; null of others. */
export function alternateWarning({ host, isName }: AlternateServer): string | null {
  if (isName || !isLoopbackHost(host)) return null
  return 'leads clients to their own machine: give the address under which they reach the other server'
}

function parseHost(text: string, isBracketed: boolean): Pick<AlternateServer, 'host' | 'isName'> {
  if (text === '') throw new ValueProblem(`${PREFIX}the host is missing, give the address or the name of a server`)
  if (!isBracketed && /[^0-9.]/.test(text)) return { host: parseName(text), isName: true }
  if (isBracketed && !text.includes(':')) throw new ValueProblem(`${PREFIX}brackets are for IPv6 addresses`)
  const address = parseIpAddress(text, PREFIX)
  const reason = notUnicast(address)
  if (reason !== null) throw new ValueProblem(`${PREFIX}${printable(text)} is ${reason}, give the address of one host`)
  return { host: formatHost(address), isName: false }
}

function parseName(text: string): string {
  try {
    return parsePublicName(text)
  } catch {
    throw new ValueProblem(`${PREFIX}${printable(text)} is neither an IP address nor a DNS name`)
  }
}

function parseNumber(text: string, max: number, noun: string): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= max) return value
  const shown = text === '' ? `${noun.replace('a ', 'the ')} is missing` : `${printable(text)} is not ${noun}`
  throw new ValueProblem(`${PREFIX}${shown}, give a number from 1 to ${max}`)
}
