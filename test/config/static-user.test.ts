import fc from 'fast-check'
import t from 'tap'
import { parseStaticUser, parseStaticUserObject } from '../../src/config/static-user.js'
import { ValueProblem } from '../../src/config/value-type.js'

function problemOf(run: () => unknown): { message: string; shown: string | null } {
  try {
    run()
  } catch (error) {
    if (error instanceof ValueProblem) return { message: error.message, shown: error.shown }
    throw error
  }
  throw new Error('expected a ValueProblem')
}

t.test('--user', async (t) => {
  t.test('ends the name at the first colon', async (t) => {
    t.same(parseStaticUser('turnuser:cisco'), { name: 'turnuser', password: 'cisco' })
    t.same(parseStaticUser('a:b:c:'), { name: 'a', password: 'b:c:' })
    t.same(parseStaticUser('a::'), { name: 'a', password: ':' })
    t.same(parseStaticUser(' a : b '), { name: ' a ', password: ' b ' })
    t.same(parseStaticUser('Ünï:пароль'), { name: 'Ünï', password: 'пароль' })
  })

  t.test('shows at most the name of what it refuses', async (t) => {
    const rows: [string, string, string | null][] = [
      ['', 'is not NAME:PASSWORD: there is no colon in it', null],
      ['hunter2', 'is not NAME:PASSWORD: there is no colon in it', null],
      [':hunter2', 'is not NAME:PASSWORD: the name before the colon is empty', null],
      [':', 'is not NAME:PASSWORD: the name before the colon is empty', null],
      ['bob:', 'has an empty password: give NAME:PASSWORD', 'bob'],
      ['b\nb:hunter2', 'has a control character in the name', '"b\\nb"'],
      ['bob:hunter2\n', 'has a control character in the password', 'bob'],
    ]
    for (const [text, message, shown] of rows)
      t.same(
        problemOf(() => parseStaticUser(text)),
        { message, shown },
        text,
      )
  })

  t.test('holds the name to the length of USERNAME (RFC 8489 §14.3)', async (t) => {
    t.equal(parseStaticUser(`${'n'.repeat(508)}:p`).name.length, 508)
    t.equal(
      problemOf(() => parseStaticUser(`${'n'.repeat(509)}:p`)).message,
      'has a name of 509 bytes: USERNAME holds at most 508',
    )
    t.equal(
      problemOf(() => parseStaticUser(`${'é'.repeat(255)}:p`)).message,
      'has a name of 510 bytes: USERNAME holds at most 508',
    )
  })

  t.test('reads back every name without a colon and every password', async () => {
    const plain = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text))
    fc.assert(
      fc.property(plain, plain, (name, password) => {
        fc.pre(!name.includes(':'))
        const user = parseStaticUser(`${name}:${password}`)
        return user.name === name && 'password' in user && user.password === password
      }),
    )
  })
})

t.test('a user as an object', async (t) => {
  t.test('has a name and a password', async (t) => {
    t.same(parseStaticUserObject({ name: 'a', password: 'b:c' }), { name: 'a', password: 'b:c' })
  })

  t.test('may have a key instead, 32 hex digits', async (t) => {
    const key = '543e1aec5d3614f03141652d6ada51b2'
    t.same(parseStaticUserObject({ name: 'a', key: key.toUpperCase() }), { name: 'a', key })
    for (const wrong of ['', `0x${key}`, key.slice(1), `${key}0`, 'g'.repeat(32)]) {
      t.same(
        problemOf(() => parseStaticUserObject({ name: 'a', key: wrong })),
        { message: 'has a key that is not 32 hex digits', shown: 'a' },
      )
    }
    for (const value of [{ name: 'a', key, password: 'b' }, { name: 'a', key: 5 }, { key }]) {
      t.match(problemOf(() => parseStaticUserObject(value)).message, /^is not a user/)
    }
  })

  t.test('is checked as the text is', async (t) => {
    const form = 'is not a user: give "NAME:PASSWORD" or {"name": …, "password": …}'
    for (const value of [
      {},
      { name: 'a' },
      { password: 'a' },
      { name: 1, password: 'a' },
      { name: 'a', password: 'b', extra: 1 },
      [],
    ]) {
      t.same(
        problemOf(() => parseStaticUserObject(value)),
        { message: form, shown: null },
      )
    }
    t.equal(
      problemOf(() => parseStaticUserObject({ name: '', password: 'b' })).message,
      'is not NAME:PASSWORD: the name before the colon is empty',
    )
    t.same(
      problemOf(() => parseStaticUserObject({ name: 'a:b', password: 'c' })),
      {
        message: 'has a colon in the name, which NAME:PASSWORD cannot express',
        shown: 'a:b',
      },
    )
  })
})
