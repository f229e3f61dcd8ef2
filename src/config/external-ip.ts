// The values of --relay-ip, --external-ip and --public-name: by what addresses and names others reach this server.
import { formatHost } from '../stun/address.js'
import { familyOf, notUnicast, parseIpAddress } from './ip-address.js'
import { printable } from './printable.js'
import { ValueProblem } from './value-type.js'

/** A static NAT: relay sockets bind `privateHost`, clients are told `publicHost`. */
export interface ExternalIp {
  readonly publicHost: string
  /** null: the relay address of the same family. */
  readonly privateHost: string | null
  /** As it was given. */
  readonly text: string
}

/** Parses a value of --external-ip, `PUBLIC[/PRIVATE]`; throws ValueProblem. */
export function parseExternalIp(text: string): ExternalIp {
  const prefix = 'is not PUBLIC[/PRIVATE]: '
  const slash = text.indexOf('/')
  if (slash < 0) return { publicHost: parseUnicast(text, prefix), privateHost: null, text }
  const privateText = text.slice(slash + 1)
  if (/^[0-9]{1,3}$/.test(privateText)) {
    throw new ValueProblem(`${prefix}after the slash comes an address, not a prefix length`)
  }
  const publicHost = parseUnicast(text.slice(0, slash), prefix)
  const privateHost = parseUnicast(privateText, prefix)
  if (familyOf(publicHost) !== familyOf(privateHost)) {
    throw new ValueProblem(`${prefix}${publicHost} and ${privateHost} are of different address families`)
  }
  return { publicHost, privateHost, text }
}

/** Parses a value of --relay-ip: the address of one interface, in canonical text. Throws ValueProblem. */
export function parseRelayIp(text: string): string {
  return parseUnicast(text, 'is not a relay address: ')
}

function parseUnicast(text: string, prefix: string): string {
  const address = parseIpAddress(text, prefix)
  const reason = notUnicast(address)
  if (reason !== null) throw new ValueProblem(`${prefix}${printable(text)} is ${reason}, give the address of one host`)
  return formatHost(address)
}

/** Parses a value of --public-name: a DNS name in lower case (RFC 1123 §2.1). Throws ValueProblem. */
export function parsePublicName(text: string): string {
  const name = text.toLowerCase()
  const isName = name.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  if (!isName || name.length > 253 || /(^|\.)[0-9]+$/.test(name)) {
    throw new ValueProblem('is not a DNS name: give one such as turn.example.org')
  }
  return name
}
