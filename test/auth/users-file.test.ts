import t from 'tap'
import { md5Key, sha256Key, userhash } from '../../src/auth/credentials.js'
import {
  makeAdminLine,
  makeUsersFileLine,
  parseUsersFile,
  serialiseUsersFile,
  UsersFileError,
} from '../../src/auth/users-file.js'

const MD5 = '0123456789abcdef0123456789ABCDEF'
const SHA256 = 'fe'.repeat(32)
const json = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({ user: 'alice', realm: 'r', md5: MD5, sha256: SHA256, ...changes })
/** 16 bytes of salt, 32 of hash. */
const SCRYPT = `$scrypt$ln=15,r=8,p=3$${'c2FsdHNhbHRzYWx0c2FsdA'}$${'aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'}`
const admin = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({ user: 'root', role: 'admin', scrypt: SCRYPT, ...changes })
const parse = (text: string | Uint8Array) => parseUsersFile(Buffer.from(text))
const entries = (text: string) => parse(text).flatMap(({ entry }) => (entry?.role === 'turn' ? entry : []))
const admins = (text: string) => parse(text).flatMap(({ entry }) => (entry?.role === 'admin' ? entry : []))
const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

t.test('a good line', async (t) => {
  t.test('is a JSON object with both keys', async (t) => {
    const [entry] = entries(json())
    t.same([entry.user, entry.realm], ['alice', 'r'])
    t.equal(hex(entry.md5Key), MD5.toLowerCase())
    t.equal(hex(entry.sha256Key), SHA256)
  })

  t.test('may lack sha256 and userhash', async (t) => {
    const [entry] = entries(`{"md5":"${MD5}","realm":"r","user":"alice"}`)
    t.equal(entry.sha256Key, null)
  })

  t.test('may carry the right userhash', async (t) => {
    t.equal(entries(json({ userhash: userhash('alice', 'r').toUpperCase() })).length, 1)
  })

  t.test("is htdigest's user:realm:md5", async (t) => {
    const [entry] = entries(`bob:my realm:${MD5}\n`)
    t.same([entry.user, entry.realm, hex(entry.md5Key), entry.sha256Key], ['bob', 'my realm', MD5.toLowerCase(), null])
  })

  t.test('may be empty or a comment, indented, and end in CR LF', async (t) => {
    const text = `# users\r\n\r\n  # more\r\n \t\r\n  ${json()}  \r\n`
    t.equal(entries(text).length, 1)
    t.equal(parse(text).length, 5)
  })

  t.test('may be the last one without a line feed', async (t) => {
    t.equal(entries(`${json()}\nbob:r:${MD5}`).length, 2)
  })

  t.test('may have names in any script', async (t) => {
    t.equal(entries(json({ user: 'マトリックス' }))[0].user, 'マトリックス')
  })

  t.test('a user may be there once for each realm', async (t) => {
    t.equal(entries(`${json()}\n${json({ realm: 's' })}`).length, 2)
  })

  t.test('may say that the user is disabled, or is not', async (t) => {
    t.match(entries(json({ disabled: true })), [{ user: 'alice', disabled: true }])
    t.match(entries(json({ disabled: false })), [{ disabled: false }])
    t.match(entries(json({ role: 'turn' })), [{ role: 'turn', disabled: false }])
    t.match(entries(`bob:r:${MD5}`), [{ disabled: false }])
  })

  t.test('may be of an admin user, who has a hash and no realm', async (t) => {
    t.same(admins(admin()), [{ role: 'admin', user: 'root', realm: '', disabled: false, scrypt: SCRYPT }])
    t.match(admins(admin({ disabled: true })), [{ disabled: true }])
  })

  t.test('one name may be an admin user and a TURN user', async (t) => {
    const text = `${json()}\n${admin({ user: 'alice' })}`
    t.match([...entries(text), ...admins(text)], [{ role: 'turn' }, { role: 'admin' }])
  })

  t.test('an empty file has no users', async (t) => {
    t.same(parse(''), [])
    t.same(parse('\n').length, 1)
  })
})

