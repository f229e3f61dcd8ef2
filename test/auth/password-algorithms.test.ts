import t from 'tap'
import { type Credential, type CredentialStore, md5Key, sha256Key, userhash } from '../../src/auth/credentials.js'
import { RestSecrets } from '../../src/auth/rest-secrets.js'
import { ATTRIBUTE_PASSWORD_ALGORITHM, ATTRIBUTE_PASSWORD_ALGORITHMS } from '../../src/stun/constants.js'
import {
  ALGORITHM_LIST,
  ALGORITHM_MD5,
  ALGORITHM_SHA256,
  CLIENT,
  challengeOf,
  makeAuthenticator,
  makeRequest,
  NOW,
  PASSWORD,
  REALM,
  type Request,
  staticUsers,
  USER,
} from './request.js'

const KEY_MD5 = md5Key(USER, REALM, PASSWORD)
const KEY_SHA256 = sha256Key(USER, REALM, PASSWORD)

/** A store like a users file: it can lose its SHA-256 keys at a reload. */
class ReloadableStore implements CredentialStore {
  verifiesSha256 = true
  readonly verifiesUserhash = true

  find(username: string): Credential | 'unknown-user' {
    if (username !== USER) return 'unknown-user'
    return { username, md5Key: KEY_MD5, sha256Key: this.verifiesSha256 ? KEY_SHA256 : null }
  }

  findByUserhash(userhashHex: string): Credential | null {
    const lookup = userhashHex === userhash(USER, REALM) ? this.find(USER) : 'unknown-user'
    return typeof lookup === 'string' ? null : lookup
  }
}

t.test('bid-down protection (RFC 8489 §9.2.4)', async (t) => {
  const authenticator = makeAuthenticator()
  const { nonce } = challengeOf(authenticator)
  const request = (changes: Partial<Request>): Request => ({
    username: USER,
    realm: REALM,
    nonce,
    integrity: 'sha256',
    key: KEY_SHA256,
    algorithm: ALGORITHM_SHA256,
    algorithms: ALGORITHM_LIST,
    ...changes,
  })
  const swapped = Uint8Array.of(...ALGORITHM_MD5, ...ALGORITHM_SHA256)
  const refused: [what: string, changes: Partial<Request>][] = [
    ['PASSWORD-ALGORITHMS without PASSWORD-ALGORITHM', { algorithm: undefined }],
    ['PASSWORD-ALGORITHM without PASSWORD-ALGORITHMS', { algorithms: undefined }],
    ['MD5 chosen, and the list withheld', { algorithm: ALGORITHM_MD5, algorithms: undefined, key: KEY_MD5 }],
    ['the list cut to MD5', { algorithm: ALGORITHM_MD5, algorithms: ALGORITHM_MD5, key: KEY_MD5 }],
    ['the list cut to SHA-256', { algorithms: ALGORITHM_SHA256 }],
    ['the list in another order', { algorithms: swapped }],
    ['the list lengthened', { algorithms: Uint8Array.of(...ALGORITHM_LIST, 0, 3, 0, 0) }],
    ['an empty list', { algorithms: new Uint8Array(0) }],
    ['an algorithm that is not in the list', { algorithm: Uint8Array.of(0, 3, 0, 0) }],
    ['algorithm 0', { algorithm: Uint8Array.of(0, 0, 0, 0) }],
    ['parameters that the algorithm lacks', { algorithm: Uint8Array.of(0, 2, 0, 4, 1, 2, 3, 4) }],
    ['a parameter length without parameters', { algorithm: Uint8Array.of(0, 2, 0, 1) }],
    ['bytes after the algorithm', { algorithm: Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 0) }],
    ['an algorithm without its length field', { algorithm: Uint8Array.of(0, 2) }],
    ['an empty algorithm', { algorithm: new Uint8Array(0) }],
    ['a changed list, before an unknown user', { algorithms: ALGORITHM_MD5, username: 'mallory' }],
    ['a changed list, before a wrong password', { algorithms: ALGORITHM_MD5, key: KEY_MD5 }],
    ['a changed list, before a stale nonce', { algorithms: ALGORITHM_MD5, nonce: 'old' }],
  ]
  for (const [what, changes] of refused) {
    t.test(`${what}: 400`, async (t) => {
      t.equal(authenticator.authenticate(makeRequest(request(changes)), CLIENT, NOW), 400)
      t.equal(authenticator.reason, 'bid-down')
      t.equal(authenticator.key, null)
    })
  }

  t.test('of duplicates the first counts', async (t) => {
    const code = (changes: Partial<Request>) => authenticator.authenticate(makeRequest(request(changes)), CLIENT, NOW)
    t.equal(code({ after: [[ATTRIBUTE_PASSWORD_ALGORITHM, ALGORITHM_MD5]] }), 0)
    t.equal(code({ before: [[ATTRIBUTE_PASSWORD_ALGORITHM, ALGORITHM_MD5]] }), 401, 'and the key is the other one')
    t.equal(code({ after: [[ATTRIBUTE_PASSWORD_ALGORITHMS, ALGORITHM_MD5]] }), 0)
    t.equal(code({ before: [[ATTRIBUTE_PASSWORD_ALGORITHMS, ALGORITHM_MD5]] }), 400)
  })
})

