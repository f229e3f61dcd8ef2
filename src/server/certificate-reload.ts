// The certificate of other settings, or of files that are read again: loaded first, which may fail and changes nothing.
import type { SettingChange } from '../admin/schema/operations.js'
import type { CertificateFacts, CertificateMaterial } from '../auth/certificate-file.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import type { ServerCertificate } from './certificate.js'

export interface PreparedCertificate {
  /** null: there is none any more. */
  readonly material: CertificateMaterial | null
  /** What is in the same files, and is not the same as before. */
  readonly changes: readonly SettingChange[]
  /** Returns the one that is there from now on. */
  commit(): ServerCertificate | null
}

interface CertificateRequest {
  readonly present: ServerCertificate | null
  readonly from: Settings
  readonly to: Settings
  readonly logger: Logger
  warn(text: string): void
}

/** Throws TurndError. */
export async function prepareCertificate(request: CertificateRequest): Promise<PreparedCertificate> {
  const { from, logger, present, to, warn } = request
  const { cert, key } = to
  if (cert === null || key === null) {
    const commit = () => {
      present?.close()
      return null
    }
    return { material: null, changes: [], commit }
  }
  // Where there has been none, most of TLS is loaded now.
  const { loadCertificate } = await import('../auth/certificate-file.js')
  const { ServerCertificate } = await import('./certificate.js')
  const loaded = loadCertificate(cert, key)
  const isSameFile = from.cert === cert && from.key === key
  const isChanged =
    present !== null &&
    isSameFile &&
    (present.material.cert !== loaded.material.cert || present.material.key !== loaded.material.key)
  return {
    material: loaded.material,
    changes: isChanged ? [changeOf(present.facts, loaded.facts)] : [],
    commit: () => {
      if (present === null) return new ServerCertificate(cert, key, to, logger, warn, loaded)
      present.take(to, loaded)
      return present
    },
  }
}

function changeOf(from: CertificateFacts, to: CertificateFacts): SettingChange {
  const note = 'read again: new handshakes use it; connections that exist go on'
  return { name: 'the certificate', from: described(from), to: described(to), effect: 'live', note }
}

function described({ names, subject, validTo }: CertificateFacts): string {
  const whose = names.length === 0 ? subject : names.join(', ')
  return `${whose}, until ${new Date(validTo).toISOString().slice(0, 10)}`
}
