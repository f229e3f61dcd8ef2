// The types of option values: how text becomes a value, and the sentence that says what was expected instead.
// Used by the table in options.ts; the parsers of larger values (listen-spec.ts, peer-rule.ts, …) throw ValueProblem too.

/** The JSON Schema of one value, as far as the table needs it. */
export interface ValueSchema {
  readonly type?: 'string' | 'integer' | 'boolean' | 'object'
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly pattern?: string
  readonly anyOf?: readonly ValueSchema[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, ValueSchema>>
  readonly additionalProperties?: false
}

export interface ValueType<Value> {
  /** Which native JSON value stands for it, besides its text. */
  readonly kind: 'text' | 'integer' | 'flag'
  /** What --help shows for the value, such as `ADDRESS:PORT`; '' for a flag. */
  readonly placeholder: string
  /** What to give, for an error: `give ${expected}`. */
  readonly expected: string
  readonly schema: ValueSchema
  /** It names a file or a directory. */
  readonly isPath?: true
  /** Throws ValueProblem. */
  parse(text: string): Value
  /** For values that may also be given as an object. Throws ValueProblem. */
  parseObject?(value: object): Value
}

/**
 * What is wrong with a value. The message continues a sentence that begins with the option and the value:
 * `is not a port: give a whole number from 1 to 65535`.
 */
export class ValueProblem extends Error {
  /** For secret options: the part of the value that may be shown (a user's name), else null. */
  readonly shown: string | null

  constructor(message: string, shown: string | null = null) {
    super(message)
    this.name = 'ValueProblem'
    this.shown = shown
  }
}

/** A whole number. `noun` is what it is called in errors: `a port`. */
export function integer(placeholder: string, noun: string, min: number, max: number): ValueType<number> {
  const expected = `a whole number from ${min} to ${max}`
  return {
    kind: 'integer',
    placeholder,
    expected,
    schema: {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: '^[0-9]+$' },
      ],
    },
    parse(text) {
      const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
      // Written so that NaN is refused as well.
      if (!(value >= min && value <= max)) throw new ValueProblem(`is not ${noun}: give ${expected}`)
      return value
    },
  }
}

/** One of a few words. */
export function choice<const Word extends string>(
  placeholder: string,
  noun: string,
  words: readonly Word[],
): ValueType<Word> {
  const expected = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  return {
    kind: 'text',
    placeholder,
    expected,
    schema: { enum: words },
    parse(text) {
      const word = words.find((candidate) => candidate === text)
      if (word === undefined) throw new ValueProblem(`is not ${noun}: give ${expected}`)
      return word
    },
  }
}

const FLAG_WORDS = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['0', false],
  ['no', false],
  ['off', false],
])

/** A switch: `--name` alone on the command line, a boolean in a file, one of a few words in the environment. */
export const flag: ValueType<boolean> = {
  kind: 'flag',
  placeholder: '',
  expected: 'true or false',
  schema: { anyOf: [{ type: 'boolean' }, { enum: [...FLAG_WORDS.keys()] }] },
  parse(text) {
    const value = FLAG_WORDS.get(text)
    if (value === undefined) throw new ValueProblem('is neither true nor false')
    return value
  },
}

/** Text in which control characters would break a protocol field, a path or a log line. */
export function text(placeholder: string, noun: string, lengthMax = 4096): ValueType<string> {
  const expected = `${noun} in quotes`
  return {
    kind: 'text',
    placeholder,
    expected,
    schema: { type: 'string', minLength: 1 },
    parse(value) {
      if (value === '') throw new ValueProblem(`is empty: give ${noun}`)
      const length = Buffer.byteLength(value)
      if (length > lengthMax) {
        throw new ValueProblem(`is ${length} bytes long: give ${noun} of at most ${lengthMax} bytes`)
      }
      if (hasControlCharacter(value)) throw new ValueProblem(`has a control character: give ${noun} without it`)
      return value
    },
  }
}

/** The same for what stands between double quotes elsewhere (RFC 3261's realm-value, RFC 8489 §14.9): clients would take them off. */
export function unquotedText(placeholder: string, noun: string, lengthMax: number): ValueType<string> {
  const type = text(placeholder, noun, lengthMax)
  const parse = (value: string) => {
    if (/["\\]/.test(value)) throw new ValueProblem(`has a double quote or a backslash: give ${noun} without them`)
    return type.parse(value)
  }
  return { ...type, parse }
}

/** A value with a grammar of its own. */
export function parsed<Value>(placeholder: string, parse: (text: string) => Value): ValueType<Value> {
  return { kind: 'text', placeholder, expected: placeholder, schema: { type: 'string', minLength: 1 }, parse }
}

export function hasControlCharacter(value: string): boolean {
  return /[\u0000-\u001f\u007f-\u009f]/.test(value)
}
