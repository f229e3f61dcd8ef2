// What the load consists of. Each payload names its stream and its sequence number, and every word of it is checked on arrival:
//
//   word 0  MARK    1  stream    2  sequence    3  stamp    4 …  the stream's own pattern    last  sequence xor stamp
//
// A stamp is the time of sending where latency is measured, else 0.

const MARK = 0x74726e64
export const STREAM_WORD = 1
const SEQUENCE_WORD = 2
export const STAMP_WORD = 3
const PATTERN_WORD = 4
/** Gaps that are remembered, for telling late packets from duplicates. */
const GAP_COUNT_MAX = 100_000
/** Sequence numbers of a stream stay below this. */
const SEQUENCE_COUNT_MAX = 2 ** 31

/** The payload of one stream, as it is sent. `length` is a multiple of 4, at least 24. */
export class PayloadTemplate {
  readonly stream: number
  readonly words: Int32Array

  constructor(stream: number, length: number) {
    this.stream = stream
    this.words = new Int32Array(length / 4)
    for (let word = PATTERN_WORD; word < this.words.length - 1; word++) {
      this.words[word] = Math.imul(stream + 1, 0x9e3779b1) ^ Math.imul(word, 0x85ebca6b)
    }
    this.words[0] = MARK
    this.words[STREAM_WORD] = stream
  }

  /** Numbers a copy of this payload that starts at word `at`. */
  number(words: Int32Array, at: number, sequence: number, stamp: number): void {
    words[at + SEQUENCE_WORD] = sequence
    words[at + STAMP_WORD] = stamp
    words[at + this.words.length - 1] = sequence ^ stamp
  }

  /** Returns the sequence number of the payload at word `at`, or -1 if any byte of it is wrong. */
  check(words: Int32Array, at: number): number {
    const template = this.words
    const last = template.length - 1
    const sequence = words[at + SEQUENCE_WORD]
    let difference = words[at] ^ MARK
    difference |= words[at + last] ^ sequence ^ words[at + STAMP_WORD]
    difference |= words[at + STREAM_WORD] ^ template[STREAM_WORD]
    for (let word = PATTERN_WORD; word < last; word++) difference |= words[at + word] ^ template[word]
    return difference === 0 ? sequence : -1
  }
}

/** Counts what arrived of all streams; a payload counts as delivered once. */
export class Deliveries {
  delivered = 0
  duplicates = 0
  reordered = 0
  corrupted = 0
  /** Whole, but at another client's, or not from the relayed transport address or channel of its own. */
  misdelivered = 0
  /** Not arrived, although later ones of their streams have: lost, or late. */
  missing = 0
  readonly #templates: readonly PayloadTemplate[]
  readonly #expected: Int32Array
  readonly #gaps = new Set<number>()

  constructor(templates: readonly PayloadTemplate[]) {
    this.#templates = templates
    this.#expected = new Int32Array(templates.length)
  }

  /** The sequence number behind the highest that has arrived of a stream: what is below it has arrived, or was overtaken. */
  nextSequence(stream: number): number {
    return this.#expected[stream]
  }

  /** The stream that the payload at word `at` names, or -1. */
  streamOf(words: Int32Array, at: number, length: number): number {
    const stream = words[at + STREAM_WORD]
    if (stream < 0 || stream >= this.#templates.length) return -1
    return this.#templates[stream].words.length * 4 === length ? stream : -1
  }

  /** Checks and counts the payload of `stream` at word `at`. */
  count(stream: number, words: Int32Array, at: number): boolean {
    const sequence = this.#templates[stream].check(words, at)
    if (sequence < 0) {
      this.corrupted++
      return false
    }
    const expected = this.#expected[stream]
    if (sequence === expected) this.#expected[stream] = expected + 1
    else if (sequence > expected) this.#noteGap(stream, expected, sequence)
    else if (this.#gaps.delete(stream * SEQUENCE_COUNT_MAX + sequence)) {
      this.reordered++
      this.missing--
    } else {
      this.duplicates++
      return false
    }
    this.delivered++
    return true
  }

  #noteGap(stream: number, from: number, to: number): void {
    for (let missing = from; missing < to && this.#gaps.size < GAP_COUNT_MAX; missing++) {
      this.#gaps.add(stream * SEQUENCE_COUNT_MAX + missing)
    }
    this.missing += to - from
    this.#expected[stream] = to + 1
  }
}
