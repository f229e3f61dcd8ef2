// What the load consists of: each payload names its flow and its sequence number, and every byte of it is checked on arrival.
//
//   word 0  MARK      word 1  flow      word 2  sequence      words 3 …  the flow's own pattern      last word  sequence again
import type { Arena } from './arena.js'

const MARK = 0x74726e64
const FLOW_WORD = 1
const SEQUENCE_WORD = 2
const PATTERN_WORD = 3
/** Sequence numbers that are remembered per flow. */
const WINDOW = 4096

/** The payload of one flow, as it is sent. `length` is a multiple of 4, at least 16. */
export class PayloadTemplate {
  readonly words: Uint32Array

  constructor(flow: number, length: number) {
    this.words = new Uint32Array(length / 4)
    for (let word = PATTERN_WORD; word < this.words.length; word++) {
      this.words[word] = Math.imul(flow + 1, 0x9e3779b1) ^ Math.imul(word, 0x85ebca6b)
    }
    this.words[0] = MARK
    this.words[FLOW_WORD] = flow
    this.setSequence(this.words, 0, 0)
  }

  /** Numbers a copy of this payload that starts at word `at`. */
  setSequence(words: Uint32Array, at: number, sequence: number): void {
    words[at + SEQUENCE_WORD] = sequence
    words[at + this.words.length - 1] = sequence
  }

  /** Returns the sequence number of the payload at word `at`, or -1 if any byte of it is wrong. */
  check(words: Uint32Array, at: number): number {
    const template = this.words
    const last = template.length - 1
    const sequence = words[at + SEQUENCE_WORD]
    if (words[at] !== MARK || words[at + FLOW_WORD] !== template[FLOW_WORD] || words[at + last] !== sequence) return -1
    for (let word = PATTERN_WORD; word < last; word++) if (words[at + word] !== template[word]) return -1
    return sequence
  }
}

/** Counts what arrived of all flows; a payload counts as delivered once. */
export class Deliveries {
  delivered = 0
  duplicates = 0
  reordered = 0
  corrupted = 0
  misdelivered = 0
  readonly #arena: Arena
  readonly #templates: readonly PayloadTemplate[]
  readonly #highest: Int32Array
  readonly #seen: Int32Array

  constructor(arena: Arena, templates: readonly PayloadTemplate[]) {
    this.#arena = arena
    this.#templates = templates
    this.#highest = new Int32Array(templates.length).fill(-1)
    this.#seen = new Int32Array(templates.length * WINDOW).fill(-1)
  }

  /** The flow that the payload at `start` names, or -1. */
  flowOf(start: number, length: number): number {
    if (length !== this.#templates[0].words.length * 4 || this.#arena.words[start >> 2] !== MARK) return -1
    const flow = this.#arena.words[(start >> 2) + FLOW_WORD]
    return flow < this.#templates.length ? flow : -1
  }

  /** Counts the payload of `flow` at offset `start` of the arena. */
  count(flow: number, start: number): void {
    const sequence = this.#templates[flow].check(this.#arena.words, start >> 2)
    if (sequence < 0) {
      this.corrupted++
      return
    }
    const slot = flow * WINDOW + (sequence % WINDOW)
    if (this.#seen[slot] >= sequence) {
      this.duplicates++
      return
    }
    this.#seen[slot] = sequence
    this.delivered++
    if (sequence < this.#highest[flow]) this.reordered++
    else this.#highest[flow] = sequence
  }
}
