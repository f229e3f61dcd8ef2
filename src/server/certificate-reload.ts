// The certificate of other settings, or of files that are read again: loaded first, which may fail and changes nothing.
import type { SettingChange } from '../admin/schema/operations.js'
import type { CertificateFacts, CertificateMaterial } from '../auth/certificate-file.js'
import { TurndError } from '../config/errors.js'
import { formatAddressPort, isLoopbackHost } from '../config/ip-address.js'
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
  /** There is a status page, at the address of these settings. */
  readonly hasAdminServer: boolean
  readonly logger: Logger
  warn(text: string): void
}

/** Throws TurndError. */
export async function prepareCertificate(request: CertificateRequest): Promise<PreparedCertificate> {
  const { from, logger, present, to, warn } = request
  const { cert, key } = to
  if (cert === null || key === null) {
    if (present !== null && request.hasAdminServer) refuseClearPage(to)
    const commit = () => {
      present?.close()
      return null
    }
    return { material: null, changes: [], commit }
  }
  // Where there has been none, most of TLS is loaded now.
  // Where there has been one, all of it is here: a reload at the limit of open files cannot load a module.
  const { loadCertificate, ServerCertificate } = await import('./certificate.js')
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
      present.take(to, loaded, warn)
      return present
    },
  }
}

/** A start says so, and whoever starts it reads that; sessions that were safe must not become readable by the way. */
function refuseClearPage({ adminListen }: Settings): void {
  if (adminListen === null || isLoopbackHost(adminListen.host)) return
  throw new TurndError(
    'TURND_ERR_CERTIFICATE',
    `without --cert and --key the status page at ${formatAddressPort(adminListen.host, adminListen.port)} would be in the clear, and it is not on loopback: ` +
      'keep them, or restart with another --admin-listen',
  )
}

function changeOf(from: CertificateFacts, to: CertificateFacts): SettingChange {
  const note = 'read again: new handshakes use it; connections that exist go on'
  return { name: 'the certificate', from: described(from), to: described(to), effect: 'live', note }
}

function described({ names, subject, validTo }: CertificateFacts): string {
  const whose = names.length === 0 ? subject : names.join(', ')
  return `${whose}, until ${new Date(validTo).toISOString().slice(0, 10)}`
}
