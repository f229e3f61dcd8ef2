import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { Authenticator } from '../../src/auth/authenticator.js'
import { md5Key, sha256Key, userhash } from '../../src/auth/credentials.js'
import { RestSecrets } from '../../src/auth/rest-secrets.js'
import { INTEGRITY_NONE, INTEGRITY_SHA1, INTEGRITY_SHA256 } from '../../src/auth/used-integrity.js'
import { TransportAddress } from '../../src/stun/address.js'
import { ATTRIBUTE_NONCE, ATTRIBUTE_REALM, ATTRIBUTE_USERHASH, ATTRIBUTE_USERNAME } from '../../src/stun/constants.js'
import {
  ALGORITHM_LIST,
  ALGORITHM_MD5,
  ALGORITHM_SHA256,
  CLIENT,
  challengeOf,
  errorAnswer,
  makeAuthenticator,
  makeRequest,
  NOW,
  PASSWORD,
  REALM,
  type Request,
  staticUsers,
  USER,
} from './request.js'

const authenticator = makeAuthenticator()
const { nonce } = challengeOf(authenticator)
const KEY_MD5 = md5Key(USER, REALM, PASSWORD)
const KEY_SHA256 = sha256Key(USER, REALM, PASSWORD)
const USERHASH = Buffer.from(userhash(USER, REALM), 'hex')
/** What a browser sends. */
const browser = (changes: Partial<Request> = {}): Request => ({
  username: USER,
  realm: REALM,
  nonce,
  key: KEY_MD5,
  ...changes,
})
/** What a client with all of RFC 8489 sends. */
const modern = (changes: Partial<Request> = {}): Request =>
  browser({
    username: undefined,
    userhash: USERHASH,
    algorithm: ALGORITHM_SHA256,
    algorithms: ALGORITHM_LIST,
    integrity: 'sha256',
    key: KEY_SHA256,
    ...changes,
  })
const authenticate = (request: Request, client = CLIENT, now = NOW) =>
  authenticator.authenticate(makeRequest(request), client, now)

interface Row {
  readonly what: string
  readonly request: Request
  readonly code: number
  readonly reason?: string
  readonly client?: TransportAddress
  readonly now?: number
}

function check(t: Test, rows: readonly Row[]): void {
  for (const { what, request, code, reason = null, client = CLIENT, now = NOW } of rows) {
    t.test(`${what}: ${code}`, async (t) => {
      t.equal(authenticate(request, client, now), code)
      t.equal(authenticator.reason, reason)
      t.equal(authenticator.key !== null, code === 0 || (code === 438 && reason === 'stale-nonce'))
    })
  }
}
t.test('accepts', async (t) => {
  check(t, [
    { what: 'a browser: MESSAGE-INTEGRITY, no password algorithm', request: browser(), code: 0 },
    { what: 'MESSAGE-INTEGRITY-SHA256 with the MD5 key', request: browser({ integrity: 'sha256' }), code: 0 },
    { what: 'all of RFC 8489', request: modern(), code: 0 },
    { what: 'USERNAME with password algorithms', request: modern({ userhash: undefined, username: USER }), code: 0 },
    { what: 'the SHA-256 key with MESSAGE-INTEGRITY', request: modern({ integrity: 'sha1' }), code: 0 },
    { what: 'MD5 chosen explicitly', request: modern({ algorithm: ALGORITHM_MD5, key: KEY_MD5 }), code: 0 },
    {
      what: 'USERHASH without password algorithms',
      request: browser({ username: undefined, userhash: USERHASH }),
      code: 0,
    },
  ])

  for (const sha256Length of [16, 20, 24, 28, 32]) {
    t.test(`MESSAGE-INTEGRITY-SHA256 of ${sha256Length} bytes (RFC 8489 §14.6)`, async (t) => {
      t.equal(authenticate(modern({ sha256Length })), 0)
    })
  }

  t.test('leaves user, key and variant for the answer', async (t) => {
    authenticate(browser())
    t.equal(authenticator.username, USER)
    t.same(authenticator.key, KEY_MD5)
    t.equal(authenticator.integrity, INTEGRITY_SHA1)
    authenticate(modern())
    t.equal(authenticator.username, USER, 'the name behind the userhash')
    t.same(authenticator.key, KEY_SHA256)
    t.equal(authenticator.integrity, INTEGRITY_SHA256)
  })

  t.test('forgets them with the next request', async (t) => {
    authenticate(browser())
    authenticate(browser({ integrity: 'none' }))
    t.equal(authenticator.username, '')
    t.equal(authenticator.key, null)
    t.equal(authenticator.integrity, INTEGRITY_NONE)
    authenticate(browser({ nonce: 'old' }))
    t.equal(authenticator.reason, 'stale-nonce')
    authenticate(browser())
    t.equal(authenticator.reason, null)
  })
})

