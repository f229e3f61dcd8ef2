// An attacker must not learn which users exist: refusals differ in nothing but the nonce, and cost the same cryptography.
// Times are not compared here (a machine under load decides those); the operations that take the time are counted instead.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import t from 'tap'
import { Authenticator } from '../../src/auth/authenticator.js'
import { CredentialTable, PackedUsers } from '../../src/auth/credential-table.js'
import { type Credential, type CredentialStore, makeCredential, md5Key, userhash } from '../../src/auth/credentials.js'
import { RestSecrets } from '../../src/auth/rest-secrets.js'
import { TOKEN_KEY_COUNT } from '../../src/auth/token-session.js'
import { ATTRIBUTE_ACCESS_TOKEN } from '../../src/stun/constants.js'
import { macKeyOf, STRANGER, TokenClock, type TokenWish, tokenOf } from '../support/access-token.js'
import {
  ALGORITHM_LIST,
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

const WALL = 1_700_000_000
const NONCE_START = 20 + 8 + 12 + 4
const NONCE_END = NONCE_START + 28

/** Calls of the functions that take time, by name, while `action` runs. */
function countOperations(action: () => void): Record<string, number> {
  const { createDecipheriv, createHmac, hash, timingSafeEqual } = crypto
  const counts: Record<string, number> = { createDecipheriv: 0, createHmac: 0, hash: 0, timingSafeEqual: 0 }
  const counted = <Call extends (...values: never[]) => unknown>(name: string, call: Call): Call =>
    ((...values: Parameters<Call>) => {
      counts[name]++
      return call(...values)
    }) as Call
  Object.assign(crypto, {
    createDecipheriv: counted('createDecipheriv', createDecipheriv as (...values: never[]) => unknown),
    createHmac: counted('createHmac', createHmac),
    hash: counted('hash', hash),
    timingSafeEqual: counted('timingSafeEqual', timingSafeEqual),
  })
  syncBuiltinESMExports()
  try {
    action()
  } finally {
    Object.assign(crypto, { createDecipheriv, createHmac, hash, timingSafeEqual })
    syncBuiltinESMExports()
  }
  return counts
}

const DISABLED = 'dora'

/** @param file the users of a users file, in the main thread or in a worker */
function setUp(secrets = ['north', 'south'], file: CredentialStore = usersFile()) {
  const authenticator = makeAuthenticator([staticUsers(), file, new RestSecrets(REALM, secrets, () => WALL)])
  const { nonce } = challengeOf(authenticator)
  const wrongKey = md5Key(USER, REALM, 'wrong')
  const refuse = (request: Partial<Request>) => {
    const message = makeRequest({ username: USER, realm: REALM, nonce, key: wrongKey, ...request })
    const counts = countOperations(() => t.equal(authenticator.authenticate(message, CLIENT, NOW), 401))
    const { reason, username } = authenticator
    return { counts, reason, username, bytes: errorAnswer(authenticator, 401) }
  }
  return { authenticator, nonce, refuse }
}

t.test('an unknown user and a wrong password', async (t) => {
  const { refuse } = setUp()
  const wrong = refuse({})
  const others: [what: string, request: Partial<Request>, reason: string][] = [
    ['unknown user', { username: 'mallory' }, 'unknown-user'],
    ['unknown userhash', { username: undefined, userhash: Buffer.alloc(32) }, 'unknown-user'],
    ['wrong realm', { realm: 'other' }, 'wrong-realm'],
    ['wrong realm, right key', { realm: 'other', key: md5Key(USER, REALM, PASSWORD) }, 'wrong-realm'],
  ]
  t.equal(wrong.reason, 'bad-password')
  for (const [what, request, reason] of others) {
    t.test(`${what}: the same bytes and the same work as a wrong password`, async (t) => {
      const other = refuse(request)
      t.equal(other.reason, reason)
      t.same(other.counts, wrong.counts)
      t.ok((wrong.counts.createHmac ?? 0) > 0, 'the work is there to be counted')
      t.equal(other.bytes.length, wrong.bytes.length)
      t.same(withoutNonce(other.bytes), withoutNonce(wrong.bytes))
    })
  }

  t.test('also where the request chose SHA-256', async (t) => {
    const chosen = { algorithm: ALGORITHM_SHA256, algorithms: ALGORITHM_LIST, integrity: 'sha256' } as const
    t.same(refuse({ ...chosen, username: 'mallory' }).counts, refuse(chosen).counts)
  })
})

t.test('a disabled user', async (t) => {
  const file = usersFile()
  const stores = { 'the main thread': file, 'a worker': new PackedUsers(structuredClone(file.pack())) }
  for (const [where, store] of Object.entries(stores)) {
    const { refuse } = setUp(undefined, store)
    const unknown = refuse({ username: 'mallory' })
    const hash = { username: undefined, userhash: Buffer.from(userhash(DISABLED, REALM), 'hex') }
    const chosen = { algorithm: ALGORITHM_SHA256, algorithms: ALGORITHM_LIST, integrity: 'sha256' } as const
    const { md5Key: key, sha256Key } = makeCredential(DISABLED, REALM, PASSWORD)
    const claims: [what: string, request: Partial<Request>, unknown: typeof unknown][] = [
      ['a wrong password', { username: DISABLED }, unknown],
      ['the right password', { username: DISABLED, key: key ?? Buffer.alloc(0) }, unknown],
      ['a userhash', hash, refuse({ ...hash, userhash: Buffer.alloc(32) })],
      [
        'the right SHA-256 key',
        { ...chosen, username: DISABLED, key: sha256Key ?? Buffer.alloc(0) },
        refuse({ ...chosen, username: 'mallory' }),
      ],
    ]
    for (const [what, request, like] of claims) {
      t.test(`in ${where}, with ${what}: the bytes and the work of an unknown user`, async (t) => {
        const disabled = refuse(request)
        t.same(disabled.counts, like.counts)
        t.ok((disabled.counts.createHmac ?? 0) > 0, 'the work is there to be counted')
        t.same(withoutNonce(disabled.bytes), withoutNonce(like.bytes))
        t.equal(disabled.reason, 'disabled-user', 'which only the operator learns')
        t.equal(disabled.username, DISABLED, 'and who it was')
      })
    }
  }
})

t.test('a user of the file', async (t) => {
  // A long number, of a telephone say, is a name that the secrets would make a key for as well.
  const names = { letters: ['anna', 'bert'], digits: ['4915700001', '4915700002'] }
  const table = new CredentialTable(
    REALM,
    Object.values(names).map(([name]) => makeCredential(name, REALM, PASSWORD)),
  )
  const stores = { 'the main thread': table, 'a worker': new PackedUsers(structuredClone(table.pack())) }
  for (const [where, store] of Object.entries(stores)) {
    const { refuse } = setUp(undefined, store)
    for (const [kind, [known, unknown]] of Object.entries(names)) {
      t.test(`in ${where} (${kind}), with a wrong password: the bytes and the work of an unknown user`, async (t) => {
        const [wrong, nobody] = [refuse({ username: known }), refuse({ username: unknown })]
        t.same(wrong.counts, nobody.counts)
        t.ok((wrong.counts.createHmac ?? 0) > 0, 'the work is there to be counted')
        t.same(withoutNonce(wrong.bytes), withoutNonce(nobody.bytes))
        t.equal(wrong.reason, 'bad-password')
        const hash = (name: string) => ({ username: undefined, userhash: Buffer.from(userhash(name, REALM), 'hex') })
        t.same(refuse(hash(known)).counts, refuse(hash(unknown)).counts, 'by USERHASH')
      })
    }
  }
})

t.test('TURN REST names', async (t) => {
  const name = `${WALL + 60}:alice`
  const { authenticator, nonce, refuse } = setUp()
  const wrong = refuse({ username: name })

  t.test('expired, valid and remembered ones cost the same when refused', async (t) => {
    const expired = refuse({ username: `${WALL - 60}:alice` })
    t.equal(expired.reason, 'expired-credential')
    t.same(expired.counts, wrong.counts)
    t.same(withoutNonce(expired.bytes), withoutNonce(wrong.bytes))

    const { md5Key: key } = new RestSecrets(REALM, ['south'], () => WALL).find(name) as Credential
    const request = { username: name, realm: REALM, nonce, key: key ?? new Uint8Array(0) }
    t.equal(authenticator.authenticate(makeRequest(request), CLIENT, NOW), 0)
    const remembered = refuse({ username: name })
    t.equal(remembered.reason, 'bad-password')
    t.same(remembered.counts, wrong.counts)
    t.same(withoutNonce(remembered.bytes), withoutNonce(wrong.bytes))
  })
})

t.test('keys of several secrets and hashes', async (t) => {
  const name = `${WALL + 60}:alice`
  /** MACs that were compared. */
  const success = (secrets: string[], secret: string, username = name) => {
    const store = new RestSecrets(REALM, secrets, () => WALL)
    const authenticator = makeAuthenticator([staticUsers(), store, usersFile()])
    const { nonce } = challengeOf(authenticator)
    const rest = new RestSecrets(REALM, [secret], () => WALL).find(name) as Credential
    const key = username === USER ? md5Key(USER, REALM, PASSWORD) : (rest.md5Key ?? new Uint8Array(0))
    const once = () =>
      countOperations(() =>
        t.equal(authenticator.authenticate(makeRequest({ username, realm: REALM, nonce, key }), CLIENT, NOW), 0),
      )
    // One more is of the nonce.
    return [once(), once()].map(({ createHmac, timingSafeEqual }) => [(timingSafeEqual ?? 0) - 1, createHmac])
  }

  t.test('cost who is let in no more than it takes: the right one is tried first the next time', async (t) => {
    const [[first], [second, hmacs]] = success(['north', 'south', 'east'], 'east')
    t.equal(first, 3, 'those before it')
    t.equal(second, 1)
    t.equal(hmacs, success(['east'], 'east')[1][1], 'as with one secret')
    t.equal(success(['north', 'south'], 'north', USER)[0][0], 1, 'and no other user pays for them')
  })

  t.test('cost who is refused all of them, whoever it is: unknown, wrong, expired, too long-lived', async (t) => {
    const secrets = ['north', 'south', 'east']
    const store = new RestSecrets(REALM, secrets, () => WALL, {
      ...{ separator: ':', hash: 'any', lifetimeSecondsMax: 3600 },
    })
    const authenticator = makeAuthenticator([staticUsers(), store, usersFile()])
    const { nonce } = challengeOf(authenticator)
    const refused = (username: string, secret: string | null) => {
      const rest = new RestSecrets(REALM, [secret ?? 'wrong'], () => 0).find(username)
      const key = typeof rest === 'string' ? md5Key(USER, REALM, 'wrong') : (rest.md5Key ?? new Uint8Array(0))
      const message = makeRequest({ username, realm: REALM, nonce, key })
      const counts = countOperations(() => t.equal(authenticator.authenticate(message, CLIENT, NOW), 401, username))
      return { reason: authenticator.reason, counts }
    }
    const wrong = refused(name, null)
    t.equal(wrong.reason, 'bad-password')
    t.equal(wrong.counts.timingSafeEqual, 6, 'three secrets, with two hashes each')
    for (const [username, secret, reason] of [
      [`${WALL - 60}:alice`, null, 'expired-credential'],
      [`${WALL - 60}:alice`, 'north', 'expired-credential'],
      [`${WALL - 60}:alice`, 'east', 'expired-credential'],
      [`${WALL + 9999}:alice`, 'north', 'too-long-lived'],
    ] as const) {
      t.same(refused(username, secret), { ...wrong, reason }, `${username} ${secret}`)
    }
    for (const username of [USER, 'mallory', DISABLED]) {
      t.equal(refused(username, null).counts.timingSafeEqual, 6, `${username}: as many comparisons`)
    }
  })
})

t.test('access tokens (RFC 7635)', async (t) => {
  const tokens = new TokenClock().tokens(REALM)
  const authenticator = new Authenticator({ realm: REALM, stores: [], nonceSecret: new Uint8Array(32).fill(7), tokens })
  const { nonce } = challengeOf(authenticator)
  const refuse = (reason: string, wish: TokenWish, username = 'north', key = macKeyOf(7)) => {
    const before: [number, Uint8Array][] = [[ATTRIBUTE_ACCESS_TOKEN, tokenOf(wish)]]
    const message = makeRequest({ username, realm: REALM, nonce, key, before })
    const counts = countOperations(() => t.equal(authenticator.authenticate(message, CLIENT, NOW), 401))
    t.equal(authenticator.reason, reason)
    return { counts, bytes: withoutNonce(errorAnswer(authenticator, 401)) }
  }
  const foreign = refuse('bad-token', { serverName: 'elsewhere' })
  t.match(foreign.counts, { createDecipheriv: 1, createHmac: TOKEN_KEY_COUNT, hash: 0 })
  t.same(refuse('unknown-oauth-key', {}, 'nobody'), foreign, 'an unknown key id')
  t.same(refuse('bad-token', { key: STRANGER }), foreign, 'a token of another key')
  t.same(refuse('bad-token', {}, 'north', macKeyOf(8)), foreign, 'a request that is not made with its key')
  t.same(refuse('bad-token', { timestampSeconds: 1 }, 'north', macKeyOf(8)), foreign, 'nor in time')
})

t.test('the answer differs in its nonce from client to client, and in nothing else', async (t) => {
  const { authenticator } = setUp()
  const here = errorAnswer(authenticator, 401, CLIENT)
  const there = errorAnswer(authenticator, 401, CLIENT.clone().setIPv4(CLIENT.word0, CLIENT.port + 1))
  t.not(Buffer.from(here).toString('hex'), Buffer.from(there).toString('hex'))
  t.same(withoutNonce(here), withoutNonce(there))
})

function usersFile(): CredentialTable {
  return new CredentialTable(REALM, [{ ...makeCredential(DISABLED, REALM, PASSWORD), isDisabled: true }])
}

function withoutNonce(bytes: Uint8Array): Uint8Array {
  return bytes.slice().fill(0, NONCE_START, NONCE_END)
}
