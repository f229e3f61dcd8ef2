// The certificate of a running server: read before any socket opens, and again when it changes. What is wrong with it is said in sentences.

import type { CertificateFacts, CertificateMaterial } from '../auth/certificate-file.js'
import { CertificateFiles } from '../auth/certificate-files.js'
import { certificateWarnings } from '../auth/certificate-warnings.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'

/** A server runs for longer than certificates are valid. */
const CHECK_INTERVAL_MS = 24 * 3600 * 1000

export class ServerCertificate {
  readonly #files: CertificateFiles
  readonly #publicNames: readonly string[]
  readonly #warn: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #facts: CertificateFacts
  /** New handshakes are to use it. */
  onChanged: (material: CertificateMaterial) => void = () => {}

  /** Throws TurndError if the files are no usable pair. */
  constructor(
    certPath: string,
    keyPath: string,
    { publicName }: Settings,
    logger: Logger,
    warn: (text: string) => void,
  ) {
    this.#publicNames = publicName
    this.#warn = warn
    this.#files = new CertificateFiles(
      certPath,
      keyPath,
      (material, facts) => {
        this.#facts = facts
        logger.info(
          { event: 'certificate', ...described(facts) },
          `new handshakes use the new certificate of ${certPath}`,
        )
        this.#check()
        this.onChanged(material)
      },
      warn,
    )
    this.#facts = this.#files.current.facts
    logger.info(
      { event: 'certificate', ...described(this.#facts) },
      `certificate ${certPath} for ${namesOf(this.#facts)}`,
    )
    this.#check()
    this.#timer = setInterval(() => this.#check(), CHECK_INTERVAL_MS).unref()
  }

  get material(): CertificateMaterial {
    return this.#files.current.material
  }

  /** Reads the files again. False if they are broken: the certificate stays as it is. */
  reload(): boolean {
    return this.#files.reload()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#files.close()
  }

  #check(): void {
    for (const text of certificateWarnings(this.#facts, this.#publicNames, Date.now())) this.#warn(text)
  }
}

function described({ fingerprint256, names, subject, validTo }: CertificateFacts): Record<string, unknown> {
  return { subject, names, validTo: new Date(validTo).toISOString(), fingerprint256 }
}

function namesOf({ names, subject }: CertificateFacts): string {
  return names.length === 0 ? subject : names.join(', ')
}