t.test('with both integrity attributes the SHA-256 one counts', async (t) => {
  t.test('the other may be anything', async (t) => {
    t.equal(authenticate(browser({ integrity: 'both', sha1Key: Buffer.from('wrong') })), 0)
    t.equal(authenticator.integrity, INTEGRITY_SHA256)
  })
  t.test('and cannot replace it', async (t) => {
    t.equal(authenticate(browser({ integrity: 'both', key: Buffer.from('wrong'), sha1Key: KEY_MD5 })), 401)
  })
})

t.test('step 1: no integrity (RFC 8489 §9.2.4)', async (t) => {
  check(t, [
    { what: 'the first request of a client is challenged', request: { integrity: 'none', key: KEY_MD5 }, code: 401 },
    { what: 'also when it names itself', request: browser({ integrity: 'none' }), code: 401 },
    {
      what: 'also with a tampered offer',
      request: modern({ integrity: 'none', algorithms: ALGORITHM_MD5 }),
      code: 401,
    },
  ])
})

t.test('step 2: an attribute is missing (RFC 8489 §9.2.4)', async (t) => {
  const reason = 'missing-attribute'
  const everything = { username: undefined, userhash: undefined, realm: undefined, nonce: undefined }
  check(t, [
    { what: 'USERNAME and USERHASH', request: browser({ username: undefined }), code: 400, reason },
    { what: 'REALM', request: browser({ realm: undefined }), code: 400, reason },
    { what: 'NONCE', request: browser({ nonce: undefined }), code: 400, reason },
    { what: 'USERHASH and USERNAME, SHA-256', request: modern({ userhash: undefined }), code: 400, reason },
    { what: 'REALM, SHA-256', request: modern({ realm: undefined }), code: 400, reason },
    { what: 'NONCE, SHA-256', request: modern({ nonce: undefined }), code: 400, reason },
    { what: 'all', request: browser(everything), code: 400, reason },
    {
      what: 'REALM, before a wrong password',
      request: browser({ realm: undefined, key: KEY_SHA256 }),
      code: 400,
      reason,
    },
    {
      what: 'NONCE, before a tampered offer',
      request: modern({ nonce: undefined, algorithms: undefined }),
      code: 400,
      reason,
    },
  ])
})

t.test('impossible values', async (t) => {
  const reason = 'malformed-attribute'
  const longKey = (name: string) => md5Key(name, REALM, PASSWORD)
  check(t, [
    {
      what: 'USERNAME of 508 bytes is looked up (RFC 8489 §14.3)',
      request: browser({ username: 'a'.repeat(508), key: longKey('a'.repeat(508)) }),
      code: 401,
      reason: 'unknown-user',
    },
    { what: 'USERNAME of 509 bytes is not', request: browser({ username: 'a'.repeat(509) }), code: 400, reason },
    { what: 'USERHASH of 31 bytes', request: modern({ userhash: USERHASH.subarray(1) }), code: 400, reason },
    { what: 'USERHASH of 33 bytes', request: modern({ userhash: Buffer.alloc(33) }), code: 400, reason },
  ])
})

