import t from 'tap'
import { CredentialStores } from '../../src/auth/credential-stores.js'
import {
  type Credential,
  type CredentialStore,
  makeCredential,
  md5Key,
  sha256Key,
  userhash,
} from '../../src/auth/credentials.js'
import { StaticUsers } from '../../src/auth/static-users.js'
import { isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import {
  LONG_TERM_PASSWORD,
  LONG_TERM_REALM,
  LONG_TERM_USERNAME,
  SAMPLE_LONG_TERM_REQUEST,
  SAMPLE_SHA256_REQUEST,
} from '../support/vectors.js'
import { decoded } from './request.js'

const hex = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('hex')

t.test('keys', async (t) => {
  t.test('verify the request of RFC 5769 §2.4 (MD5)', async (t) => {
    const view = decoded(SAMPLE_LONG_TERM_REQUEST.bytes, SAMPLE_LONG_TERM_REQUEST.bytes.length)
    const credential = makeCredential(LONG_TERM_USERNAME, LONG_TERM_REALM, LONG_TERM_PASSWORD)
    t.ok(credential.md5Key !== null && isMessageIntegrityValid(view, credential.md5Key))
  })

  t.test('verify the request of RFC 8489 B.1 (SHA-256)', async (t) => {
    const view = decoded(SAMPLE_SHA256_REQUEST.bytes, SAMPLE_SHA256_REQUEST.bytes.length)
    const credential = makeCredential(LONG_TERM_USERNAME, LONG_TERM_REALM, LONG_TERM_PASSWORD)
    t.ok(credential.sha256Key !== null && isMessageIntegritySha256Valid(view, credential.sha256Key))
  })

  t.test('userhash is that of RFC 8489 B.1', async (t) => {
    const expected = '4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704'
    t.equal(userhash(LONG_TERM_USERNAME, LONG_TERM_REALM), expected)
  })

  t.test('MD5 of user:realm:pass is the example of RFC 8489 §9.2.2', async (t) => {
    t.equal(hex(md5Key('user', 'realm', 'pass')), '8493fbc53ba582fb4c044c456bdc40eb')
    t.equal(sha256Key('user', 'realm', 'pass').length, 32)
  })

  t.test('cover the prepared forms of name, realm and password (RFC 8265)', async (t) => {
    const typed = makeCredential('u\u0308ber', 'my\u00a0realm', 'e\u0301\u3000')
    const prepared = makeCredential('über', 'my realm', 'é ')
    t.equal(typed.username, 'über')
    t.equal(hex(typed.md5Key), hex(prepared.md5Key))
    t.equal(hex(typed.sha256Key), hex(prepared.sha256Key))
  })

  t.test('errors say which part is wrong', async (t) => {
    t.throws(() => makeCredential('', 'r', 'p'), { message: /^the user name is empty/ })
    t.throws(() => makeCredential('u', '', 'p'), { message: /^the realm is empty/ })
    t.throws(() => makeCredential('u', 'r', ''), { message: /^the password is empty/ })
  })
})

t.test('StaticUsers', async (t) => {
  const users = new StaticUsers('r', [
    { name: 'alice', password: 'a' },
    { name: 'bob', password: 'b' },
  ])

  t.test('finds users by name and by userhash', async (t) => {
    const bob = users.find('bob') as Credential
    t.equal(bob.username, 'bob')
    t.equal(hex(bob.md5Key), hex(md5Key('bob', 'r', 'b')))
    t.equal(users.findByUserhash(userhash('bob', 'r')), bob)
  })

  t.test('knows nobody else, and not the names of objects', async (t) => {
    t.equal(users.find('Alice'), 'unknown-user')
    t.equal(users.find('__proto__'), 'unknown-user')
    t.equal(users.find(''), 'unknown-user')
    t.equal(users.findByUserhash(userhash('carol', 'r')), null)
  })

  t.test('takes the key that a password came to in this realm: no other algorithm then', async (t) => {
    const keyed = new StaticUsers('r', [{ name: 'bob', key: hex(md5Key('bob', 'r', 'b')) ?? '' }])
    t.match(keyed.find('bob'), { username: 'bob', md5Key: Buffer.from(md5Key('bob', 'r', 'b')), sha256Key: null })
    t.equal(keyed.verifiesSha256, false)
    t.equal(users.verifiesSha256, true)
  })

  t.test('refuses a name that is given twice, also in two forms', async (t) => {
    const pair = (first: string, second: string) => [
      { name: first, password: 'x' },
      { name: second, password: 'y' },
    ]
    t.throws(() => new StaticUsers('r', pair('a', 'a')), { name: 'RangeError', message: /the user a is given twice/ })
    t.throws(() => new StaticUsers('r', pair('ü', 'u\u0308')), { name: 'RangeError' })
  })
})

t.test('CredentialStores', async (t) => {
  const credential = (username: string): Credential => makeCredential(username, 'r', 'p')
  const store = (answer: ReturnType<CredentialStore['find']>, verifiesSha256 = true): CredentialStore => ({
    find: () => answer,
    findByUserhash: () => (typeof answer === 'string' ? null : answer),
    verifiesSha256,
    verifiesUserhash: true,
  })

  t.test('the first store that knows the name decides', async (t) => {
    const first = credential('first')
    const stores = new CredentialStores([store('unknown-user'), store(first), store(credential('second'))])
    t.equal(stores.find('x'), first)
    t.equal(stores.findByUserhash('x'), first)
  })

  t.test('a user beats an expired credential, and that beats nobody', async (t) => {
    const user = credential('user')
    const expired = { ...credential('expired'), refusedAs: 'expired-credential' as const }
    t.equal(new CredentialStores([store(expired), store(user)]).find('x'), user)
    t.equal(new CredentialStores([store(user), store(expired)]).find('x'), user)
    t.equal(new CredentialStores([store(expired), store('unknown-user')]).find('x'), expired)
    t.equal(new CredentialStores([]).find('x'), 'unknown-user')
  })

  t.test('verifies only what every store verifies', async (t) => {
    t.equal(new CredentialStores([store('unknown-user'), store('unknown-user')]).verifiesSha256, true)
    t.equal(new CredentialStores([store('unknown-user'), store('unknown-user', false)]).verifiesSha256, false)
  })
})
