// Who a server says it is over TLS and DTLS, and what is wrong with that: each problem by itself, so that all of them can be told at once.
import type { X509Certificate } from 'node:crypto'
import { isNameCovered, subjectAltNames } from '../auth/certificate-names.js'
import { CLIENT_NAMES_SHOWN_COUNT_MAX } from '../limits/clients.js'
import { ALPN_PROTOCOLS } from '../net/dtls/alpn.js'
import type { OpenRequest } from './transport.js'

/** `untrusted`: neither its own authority nor one of those that are trusted has signed it. */
export type CertificateProblemCode = 'wrong-name' | 'expired' | 'not-yet-valid' | 'self-signed' | 'untrusted'

export interface CertificateProblem {
  readonly code: CertificateProblemCode
  /** A sentence without its end: `the certificate is for turn.example.org, not for 192.0.2.1`. */
  readonly text: string
}

export interface PeerSecurity {
  /** Such as `TLSv1.3`, `DTLSv1.2`. */
  readonly protocol: string
  readonly cipher: string
  /** The protocol that the server chose (ALPN); '' if none. */
  readonly alpn: string
  /** The server speaks no protocol that it was offered, as web servers do, and the handshake was done without. */
  readonly isAlpnRefused: boolean
  /** With whom the names were compared. */
  readonly serverName: string
  /** The server's own; its text forms are the server's to choose. null if it has shown none. */
  readonly certificate: X509Certificate | null
  /** DNS names and IP addresses of the certificate. */
  readonly names: readonly string[]
  /** Empty when a client would go on. */
  readonly problems: readonly CertificateProblem[]
}

const EXPIRED = ['CERT_HAS_EXPIRED', 'certificate has expired']
const NOT_YET_VALID = ['CERT_NOT_YET_VALID', 'certificate is not yet valid']
const SELF_SIGNED = ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate']

/**
 * @param chainError what OpenSSL found first when it verified the chain, its name or its text; '' for nothing
 * @param nowMilliseconds of the wall clock
 */
export function certificateProblems(
  certificate: X509Certificate | null,
  serverName: string,
  chainError: string,
  nowMilliseconds: number,
): CertificateProblem[] {
  if (certificate === null) return [{ code: 'untrusted', text: 'the server shows no certificate' }]
  const names = subjectAltNames(certificate.subjectAltName)
  const problems: CertificateProblem[] = []
  if (!isNameCovered(serverName, names)) problems.push({ code: 'wrong-name', text: wrongName(names, serverName) })
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  if (nowMilliseconds < from) {
    problems.push({ code: 'not-yet-valid', text: `the certificate is not valid before ${isoSeconds(from)}` })
  }
  if (nowMilliseconds > to) problems.push({ code: 'expired', text: `the certificate expired on ${isoSeconds(to)}` })
  const chain = chainProblem(chainError)
  const isKnown = chain === null || problems.some(({ code }) => code === chain.code)
  return isKnown ? problems : [...problems, chain]
}

/** RFC 7443: the first of the two, which is TURN's. */
export function alpnOf({ alpn }: OpenRequest): readonly string[] {
  return alpn ?? ALPN_PROTOCOLS.slice(0, 1)
}

function chainProblem(error: string): CertificateProblem | null {
  if (error === '') return null
  if (EXPIRED.includes(error)) return { code: 'expired', text: 'a certificate of the chain has expired' }
  if (NOT_YET_VALID.includes(error)) {
    return { code: 'not-yet-valid', text: 'a certificate of the chain is not valid yet' }
  }
  if (SELF_SIGNED.includes(error)) {
    return { code: 'self-signed', text: 'the certificate is signed by itself, and clients do not know it' }
  }
  return { code: 'untrusted', text: `no authority that clients know has signed the certificate (${error})` }
}

function wrongName(names: readonly string[], serverName: string): string {
  const shown = names.slice(0, CLIENT_NAMES_SHOWN_COUNT_MAX).join(', ')
  const more =
    names.length > CLIENT_NAMES_SHOWN_COUNT_MAX ? `, and ${names.length - CLIENT_NAMES_SHOWN_COUNT_MAX} more` : ''
  return `the certificate is for ${shown === '' ? 'no name' : shown}${more}, not for ${serverName}`
}

/** @param milliseconds a certificate's date, parsed: NaN where nobody can read it, since it is the server's text */
export function isoSeconds(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? 'an unreadable date' : new Date(milliseconds).toISOString().replace('.000Z', 'Z')
}
