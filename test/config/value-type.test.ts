import t from 'tap'
import { printable, quoted } from '../../src/config/printable.js'
import { choice, integer, text, unquotedText } from '../../src/config/value-type.js'
import { messageOf } from './refusals.js'

t.test('an integer', async (t) => {
  const type = integer('N', 'a number of things', 2, 10)

  t.test('is within its bounds', async (t) => {
    for (const value of ['2', '10', '007']) t.equal(type.parse(value), Number(value))
    for (const value of ['1', '11', '-2', '2.0', '', ' ', '2 ', '1e1', '0x2', '2n', '٣', 'Infinity', 'NaN']) {
      t.equal(
        messageOf(() => type.parse(value)),
        'is not a number of things: give a whole number from 2 to 10',
        value,
      )
    }
  })
})

t.test('a choice', async (t) => {
  t.test('is one of its words, exactly', async (t) => {
    const type = choice('WORD', 'a word', ['one', 'two', 'three'])
    t.equal(type.parse('two'), 'two')
    for (const value of ['Two', 'two ', '', 'toString']) {
      t.equal(
        messageOf(() => type.parse(value)),
        'is not a word: give one, two or three',
        value,
      )
    }
  })
})

t.test('text', async (t) => {
  const type = text('TEXT', 'a text', 8)

  t.test('is neither empty, nor too long in bytes, nor breaks a line', async (t) => {
    t.equal(type.parse('12345678'), '12345678')
    t.equal(type.parse('éééé'), 'éééé')
    t.equal(
      messageOf(() => type.parse('')),
      'is empty: give a text',
    )
    t.equal(
      messageOf(() => type.parse('123456789')),
      'is 9 bytes long: give a text of at most 8 bytes',
    )
    t.equal(
      messageOf(() => type.parse('ééééé')),
      'is 10 bytes long: give a text of at most 8 bytes',
    )
    for (const character of ['\n', '\0', '\x1f', '\x7f', '\x85', '\x9f']) {
      t.equal(
        messageOf(() => type.parse(`a${character}`)),
        'has a control character: give a text without it',
      )
    }
    for (const character of [' ', '~', '\xa0']) t.equal(type.parse(`a${character}`), `a${character}`)
  })
})

t.test('a realm has neither double quotes nor backslashes (RFC 8489 §14.9)', async (t) => {
  const type = unquotedText('REALM', 'a realm', 8)
  t.equal(type.parse("größe'"), "größe'")
  for (const value of ['"a"', 'a"', 'a\\b']) {
    t.equal(
      messageOf(() => type.parse(value)),
      'has a double quote or a backslash: give a realm without them',
    )
  }
  t.equal(
    messageOf(() => type.parse('123456789')),
    'is 9 bytes long: give a realm of at most 8 bytes',
  )
})

t.test('a value in a sentence', async (t) => {
  t.test('stands bare when it is plain, and in quotes when it is not', async (t) => {
    t.equal(printable('10.0.0.0/8'), '10.0.0.0/8')
    t.equal(printable('a'.repeat(100)), 'a'.repeat(100))
    t.equal(printable('a'.repeat(101)), `"${'a'.repeat(100)}…"`)
    t.equal(printable(''), '""')
    t.equal(printable('a b'), '"a b"')
    t.equal(printable('é'), '"é"')
    t.equal(quoted('a'), '"a"')
    t.equal(quoted('"'), '"\\""')
  })

  t.test('never breaks a line, moves the cursor or turns the direction of writing', async (t) => {
    t.equal(printable('\n\r\u001b\u007f\u009b\u2028\u202e\u2066'), '"\\n\\r\\u001b\\u007f\\u009b\\u2028\\u202e\\u2066"')
  })
})
