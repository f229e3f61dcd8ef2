// What an operator should know of a certificate that can be used: a sentence each, at the start and whenever another one is loaded.
import { listed, NAME_COUNT_SHOWN } from '../log/listed.js'
import type { CertificateFacts } from './certificate-file.js'
import { isNameCovered } from './certificate-names.js'

const DAY_MS = 86_400_000
/** From so many days before its end on, somebody has to renew it. */
export const EXPIRY_WARNING_DAYS = 14

/**
 * @param publicNames the names (and addresses) by which clients reach this server
 * @param nowMs milliseconds since the epoch
 * @param pageNames those by which browsers ask for the pages that share its port
 */
export function certificateWarnings(
  facts: CertificateFacts,
  publicNames: readonly string[],
  nowMs: number,
  pageNames: readonly string[] = [],
): string[] {
  const certificate = `the certificate ${facts.path}`
  const wanted = [...new Set([...publicNames, ...pageNames])]
  const pages = listed(pageNames.filter((name) => !isNameCovered(name, facts.names)).map((name) => `https://${name}`))
  return [
    ...nameWarnings(certificate, facts, publicNames, wanted, 'turns: there'),
    ...nameWarnings(certificate, facts, pageNames, wanted, `${pages} (--http-name)`),
    ...validityWarnings(certificate, facts, nowMs),
    ...chainWarnings(certificate, facts),
  ]
}

/** @param all that a new one should name */
function nameWarnings(
  certificate: string,
  { names }: CertificateFacts,
  wanted: readonly string[],
  all: readonly string[],
  refused: string,
): string[] {
  const missing = wanted.filter((name) => !isNameCovered(name, names))
  if (missing.length === 0) return []
  const has = names.length === 0 ? 'it has no subjectAltName with a name' : `it names ${listed(names)}`
  const options = all.slice(0, NAME_COUNT_SHOWN).map((name) => `--name ${name}`)
  if (all.length > NAME_COUNT_SHOWN) options.push('…')
  return [
    `${certificate} does not name ${listed(missing)} (${has}): browsers will refuse ${refused}; make one that does, such as with turnd cert ${options.join(' ')}`,
  ]
}

function validityWarnings(certificate: string, { validFrom, validTo }: CertificateFacts, nowMs: number): string[] {
  if (nowMs < validFrom) {
    const remedy = "look at this machine's clock, or wait until then"
    return [`${certificate} is not valid yet, but in ${daysText(validFrom - nowMs)}: clients will refuse it; ${remedy}`]
  }
  if (nowMs > validTo) {
    return [`${certificate} expired ${daysText(nowMs - validTo)} ago: clients will refuse it; renew it`]
  }
  if (validTo - nowMs > EXPIRY_WARNING_DAYS * DAY_MS) return []
  return [
    `${certificate} expires in ${daysText(validTo - nowMs)}: renew it, a running server takes the new one by itself`,
  ]
}

function chainWarnings(certificate: string, facts: CertificateFacts): string[] {
  if (!facts.isChainInOrder) {
    return [
      `${certificate} is followed by others out of order: each must be signed by the next; some clients will refuse it`,
    ]
  }
  if (!facts.isChainCut) return []
  return [
    `${certificate} stands alone, without the one that signed it (${facts.issuer}): clients that do not know that one will refuse it; give the whole chain, such as fullchain.pem`,
  ]
}

/** Whole days; `less than a day` for none. */
function daysText(milliseconds: number): string {
  const days = Math.floor(milliseconds / DAY_MS)
  if (days === 0) return 'less than a day'
  return days === 1 ? '1 day' : `${days} days`
}
