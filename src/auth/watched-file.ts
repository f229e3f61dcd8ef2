// A file of secrets while a server runs (--auth-secret-file, --oauth-keys): read at start, and again when it changes (within a second) or at a
// reload. A broken or empty file never takes anything away: what was read stays, and the caller is told once what is wrong, never what the
// file holds.
import { statSync } from 'node:fs'
import { errorText } from './private-file.js'
import { POLL_INTERVAL_MS, signatureOf } from './users-file-store.js'

/** What a file holds now, before it counts. */
export interface ReadFile<Content> {
  readonly content: Content
  take(): void
}

export interface WatchedFileOptions<Content> {
  readonly path: string
  /** Throws TurndError. */
  load(path: string): Content
  /** The end of a sentence: what stays when the file is broken. */
  readonly staying: string
  /** Gets everything that is wrong later. */
  onProblem(text: string): void
}

export class WatchedFile<Content> {
  readonly path: string
  /** Called when the file was changed, and only then: whoever opens it reads `content`. */
  onChanged: (content: Content) => void = () => {}
  readonly #options: WatchedFileOptions<Content>
  readonly #timer: NodeJS.Timeout
  #content: Content
  /** The file as it was when last read. */
  #signature: string

  /** Throws TurndError, as the options' load. */
  constructor(options: WatchedFileOptions<Content>) {
    this.path = options.path
    this.#options = options
    // Before it is read: what is written meanwhile is another file than that.
    this.#signature = signatureAt(this.path)
    this.#content = options.load(this.path)
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS)
    this.#timer.unref()
  }

  get content(): Content {
    return this.#content
  }

  /** Reads the file now, and leaves the content as it is until `take`. Throws TurndError. */
  readAgain(): ReadFile<Content> {
    const signature = signatureAt(this.path)
    const content = this.#options.load(this.path)
    return { content, take: () => this.#take(content, signature) }
  }

  /** Reads the file now. False, and the content as it was, if it is broken. */
  reload(): boolean {
    const signature = signatureAt(this.path)
    // A file that stays broken, or away, is reported once.
    this.#signature = signature
    try {
      this.#take(this.#options.load(this.path), signature)
    } catch (error) {
      this.#options.onProblem(`${error instanceof Error ? error.message : error}; ${this.#options.staying}`)
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

  #take(content: Content, signature: string): void {
    this.#signature = signature
    this.#content = content
    this.onChanged(content)
  }
}

function signatureAt(path: string): string {
  try {
    return signatureOf(statSync(path, { bigint: true }))
  } catch (error) {
    return errorText(error)
  }
}