t.test('step 3: unknown user or wrong MAC', async (t) => {
  const wrong = md5Key(USER, REALM, 'wrong')
  const unknownHash = Buffer.alloc(32, 0xab)
  check(t, [
    { what: 'wrong password', request: browser({ key: wrong }), code: 401, reason: 'bad-password' },
    { what: 'wrong password, SHA-256', request: modern({ key: wrong }), code: 401, reason: 'bad-password' },
    {
      what: 'the MD5 key where SHA-256 was chosen',
      request: modern({ key: KEY_MD5 }),
      code: 401,
      reason: 'bad-password',
    },
    {
      what: 'the SHA-256 key where none was chosen',
      request: browser({ key: KEY_SHA256 }),
      code: 401,
      reason: 'bad-password',
    },
    { what: 'unknown user', request: browser({ username: 'mallory' }), code: 401, reason: 'unknown-user' },
    { what: 'another case', request: browser({ username: 'Alice' }), code: 401, reason: 'unknown-user' },
    { what: 'empty user name', request: browser({ username: '' }), code: 401, reason: 'unknown-user' },
    {
      what: 'user name that is no UTF-8',
      request: browser({ username: Buffer.of(0xff) }),
      code: 401,
      reason: 'unknown-user',
    },
    { what: 'unknown userhash', request: modern({ userhash: unknownHash }), code: 401, reason: 'unknown-user' },
    { what: 'wrong realm', request: browser({ realm: 'other' }), code: 401, reason: 'wrong-realm' },
    {
      what: 'wrong realm, and the key for it',
      request: browser({ realm: 'other', key: md5Key(USER, 'other', PASSWORD) }),
      code: 401,
      reason: 'wrong-realm',
    },
    { what: 'empty realm', request: browser({ realm: '' }), code: 401, reason: 'wrong-realm' },
    { what: 'the realm in quotes', request: browser({ realm: `"${REALM}"` }), code: 401, reason: 'wrong-realm' },
    {
      what: 'wrong password, before a stale nonce',
      request: browser({ key: wrong, nonce: 'old' }),
      code: 401,
      reason: 'bad-password',
    },
    {
      what: 'unknown user, before a stale nonce',
      request: browser({ username: 'x', nonce: '' }),
      code: 401,
      reason: 'unknown-user',
    },
  ])

  t.test('the name is as it was claimed', async (t) => {
    authenticate(browser({ username: 'mallory' }))
    t.equal(authenticator.username, 'mallory')
    authenticate(modern({ userhash: unknownHash }))
    t.equal(authenticator.username, 'ab'.repeat(32))
  })

  t.test('any change of a byte that the MAC covers', async (t) => {
    const view = makeRequest(browser())
    const bytes = Buffer.from(view.bytes)
    const end = view.messageIntegrityStart
    let refusedCount = 0
    for (let at = view.attributeStarts[0]; at < end; at++) {
      view.bytes[at] ^= 1
      if (authenticator.authenticate(view, CLIENT, NOW) !== 0) refusedCount++
      view.bytes[at] = bytes[at]
    }
    t.equal(refusedCount, end - view.attributeStarts[0])
    t.equal(authenticator.authenticate(view, CLIENT, NOW), 0)
  })
})

t.test('step 4: the nonce is not valid', async (t) => {
  const reason = 'stale-nonce'
  const foreign = new TransportAddress().setIPv4(0xc0000202, 50_000)
  const otherPort = new TransportAddress().setIPv4(0xc0000201, 50_001)
  const later = challengeOf(authenticator, CLIENT, NOW + 1).nonce
  check(t, [
    { what: 'at 600 s it is', request: browser(), code: 0, now: NOW + 600 },
    { what: 'stale at 601 s', request: browser(), code: 438, reason, now: NOW + 601 },
    { what: 'of another IP address', request: browser(), code: 438, reason, client: foreign },
    { what: 'of another port', request: browser(), code: 438, reason, client: otherPort },
    { what: 'of the future', request: browser({ nonce: later }), code: 438, reason },
    { what: 'empty', request: browser({ nonce: '' }), code: 438, reason },
    { what: 'of another server', request: browser({ nonce: 'f//499k954d6OL34oL9FSTvy64sA' }), code: 438, reason },
    { what: 'lengthened', request: browser({ nonce: `${nonce}A` }), code: 438, reason },
    { what: 'very long', request: browser({ nonce: nonce.repeat(60) }), code: 438, reason },
    { what: 'stale, SHA-256', request: modern(), code: 438, reason, now: NOW + 601 },
  ])

  for (const [name, make] of [['browser', browser] as const, ['RFC 8489', modern] as const]) {
    t.test(`each character changed (${name})`, async (t) => {
      for (let index = 0; index < nonce.length; index++) {
        const character = nonce[index] === 'A' ? 'B' : 'A'
        const changed = nonce.slice(0, index) + character + nonce.slice(index + 1)
        t.equal(authenticate(make({ nonce: changed })), 438, changed)
      }
    })
  }

  t.test('the answer may carry integrity: the client is known', async (t) => {
    t.equal(authenticate(modern({ nonce: 'old' })), 438)
    t.same(authenticator.key, KEY_SHA256)
    t.equal(authenticator.integrity, INTEGRITY_SHA256)
  })

  t.test('the fresh nonce of the answer is valid', async (t) => {
    t.equal(authenticate(browser(), foreign), 438)
    t.equal(authenticate(browser({ nonce: challengeOf(authenticator, foreign).nonce }), foreign), 0)
  })
})

