// The certificate of a running server: read before any socket opens, and again when it changes. What is wrong with it is said in sentences.

import type { CertificateFacts, CertificateMaterial, LoadedCertificate } from '../auth/certificate-file.js'
import { CertificateFiles } from '../auth/certificate-files.js'
import { certificateWarnings } from '../auth/certificate-warnings.js'
import { pageNamesOf } from '../config/http-upstream.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'

export { loadCertificate } from '../auth/certificate-file.js'

/** A server runs for longer than certificates are valid. */
const CHECK_INTERVAL_MS = 24 * 3600 * 1000

export class ServerCertificate {
  readonly #files: CertificateFiles
  #settings: Settings
  #warn: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #facts: CertificateFacts
  /** New handshakes are to use it. */
  onChanged: (material: CertificateMaterial) => void = () => {}

  /**
   * Throws TurndError if the files are no usable pair.
   * @param loaded what they hold, if they were read already
   */
  constructor(
    certPath: string,
    keyPath: string,
    settings: Settings,
    logger: Logger,
    warn: (text: string) => void,
    loaded?: LoadedCertificate,
  ) {
    this.#settings = settings
    this.#warn = warn
    this.#files = new CertificateFiles(
      certPath,
      keyPath,
      (material, facts) => {
        this.#facts = facts
        logger.info(
          { event: 'certificate', ...described(facts) },
          `new handshakes use the new certificate of ${facts.path}`,
        )
        this.#check()
        this.onChanged(material)
      },
      (text) => this.#warn(text),
      loaded,
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

  get facts(): CertificateFacts {
    return this.#facts
  }

  /** What deserves attention now, a sentence each. */
  warnings(): string[] {
    return certificateWarnings(this.#facts, this.#settings.publicName, Date.now(), pageNamesOf(this.#settings))
  }

  /** That of these files, which were just read, for a server of these names; warnings go there from now on. */
  take(settings: Settings, loaded: LoadedCertificate, warn: (text: string) => void): void {
    const { cert, key } = settings
    this.#warn = warn
    const isSame = loaded.material.cert === this.material.cert
    const hasSameNames = wantedNames(settings) === wantedNames(this.#settings)
    this.#settings = settings
    if (cert !== null && key !== null) this.#files.take(cert, key, loaded)
    if (isSame && !hasSameNames) this.#check()
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
    for (const text of this.warnings()) this.#warn(text)
  }
}

function wantedNames(settings: Settings): string {
  return [settings.publicName.join(), pageNamesOf(settings).join()].join(' ')
}

function described({ fingerprint256, names, subject, validTo }: CertificateFacts): Record<string, unknown> {
  return { subject, names, validTo: new Date(validTo).toISOString(), fingerprint256 }
}

function namesOf({ names, subject }: CertificateFacts): string {
  return names.length === 0 ? subject : names.join(', ')
}
