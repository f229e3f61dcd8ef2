// What a case of the parsers target is, and what all of them demand of a refusal.

/** Checks one input. Returns whether the parser took it; throws when that shows a mistake. */
export type Check<Input> = (input: Input) => boolean

export interface TextCase {
  readonly name: string
  readonly samples: readonly string[]
  readonly check: Check<string>
}

export interface BytesCase {
  readonly name: string
  readonly samples: readonly Uint8Array[]
  readonly check: Check<Uint8Array>
}

// biome-ignore lint/suspicious/noExplicitAny: any arguments
type ErrorClass = new (...args: any[]) => Error

/** A sentence is for a terminal or a log line: nothing in it may be obeyed by either. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/
const SENTENCE_LENGTH_MAX = 4_000

/** What `parse` returns, or null if it throws an error of this class (no subclass), which says something in one line. */
export function parsedOrRefused<Value>(parse: () => Value, declared: ErrorClass): { readonly value: Value } | null {
  try {
    return { value: parse() }
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== declared) throw error
    checkSentence(error.message)
    return null
  }
}

export function checkSentence(sentence: string): void {
  if (sentence === '') throw new Error('a refusal without a word')
  if (CONTROLS.test(sentence)) throw new Error(`a refusal with control characters: ${JSON.stringify(sentence)}`)
  if (sentence.length > SENTENCE_LENGTH_MAX) throw new Error(`a refusal of ${sentence.length} characters`)
}

export function ensure(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what)
}
