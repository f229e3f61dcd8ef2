// The certificate of a running server: loaded at the start, and again when its files change or on SIGHUP. A broken pair never takes the old one away.
// Tools replace files in many ways: by rename, by switching a symbolic link of the file or of a directory above it (certbot, Kubernetes), in place. What a
// path leads to is therefore compared now and then; a watch of the directory would miss some of these.
import { statSync } from 'node:fs'
import {
  type CertificateFacts,
  type CertificateMaterial,
  type LoadedCertificate,
  loadCertificate,
} from './certificate-file.js'
import { errorText } from './private-file.js'

/** How often both files' time, size and inode are compared. */
export const CERTIFICATE_POLL_INTERVAL_MS = 2000

export class CertificateFiles {
  #certPath: string
  #keyPath: string
  readonly #onChanged: (material: CertificateMaterial, facts: CertificateFacts) => void
  readonly #onProblem: (sentence: string) => void
  readonly #timer: NodeJS.Timeout
  #current: LoadedCertificate
  /** Both files as they were when last loaded or reported. */
  #seen: string
  /** Both files as they were when they could not be loaded for the first time; '' if they could. */
  #unsettled = ''

  /**
   * Throws a TurndError if the pair cannot be used now. The callbacks are for later: another pair was loaded, or could not be.
   * @param loaded what the files hold, if they were read already
   */
  constructor(
    certPath: string,
    keyPath: string,
    onChanged: (material: CertificateMaterial, facts: CertificateFacts) => void,
    onProblem: (sentence: string) => void,
    loaded?: LoadedCertificate,
  ) {
    this.#certPath = certPath
    this.#keyPath = keyPath
    this.#onChanged = onChanged
    this.#onProblem = onProblem
    // Before the files are read: a change in between is seen by the next poll.
    this.#seen = loaded === undefined ? this.#signature() : ''
    this.#current = loaded ?? loadCertificate(certPath, keyPath)
    this.#timer = setInterval(() => this.poll(), CERTIFICATE_POLL_INTERVAL_MS)
    this.#timer.unref()
  }

  get current(): LoadedCertificate {
    return this.#current
  }

  /** Reads both files now. False, and the certificate as it was, if the pair cannot be used. */
  reload(): boolean {
    this.#seen = this.#signature()
    this.#unsettled = ''
    const problem = this.#load()
    if (problem !== null) this.#report(problem)
    return problem === null
  }

  /** The certificate of these files, which were just read, from now on. */
  take(certPath: string, keyPath: string, loaded: LoadedCertificate): void {
    this.#certPath = certPath
    this.#keyPath = keyPath
    // What changes after the reading is seen by the next poll.
    this.#seen = ''
    this.#unsettled = ''
    this.#replace(loaded)
  }

  /** What the timer does: a change is taken over, or reported when it cannot be and is the same as at the poll before. */
  poll(): void {
    const signature = this.#signature()
    if (signature === this.#seen) {
      this.#unsettled = ''
      return
    }
    const problem = this.#load()
    // The two files are replaced one after the other, so what is wrong now may be right at the next poll.
    if (problem !== null && signature !== this.#unsettled) {
      this.#unsettled = signature
      return
    }
    this.#seen = signature
    this.#unsettled = ''
    if (problem !== null) this.#report(problem)
  }

  /** Stops looking for changes. */
  close(): void {
    clearInterval(this.#timer)
  }

  /** Returns what is wrong, or null. */
  #load(): string | null {
    let loaded: LoadedCertificate
    try {
      loaded = loadCertificate(this.#certPath, this.#keyPath)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    this.#replace(loaded)
    return null
  }

  #replace(loaded: LoadedCertificate): void {
    const { cert, key } = this.#current.material
    const isSame = loaded.material.cert === cert && loaded.material.key === key
    this.#current = loaded
    if (!isSame) this.#onChanged(loaded.material, loaded.facts)
  }

  #report(problem: string): void {
    this.#onProblem(`${problem}; the certificate loaded before stays`)
  }

  #signature(): string {
    return `${signatureOf(this.#certPath)} ${signatureOf(this.#keyPath)}`
  }
}

/** Follows symbolic links. The change time too: a copy may keep the time of its original. */
function signatureOf(path: string): string {
  try {
    const { ctimeNs, dev, ino, mtimeNs, size } = statSync(path, { bigint: true })
    return `${mtimeNs} ${ctimeNs} ${size} ${dev} ${ino}`
  } catch (error) {
    return errorText(error)
  }
}
