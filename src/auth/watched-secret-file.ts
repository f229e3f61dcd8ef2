// The file of --auth-secret-file while a server runs: read at start, and again when it changes (within a second) or at a reload. A broken or
// empty file never takes secrets away: those that were read stay, and the caller is told once what is wrong, never what the file holds.
import { statSync } from 'node:fs'
import { errorText } from './private-file.js'
import { loadSecretFile } from './secret-file.js'
import { POLL_INTERVAL_MS, signatureOf } from './users-file-store.js'

/** What a file holds now, before it counts. */
export interface ReadSecrets {
  readonly secrets: readonly string[]
  take(): void
}

export class WatchedSecretFile {
  readonly path: string
  /** Called when the file was changed, and only then: whoever opens it reads `secrets`. */
  onChanged: (secrets: readonly string[]) => void = () => {}
  readonly #onProblem: (text: string) => void
  readonly #timer: NodeJS.Timeout
  #secrets: readonly string[]
  /** The file as it was when last read. */
  #signature: string

  /** Throws TurndError, as loadSecretFile. `onProblem` gets everything that is wrong later. */
  constructor(path: string, onProblem: (text: string) => void) {
    this.path = path
    this.#onProblem = onProblem
    // Before it is read: what is written meanwhile is another file than that.
    this.#signature = signatureAt(path)
    this.#secrets = loadSecretFile(path)
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS)
    this.#timer.unref()
  }

  get secrets(): readonly string[] {
    return this.#secrets
  }

  /** Reads the file now, and leaves the secrets as they are until `take`. Throws TurndError. */
  readAgain(): ReadSecrets {
    const signature = signatureAt(this.path)
    const secrets = loadSecretFile(this.path)
    return { secrets, take: () => this.#take(secrets, signature) }
  }

  /** Reads the file now. False, and the secrets as they were, if it is broken. */
  reload(): boolean {
    const signature = signatureAt(this.path)
    // A file that stays broken, or away, is reported once.
    this.#signature = signature
    try {
      this.#take(loadSecretFile(this.path), signature)
    } catch (error) {
      this.#onProblem(`${error instanceof Error ? error.message : error}; the secrets read before stay`)
      return false
    }
    return true
  }

  /** Stops looking for changes. */
  close(): void {
    clearInterval(this.#timer)
  }

  #poll(): void {
    if (signatureAt(this.path) !== this.#signature) this.reload()
  }

  #take(secrets: readonly string[], signature: string): void {
    this.#signature = signature
    this.#secrets = secrets
    this.onChanged(secrets)
  }
}

function signatureAt(path: string): string {
  try {
    return signatureOf(statSync(path, { bigint: true }))
  } catch (error) {
    return errorText(error)
  }
}
