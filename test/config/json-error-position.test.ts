import fc from 'fast-check'
import t from 'tap'
import { jsonErrorPosition } from '../../src/config/json-error-position.js'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('the position of an error in JSON', async (t) => {
  t.test('is where the text stops being JSON', async (t) => {
    const rows: [string, number, number][] = [
      ['', 1, 1],
      ['x', 1, 1],
      ['{"a": 1,}', 1, 9],
      ['[1,\n 2,\n]', 3, 1],
      ['{\n  "a" 1\n}', 2, 7],
      ['{"a": 01}', 1, 8],
      ['{"a": tru}', 1, 7],
      ["{'a': 1}", 1, 2],
      ['{"a": "b\nc"}', 1, 7],
      ['{"a": "\\x"}', 1, 7],
      ['{} {}', 1, 4],
      ['{"a": [1, 2}', 1, 12],
      ['// comment\n{}', 1, 1],
      ['{"a": 1', 1, 8],
    ]
    for (const [text, line, column] of rows) t.same(jsonErrorPosition(text), { line, column }, JSON.stringify(text))
  })

  t.test('is found however deep or long the text is', async (t) => {
    const count = 100_000
    t.same(jsonErrorPosition('['.repeat(count)), { line: 1, column: count + 1 })
    t.same(jsonErrorPosition('{"a":'.repeat(count)), { line: 1, column: 5 * count + 1 })
    t.equal(jsonErrorPosition('['.repeat(count) + ']'.repeat(count)), null)
    // An expression of repeated alternatives runs out of stack here.
    const long = `"${'a'.repeat(100 * count)}"`
    t.same(jsonErrorPosition(`[${long}`), { line: 1, column: long.length + 2 })
  })

  t.test('is null for every JSON text', async () => {
    fc.assert(fc.property(fc.json(), (text) => jsonErrorPosition(text) === null))
    fc.assert(fc.property(fc.jsonValue(), (value) => jsonErrorPosition(JSON.stringify(value, null, '\t')) === null))
  })

  t.test('is found exactly when JSON.parse refuses the text', async (t) => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '0',
      '.5',
      'e1',
      'true',
      'null',
      ' ',
      '\n',
      '\\',
      '\\u00e9',
    )
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => (jsonErrorPosition(text) === null) === isJson(text),
      ),
      { numRuns: 5000 },
    )
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, change) => {
        const index = at % (json.length + 1)
        const text = json.slice(0, index) + change + json.slice(index + 1)
        return (jsonErrorPosition(text) === null) === isJson(text)
      }),
      { numRuns: 5000 },
    )
    t.pass()
  })
})