t.test('what is offered is what every store verifies', async (t) => {
  const rest = new RestSecrets(REALM, ['north'], () => 0)
  const md5Only = new ReloadableStore()
  md5Only.verifiesSha256 = false
  const cases: [what: string, stores: CredentialStore[], nonceStart: string, isSha256Offered: boolean][] = [
    ['static users: algorithms and anonymity', [staticUsers()], 'obMatJos2wAAA', true],
    ['TURN REST: no anonymity', [rest], 'obMatJos2gAAA', true],
    ['static users and TURN REST: no anonymity', [staticUsers(), rest], 'obMatJos2gAAA', true],
    ['MD5 keys alone: no algorithms', [md5Only], 'obMatJos2QAAA', false],
    ['static users and MD5 keys: no algorithms', [staticUsers(), md5Only], 'obMatJos2QAAA', false],
    ['TURN REST and MD5 keys: nothing', [md5Only, rest], 'obMatJos2AAAA', false],
  ]
  for (const [what, stores, nonceStart, isSha256Offered] of cases) {
    t.test(what, async (t) => {
      const challenge = challengeOf(makeAuthenticator(stores))
      t.equal(challenge.nonce.slice(0, 13), nonceStart)
      t.same(challenge.algorithms, isSha256Offered ? Buffer.from(ALGORITHM_LIST) : null)
    })
  }
})

t.test('a reload that brings in users without SHA-256 keys', async (t) => {
  const setUp = () => {
    const store = new ReloadableStore()
    const authenticator = makeAuthenticator([store])
    const old = challengeOf(authenticator).nonce
    store.verifiesSha256 = false
    const code = (request: Partial<Request>) =>
      authenticator.authenticate(
        makeRequest({ username: USER, realm: REALM, nonce: old, key: KEY_MD5, ...request }),
        CLIENT,
        NOW,
      )
    return { authenticator, code }
  }
  const sha256 = { algorithm: ALGORITHM_SHA256, algorithms: ALGORITHM_LIST, key: KEY_SHA256 }

  t.test('makes old nonces stale, so that clients learn the new offer', async (t) => {
    const { authenticator, code } = setUp()
    t.equal(code({}), 438)
    t.equal(code(sha256), 438)
    t.equal(authenticator.reason, 'stale-nonce')
    t.equal(authenticator.key, null, 'nobody was verified')
    t.equal(code({ nonce: challengeOf(authenticator).nonce }), 0)
  })

  t.test('tells nobody who exists', async (t) => {
    const { code } = setUp()
    t.equal(code({ ...sha256, username: 'mallory' }), 438)
  })

  t.test('SHA-256 that was never offered is 400', async (t) => {
    const { authenticator, code } = setUp()
    t.equal(code({ ...sha256, nonce: challengeOf(authenticator).nonce }), 400)
    t.equal(authenticator.reason, 'bid-down')
  })
})

t.test('TURN REST names with several secrets', async (t) => {
  const wall = 1_700_000_000
  const name = `${wall + 60}:alice`
  const setUp = () => {
    const authenticator = makeAuthenticator([
      staticUsers(),
      new RestSecrets(REALM, ['north', 'south', 'east'], () => wall),
    ])
    const { nonce } = challengeOf(authenticator)
    const code = (username: string, secret: string) => {
      const single = new RestSecrets(REALM, [secret], () => 0).find(username) as Credential
      const key = single.md5Key ?? new Uint8Array(0)
      return authenticator.authenticate(makeRequest({ username, realm: REALM, nonce, key }), CLIENT, NOW)
    }
    return { authenticator, code }
  }

  for (const secret of ['north', 'south', 'east']) {
    t.test(`${secret} verifies, at once and when remembered`, async (t) => {
      const { authenticator, code } = setUp()
      t.equal(code(name, secret), 0)
      t.equal(authenticator.username, name)
      t.equal(code(name, secret), 0)
      t.equal(code(name, 'west'), 401)
      t.equal(authenticator.reason, 'bad-password')
    })
  }

  t.test('an expired name is refused with its own reason', async (t) => {
    const { authenticator, code } = setUp()
    t.equal(code(`${wall}:alice`, 'north'), 0)
    t.equal(code(`${wall - 1}:alice`, 'north'), 401)
    t.equal(authenticator.reason, 'expired-credential')
    t.equal(authenticator.username, `${wall - 1}:alice`)
  })

  t.test('a wrong secret is a wrong password', async (t) => {
    const { authenticator, code } = setUp()
    t.equal(code(name, 'west'), 401)
    t.equal(authenticator.reason, 'bad-password')
  })
})
