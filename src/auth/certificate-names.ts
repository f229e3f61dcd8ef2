// The names of a certificate: read from its subjectAltName, and compared with those by which clients know the server (RFC 6125 §6.4).
import { formatHost, hostAddress } from '../stun/address.js'

const ENTRY = /(?:^|, )(DNS|IP Address|[^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g

/**
 * DNS names in lower case and IP addresses in canonical text, from the text that node makes of a subjectAltName. Other kinds of names are left
 * out: no client of TURN looks at them.
 */
export function subjectAltNames(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(ENTRY)].flatMap(([, kind, value]) => {
    if (kind === 'DNS') return [(value.startsWith('"') ? String(JSON.parse(value)) : value).toLowerCase()]
    return kind === 'IP Address' ? [canonicalName(value)] : []
  })
}

/** Does one of a certificate's names stand for `name`, a DNS name or an IP address? */
export function isNameCovered(name: string, certificateNames: readonly string[]): boolean {
  const wanted = canonicalName(name)
  const isAddress = hostAddress(wanted) !== null
  return certificateNames.some((pattern) => pattern === wanted || (!isAddress && isWildcardFor(pattern, wanted)))
}

/** A star is a whole first label and stands for exactly one; not for one of a whole top-level domain, which browsers refuse. */
function isWildcardFor(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return false
  const parent = pattern.slice(1)
  const dot = name.indexOf('.')
  return parent.indexOf('.', 1) > 0 && dot > 0 && name.slice(dot) === parent
}

function canonicalName(name: string): string {
  const address = hostAddress(name)
  return address === null ? name.toLowerCase().replace(/\.$/, '') : formatHost(address)
}
