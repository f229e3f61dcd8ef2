// Hostile texts and bytes for fast-check: good ones after a few edits, each of which is what a mistaken or malicious writer does; and anything.
import fc from 'fast-check'
import { SeededRandom } from '../../support/random.js'
import { makeHostile } from '../mutate.js'

const TOKENS = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '\t',
    '\u001b[2J',
    '\u007f',
    '\u0085',
    '\u2028',
    '\u202e',
    '\u200b',
    '\ufeff',
    '\ud800',
    '\udc00',
  ],
  ...['é', 'e\u0301', 'ﬁ', '\u00a0', '\u3000', '🙂', 'ß', '١', '\u0660\u06f0', 'マ', '\u0000\u0301'],
  ...[
    ':',
    '::',
    '/',
    '[',
    ']',
    '%',
    '@',
    '-',
    '--',
    '=',
    ',',
    '\\,',
    '\\',
    '"',
    "'",
    '`',
    '{',
    '}',
    '#',
    ' ',
    '*',
    '.',
    '..',
  ],
  ...[
    '0',
    '-1',
    '1',
    '255',
    '256',
    '65535',
    '65536',
    '99999999999999999999',
    '1e9',
    '0x10',
    '00',
    '+1',
    'NaN',
    'Infinity',
  ],
  ...['::ffff:', '127.0.0.1', '::1', '0.0.0.0', '[::]', '/0', '/33', '/129', '224.0.0.1', '2002::', '64:ff9b::'],
  ...[
    'null',
    'true',
    '[]',
    '{}',
    '[[[[',
    '{"a":',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'undefined',
  ],
  ...['--help', '--user', '-h', 'TURND_', 'udp:', 'tls:', 'none', 'http://', 'a'.repeat(300), '['.repeat(500)],
]
/** What nobody writes by hand, and a program that has gone wrong does. */
const REPEAT_COUNT_MAX = 3_000

type Edit = (text: string) => string

const place = fc.nat({ max: 0xffff })

function edits(samples: readonly string[]): fc.Arbitrary<Edit> {
  const insert =
    (at: number, piece: string): Edit =>
    (text) => {
      const index = at % (text.length + 1)
      return text.slice(0, index) + piece + text.slice(index)
    }
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(place, fc.constantFrom(...TOKENS)).map(([at, token]) => insert(at, token)) },
    {
      weight: 1,
      arbitrary: fc.tuple(place, fc.string({ unit: 'binary', maxLength: 4 })).map(([at, text]) => insert(at, text)),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(place, fc.nat({ max: 8 })).map(
        ([at, length]): Edit =>
          (text) => {
            const index = at % (text.length + 1)
            return text.slice(0, index) + text.slice(index + length)
          },
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(place, fc.constantFrom(...TOKENS)).map(
        ([at, token]): Edit =>
          (text) => {
            const index = at % (text.length + 1)
            return text.slice(0, index) + token + text.slice(index + 1)
          },
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(place, place, fc.constantFrom(...samples)).map(
        ([at, from, other]): Edit =>
          (text) => {
            return text.slice(0, at % (text.length + 1)) + other.slice(from % (other.length + 1))
          },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(place, fc.nat({ max: 40 })).map(
        ([at, length]): Edit =>
          (text) =>
            repeat(text, at, length),
      ),
    },
  )
}

/** A piece many times. */
function repeat(text: string, at: number, length: number): string {
  const index = at % (text.length + 1)
  const piece = text.slice(index, index + length)
  return text.slice(0, index) + piece.repeat(1 + (at % Math.ceil(REPEAT_COUNT_MAX / (1 + length)))) + text.slice(index)
}

export function hostileText(samples: readonly string[]): fc.Arbitrary<string> {
  const edited = fc
    .tuple(fc.constantFrom(...samples), fc.array(edits(samples), { maxLength: 4 }))
    .map(([sample, list]) => list.reduce((text, edit) => edit(text), sample))
  return fc.oneof(
    { weight: 8, arbitrary: edited },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 60 }) },
  )
}

/** Bytes by the mutator of messages, which knows lengths that are interesting; and anything. */
export function hostileBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const mutated = fc.integer({ min: 0, max: 0xffff_ffff }).map((seed) => makeHostile(new SeededRandom(seed), samples))
  const edited = fc
    .tuple(fc.constantFrom(...samples), fc.array(fc.tuple(place, fc.nat({ max: 255 })), { maxLength: 6 }), place)
    .map(([sample, changes, length]) => {
      const bytes = Uint8Array.from(sample)
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
      return length % 4 === 0 ? bytes.slice(0, length % (bytes.length + 1)) : bytes
    })
  return fc.oneof(
    { weight: 4, arbitrary: edited },
    { weight: 4, arbitrary: mutated },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }) },
  )
}