t.test('a bad line', async (t) => {
  const bad: [what: string, line: string, message: RegExp][] = [
    ['text', 'alice', /neither a JSON object nor user:realm:md5/],
    ['htdigest with two parts', `alice:${MD5}`, /exactly two colons/],
    ['htdigest with four parts', `a:b:c:${MD5}`, /exactly two colons/],
    ['htdigest with a short key', `alice:r:${MD5.slice(1)}`, /"md5" is not 32 hex digits/],
    ['htdigest with a key that is not hex', `alice:r:${MD5.slice(1)}g`, /"md5" is not 32 hex digits/],
    ['htdigest without a name', `:r:${MD5}`, /"user" is empty/],
    ['htdigest without a realm', `alice::${MD5}`, /"realm" is empty/],
    ['a cut JSON object', json().slice(0, -1), /not a complete JSON object/],
    ['two JSON objects', json() + json(), /not a complete JSON object/],
    ['an unknown key', json({ admin: true }), /unknown key "admin"/],
    ['a password', json({ password: 'x' }), /unknown key "password"/],
    ['no user', json({ user: undefined }), /"user" is missing or not a string/],
    ['a number for a user', json({ user: 1 }), /"user" is missing or not a string/],
    ['no realm', json({ realm: undefined }), /"realm" is missing or not a string/],
    ['an empty user', json({ user: '' }), /"user" is empty/],
    ['a control character in a name', json({ user: 'a\n' }), /"user" contains U\+000A/],
    ['a name that is not NFC', json({ user: 'u\u0308' }), /"user" is not in the form of RFC 8265/],
    ['no md5', json({ md5: undefined }), /"md5" is not 32 hex digits/],
    ['a long md5', json({ md5: `${MD5}00` }), /"md5" is not 32 hex digits/],
    ['md5 with a line feed', json({ md5: `${MD5.slice(1)}\n` }), /"md5" is not 32 hex digits/],
    ['null for sha256', json({ sha256: null }), /"sha256" is not 64 hex digits/],
    ['a short sha256', json({ sha256: SHA256.slice(2) }), /"sha256" is not 64 hex digits/],
    [
      "somebody else's userhash",
      json({ userhash: userhash('bob', 'r') }),
      /"userhash" is not that of "user" and "realm"/,
    ],
    ['a userhash that is not text', json({ userhash: 1 }), /"userhash" is not that/],
    ['text for disabled', json({ disabled: 'true' }), /"disabled" is neither true nor false/],
    ['null for disabled', admin({ disabled: null }), /"disabled" is neither true nor false/],
    ['another role', admin({ role: 'root' }), /"role" is neither "admin" nor "turn"/],
    ['no text for a role', admin({ role: 1 }), /"role" is neither/],
    ['an admin user with TURN keys', admin({ md5: MD5 }), /has "md5", which an admin user has not/],
    ['an admin user with a realm', admin({ realm: 'r' }), /has "realm", which an admin user has not/],
    ['a TURN user with a hash', json({ scrypt: SCRYPT }), /has "scrypt", which a TURN user has not/],
    ['an admin user without a name', admin({ user: undefined }), /"user" is missing/],
    ['an admin user without a hash', admin({ scrypt: undefined }), /"scrypt" is not a hash as turnd user add --admin/],
    ['another hash', admin({ scrypt: SCRYPT.replace('scrypt', 'argon2') }), /"scrypt" is not a hash/],
    ['a cut hash', admin({ scrypt: SCRYPT.slice(0, -1) }), /"scrypt" is not a hash/],
    ['a hash that is cheap to try', admin({ scrypt: SCRYPT.replace('ln=15', 'ln=13') }), /"scrypt" is not a hash/],
    ['a hash that takes all memory', admin({ scrypt: SCRYPT.replace('ln=15', 'ln=17') }), /"scrypt" is not a hash/],
    ['a hash that takes all day', admin({ scrypt: SCRYPT.replace('p=3', 'p=17') }), /"scrypt" is not a hash/],
  ]
  for (const [what, line, message] of bad) {
    t.test(`${what}: the error names the line`, async (t) => {
      const error = thrownBy(() => parse(`# one\nbob:r:${MD5}\n${line}\n`))
      t.equal(error.lineNumber, 3)
      t.match(error.message, message)
      t.match(error.message, /^line 3: /)
    })
  }

  t.test('a user who is there twice: the error names both lines', async (t) => {
    const error = thrownBy(() => parse(`alice:r:${MD5}\n\n${json()}\n`))
    t.equal(error.message, 'line 3: the user alice of realm r is already on line 1')
  })

  t.test('an admin user who is there twice', async (t) => {
    const error = thrownBy(() => parse(`${admin()}\n${admin({ disabled: true })}\n`))
    t.equal(error.message, 'line 2: the admin user root is already on line 1')
  })

  t.test('a line that is not UTF-8: the error names it', async (t) => {
    const bytes = Buffer.concat([Buffer.from('# ü\n\n# '), Buffer.of(0xfc), Buffer.from(`\nbob:r:${MD5}\n`)])
    t.equal(thrownBy(() => parse(bytes)).message, 'line 3: is not UTF-8 text')
    t.equal(thrownBy(() => parse(Buffer.of(0xff))).lineNumber, 1)
  })

  t.test('errors never show keys', async (t) => {
    for (const [, line] of bad) {
      const { message } = thrownBy(() => parse(line))
      t.notMatch(message, /0123456789abcde|fefefefe|c2FsdHNhbHRz|aGFzaGhhc2/i)
    }
  })
})

t.test('makeUsersFileLine', async (t) => {
  t.test('holds the keys, and not the password', async (t) => {
    const line = makeUsersFileLine('alice', 'r', 'secret')
    t.same(JSON.parse(line.text), {
      user: 'alice',
      realm: 'r',
      md5: hex(md5Key('alice', 'r', 'secret')),
      sha256: hex(sha256Key('alice', 'r', 'secret')),
      userhash: userhash('alice', 'r'),
    })
    t.notMatch(line.text, /secret/)
  })

  t.test('reads back as what it was made from, in prepared form', async (t) => {
    const line = makeUsersFileLine('u\u0308', 'my\u00a0realm', 'x')
    const text = serialiseUsersFile([line])
    t.ok(text.endsWith('\n'))
    t.same(entries(text), [line.entry])
    t.same([line.entry?.user, line.entry?.realm], ['ü', 'my realm'])
  })

  t.test('refuses an empty password', async (t) => {
    t.throws(() => makeUsersFileLine('alice', 'r', ''), { name: 'RangeError', message: /^the password is empty/ })
  })

  t.test('refuses a name that no client can send', async (t) => {
    t.equal(makeUsersFileLine('é'.repeat(254), 'r', 'x').entry.user.length, 254)
    t.throws(() => makeUsersFileLine(`a${'é'.repeat(254)}`, 'r', 'x'), { name: 'RangeError', message: /508 bytes/ })
  })
})

t.test('makeAdminLine reads back as what it was made from', async (t) => {
  const line = makeAdminLine('ro\u0308t', SCRYPT)
  t.same(admins(serialiseUsersFile([line])), [line.entry])
  t.equal(line.entry.user, 'röt')
  t.throws(() => makeAdminLine('', SCRYPT), { name: 'RangeError', message: 'the user name is empty' })
})

function thrownBy(action: () => unknown): UsersFileError {
  try {
    action()
  } catch (error) {
    if (error instanceof UsersFileError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