t.test('of a duplicated attribute the first counts (RFC 8489 §14)', async (t) => {
  const duplicates: [
    name: string,
    type: number,
    right: Uint8Array | string,
    wrong: Uint8Array | string,
    code: number,
  ][] = [
    ['USERNAME', ATTRIBUTE_USERNAME, USER, 'mallory', 401],
    ['REALM', ATTRIBUTE_REALM, REALM, 'other', 401],
    ['NONCE', ATTRIBUTE_NONCE, nonce, 'old', 438],
  ]
  for (const [name, type, right, wrong, code] of duplicates) {
    t.test(name, async (t) => {
      t.equal(authenticate(browser({ after: [[type, wrong]] })), 0)
      t.equal(authenticate(browser({ before: [[type, wrong]] })), code)
      t.equal(authenticate(browser({ before: [[type, right]] })), 0)
    })
  }
  t.test('USERHASH', async (t) => {
    const wrong = Buffer.alloc(32)
    t.equal(authenticate(modern({ after: [[ATTRIBUTE_USERHASH, wrong]] })), 0)
    t.equal(authenticate(modern({ before: [[ATTRIBUTE_USERHASH, wrong]] })), 401)
  })
  t.test('USERNAME goes before USERHASH, in any order', async (t) => {
    t.equal(authenticate(modern({ after: [[ATTRIBUTE_USERNAME, 'mallory']] })), 401)
    t.equal(authenticate(modern({ userhash: Buffer.alloc(32), after: [[ATTRIBUTE_USERNAME, USER]] })), 0)
  })
})

t.test('the challenge', async (t) => {
  t.test('is at most 98 bytes with a realm of 8 (security.md), FINGERPRINT included', async (t) => {
    const bytes = errorAnswer(authenticator, 401)
    t.equal(REALM.length, 8)
    t.ok(bytes.length + 8 <= 98, `${bytes.length} + 8`)
    t.equal(bytes.length % 4, 0)
  })

  t.test('has REALM, a nonce of 28 characters, and PASSWORD-ALGORITHMS', async (t) => {
    const challenge = challengeOf(authenticator)
    t.equal(challenge.realm, REALM)
    t.equal(challenge.nonce.length, 28)
    t.same(challenge.algorithms, Buffer.from(ALGORITHM_LIST))
  })

  t.test('takes a realm that is not ASCII', async (t) => {
    const realm = 'größe'
    const users = staticUsers()
    const other = new Authenticator({ realm, stores: [users], nonceSecret: new Uint8Array(32) })
    t.equal(challengeOf(other).realm, realm)
  })

  t.test('is refused at start for a realm that is no OpaqueString', async (t) => {
    t.throws(() => new Authenticator({ realm: '', stores: [], nonceSecret: new Uint8Array(32) }), RangeError)
  })
})

t.test('an expired TURN REST name (ADR 7)', async (t) => {
  const wall = 1_700_000_000
  const name = `${wall - 1}:alice`
  const password = createHmac('sha1', 'north').update(name).digest('base64')
  const rest = makeAuthenticator([new RestSecrets(REALM, ['north'], () => wall)])
  const request = (key: string) =>
    makeRequest({ username: name, realm: REALM, nonce: challengeOf(rest).nonce, key: md5Key(name, REALM, key) })

  t.test('is refused with 401 where it holds no allocation, and where another name does', async (t) => {
    t.equal(rest.authenticate(request(password), CLIENT, NOW), 401)
    t.equal(rest.reason, 'expired-credential')
    t.equal(rest.authenticate(request(password), CLIENT, NOW, `${wall + 1}:alice`), 401)
  })

  t.test('is accepted where it holds the allocation, with the right key only', async (t) => {
    t.equal(rest.authenticate(request(password), CLIENT, NOW, name), 0)
    t.equal(rest.username, name)
    t.equal(rest.authenticate(request('wrong'), CLIENT, NOW, name), 401)
  })
})
