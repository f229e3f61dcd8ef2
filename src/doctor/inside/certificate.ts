// The certificate of TLS and DTLS listeners: its files, names, days and chain, before a client sees it.
import { type CertificateFacts, loadCertificate } from '../../auth/certificate-file.js'
import { isNameCovered } from '../../auth/certificate-names.js'
import { certificateWarnings } from '../../auth/certificate-warnings.js'
import { TurndError } from '../../config/errors.js'
import { pageNamesOf } from '../../config/http-upstream.js'
import { type Check, fault, type Judgement, well } from '../check.js'
import { faultOf, warningOf } from '../two-parts.js'
import { notReadable } from '../unreadable-file.js'
import type { InsideScene } from './scene.js'

const DAY_MS = 86_400_000

/** @param facts or why the files are no usable pair: a sentence with its remedy */
export function judgeCertificate(
  facts: CertificateFacts | string,
  publicNames: readonly string[],
  nowMs: number,
  pageNames: readonly string[] = [],
): Judgement[] {
  if (typeof facts === 'string') return [faultOf(facts, 'Mend the file')]
  const faults = [...validityFaults(facts, nowMs), ...nameFaults(facts, publicNames, pageNames)]
  // Both are warnings of a server, which relays for UDP clients all the same.
  const known = new Set(
    faults.length === 0
      ? []
      : certificateWarnings({ ...facts, isChainCut: false, isChainInOrder: true }, publicNames, nowMs, pageNames),
  )
  const warnings = certificateWarnings(facts, publicNames, nowMs, pageNames).filter((text) => !known.has(text))
  const judged = [...faults, ...warnings.map(warningOf)]
  if (judged.length > 0) return judged
  return [
    well(
      `the certificate names ${facts.names.join(', ')} and is valid for ${Math.floor((facts.validTo - nowMs) / DAY_MS)} days`,
    ),
  ]
}

function validityFaults({ path, validFrom, validTo }: CertificateFacts, nowMs: number): Judgement[] {
  const day = (time: number) => new Date(time).toISOString().slice(0, 10)
  if (nowMs > validTo) {
    const text = `the certificate ${path} expired on ${day(validTo)}: clients refuse it`
    return [fault('the certificate has expired', text, 'Renew it: a running server takes the new file by itself')]
  }
  if (nowMs >= validFrom) return []
  const text = `the certificate ${path} is not valid before ${day(validFrom)}: clients refuse it`
  return [fault('the certificate is not valid yet', text, "Look at this machine's clock, or wait until then")]
}

function nameFaults(
  { names, path }: CertificateFacts,
  publicNames: readonly string[],
  pageNames: readonly string[],
): Judgement[] {
  const wanted = [...new Set([...publicNames, ...pageNames, ...names])].map((name) => `--name ${name}`).join(' ')
  const faultOfNames = (asked: readonly string[], option: string, refused: string) => {
    const missing = asked.filter((name) => !isNameCovered(name, names)).join(', ')
    if (missing === '') return []
    return [
      fault(
        `the certificate does not name ${missing}`,
        `clients come to ${missing} (${option}), and the certificate ${path} names ${names.join(', ') || 'nothing'}: browsers refuse ${refused}`,
        `Get a certificate with that name as well; turnd cert ${wanted} makes a request for one`,
      ),
    ]
  }
  return [
    ...faultOfNames(publicNames, '--public-name', 'turns: there'),
    ...faultOfNames(pageNames, '--http-name', 'the page'),
  ]
}

export const certificate: Check<InsideScene> = {
  id: 'certificate',
  needs: ['configuration'],
  async run({ nowMs, running, settings }) {
    const { cert, key, publicName } = settings
    const pageNames = pageNamesOf(settings)
    // A TLS listener without them stops the start.
    if (cert === null || key === null) return []
    try {
      return judgeCertificate(loadCertificate(cert, key).facts, publicName, nowMs, pageNames)
    } catch (error) {
      if (!(error instanceof TurndError)) throw error
      return notReadable(error, running.length > 0) ?? judgeCertificate(error.message, publicName, nowMs)
    }
  },
}
