// What one connection of the fuzzer has sent, for the report of a failure.
import type { CorpusKind } from '../corpus.js'
import type { FailureInput } from '../target.js'

const PIECE_COUNT_MAX = 40
/** Of earlier pieces, in a comment. */
const SHOWN_LENGTH_MAX = 2_000

export class Transcript {
  readonly kind: CorpusKind
  readonly about: string
  /** Whether the pieces are datagrams, and not parts of a stream. */
  readonly #isDatagrams: boolean
  readonly #pieces: Uint8Array[] = []

  constructor(kind: CorpusKind, about: string, isDatagrams: boolean) {
    this.kind = kind
    this.about = about
    this.#isDatagrams = isDatagrams
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(Uint8Array.from(piece))
    if (this.#pieces.length > PIECE_COUNT_MAX) this.#pieces.shift()
  }

  /** The last datagram, with those before it as comments; or the stream. */
  toInput(): FailureInput {
    const { about, kind } = this
    if (!this.#isDatagrams) return { kind, about, bytes: Buffer.concat(this.#pieces) }
    const before = this.#pieces
      .slice(0, -1)
      .map((piece) => `before: ${Buffer.from(piece).toString('hex').slice(0, SHOWN_LENGTH_MAX)}`)
    return { kind, about: [about, ...before].join('\n'), bytes: this.#pieces.at(-1) ?? new Uint8Array(0) }
  }
}
