import { createHmac } from 'node:crypto'
import t from 'tap'
import { type Credential, md5Key, sha256Key } from '../../src/auth/credentials.js'
import { DEFAULT_REST_RULES, type RestRules, RestSecrets } from '../../src/auth/rest-secrets.js'
import { VERIFIED_NAME_COUNT_MAX } from '../../src/limits/turn.js'

const WALL = 1_700_000_000
const passwordOf = (name: string, secret = 'north') => createHmac('sha1', secret).update(name).digest('base64')
const makeStore = (secrets = ['north'], rules: Partial<RestRules> = {}) =>
  new RestSecrets('r', secrets, () => WALL, { ...DEFAULT_REST_RULES, hash: 'sha1', ...rules })
const found = (store: RestSecrets, name: string): Credential => {
  const lookup = store.find(name)
  if (typeof lookup === 'string') throw new Error(`${name}: ${lookup}`)
  return lookup
}

t.test('TURN REST names', async (t) => {
  t.test('give the keys of base64(HMAC-SHA1(secret, name)) (draft-uberti-behave-turn-rest-00 §2.2)', async (t) => {
    const name = `${WALL + 60}:alice`
    const credential = found(makeStore(), name)
    t.equal(credential.username, name)
    t.same(credential.md5Key, md5Key(name, 'r', passwordOf(name)))
    t.same(credential.sha256Key, sha256Key(name, 'r', passwordOf(name)))
  })

  t.test('a known password: secret north, name 1433895918:0x4f6a', async (t) => {
    // Computed with: printf 1433895918:0x4f6a | openssl dgst -sha1 -hmac north -binary | base64
    t.equal(passwordOf('1433895918:0x4f6a'), 'udtBbt2I2WYXpdAYnRmXfyLOtoI=')
  })

  const valid = [`${WALL}`, `${WALL}:`, `${WALL}:alice`, `${WALL}:a:b`, `${WALL + 1}:alice`, '999999999999999:x']
  for (const name of valid) {
    t.test(`${name} is valid at ${WALL}`, async (t) => {
      t.equal(found(makeStore(), name).username, name)
    })
  }

  for (const name of [`${WALL - 1}`, `${WALL - 1}:alice`, '1000000000:alice', `alice:${WALL - 1}`]) {
    t.test(`${name} has expired at ${WALL}`, async (t) => {
      t.equal(found(makeStore(), name).refusedAs, 'expired-credential')
    })
  }

  t.test('may have the time last, as coturn takes them', async (t) => {
    const name = `alice:${WALL + 60}`
    t.same(found(makeStore(), name).md5Key, md5Key(name, 'r', passwordOf(name)))
    t.equal(found(makeStore(), name).refusedAs, undefined)
    t.equal(found(makeStore(), name).account, 'alice')
  })

  const accounts: [name: string, account: string][] = [
    [`${WALL}:alice`, 'alice'],
    [`${WALL}:@alice:matrix.example`, '@alice:matrix.example'],
    [`${WALL}:${WALL + 1}`, `${WALL + 1}`],
    [`${WALL}:`, `${WALL}:`],
    [`${WALL}`, `${WALL}`],
    [`:${WALL}`, `:${WALL}`],
  ]
  for (const [name, account] of accounts) {
    t.test(`${name} counts for ${account}`, async (t) => {
      t.equal(found(makeStore(), name).account, account)
    })
  }

  t.test('are refused further ahead than --auth-secret-lifetime-max', async (t) => {
    const store = makeStore(['north'], { lifetimeSecondsMax: 60 })
    t.equal(found(store, `${WALL + 60}:alice`).refusedAs, undefined)
    t.equal(found(store, `${WALL + 61}:alice`).refusedAs, 'too-long-lived')
    t.equal(found(store, `${WALL}000:alice`).refusedAs, 'too-long-lived', 'milliseconds')
    const held = store.find(`${WALL + 61}:alice`, true)
    t.equal(typeof held === 'string' ? held : held.refusedAs, undefined, 'an allocation that exists goes on')
    t.equal(found(makeStore(), `${WALL}000:alice`).refusedAs, undefined, '0 is no limit')
  })

  t.test('have keys by HMAC-SHA256 as well, after those by HMAC-SHA1', async (t) => {
    const name = `${WALL}:alice`
    const password = createHmac('sha256', 'north').update(name).digest('base64')
    t.same(found(makeStore(['north'], { hash: 'sha256' }), name).md5Key, md5Key(name, 'r', password))
    const both = found(makeStore(['north'], { hash: 'any' }), name)
    t.same(both.md5Key, md5Key(name, 'r', passwordOf(name)))
    t.same(
      both.alternatives?.map((alternative) => alternative.md5Key),
      [md5Key(name, 'r', password)],
    )
    t.equal(makeStore(['north', 'south'], { hash: 'any' }).keyCountMax, 4)
  })

  t.test('an expired name that holds an allocation keeps its keys; a name that is none is still unknown', async (t) => {
    const name = `${WALL - 1}:alice`
    const lookup = makeStore().find(name, true)
    t.type(lookup, 'object')
    t.same((lookup as Credential).md5Key, md5Key(name, 'r', passwordOf(name)))
    t.equal(makeStore().find('alice', true), 'unknown-user')
  })

  // Somebody's extension is no time, with whatever follows it.
  const extensions = ['1001', '0', '999999999', '1001:alice', '1001:1800000000']
  const unknown = [
    ...extensions,
    'alice',
    '',
    ':alice',
    'alice:1001',
    'a:b:1800000000',
    '-1:alice',
    '1e10:alice',
    '0x7fffffff:a',
    ' 1800000000:a',
  ]
  for (const name of [...unknown, '1800000000 :a', '１８00000000:a', '1.8:a', '1000000000000000:x', '1800000000;a']) {
    t.test(`${JSON.stringify(name)} is no timestamped name`, async (t) => {
      t.equal(makeStore().find(name), 'unknown-user')
    })
  }

  t.test('may have another separator', async (t) => {
    const store = makeStore(['north'], { separator: '|' })
    t.equal(found(store, `${WALL}|alice`).username, `${WALL}|alice`)
    t.equal(store.find(`${WALL}:alice`), 'unknown-user')
  })

  t.test('have one set of keys for each secret', async (t) => {
    const name = `${WALL}:alice`
    const store = makeStore(['north', 'south', 'east'])
    const credential = found(store, name)
    t.equal(store.keyCountMax, 3)
    t.same(credential.md5Key, md5Key(name, 'r', passwordOf(name, 'north')))
    t.same(
      credential.alternatives?.map((alternative) => alternative.md5Key),
      ['south', 'east'].map((secret) => md5Key(name, 'r', passwordOf(name, secret))),
    )
  })

  t.test('cannot be found by userhash, so anonymity is not offered', async (t) => {
    t.equal(makeStore().verifiesUserhash, false)
    t.equal(makeStore().findByUserhash(), null)
  })

  t.test('are nobody without a secret, and userhashes can be offered then', async (t) => {
    const store = makeStore([])
    t.equal(store.find(`${WALL}:alice`), 'unknown-user')
    t.equal(store.verifiesUserhash, true)
    t.equal(store.keyCountMax, 0)
  })

  t.test('need secrets that are not empty', async (t) => {
    t.throws(() => makeStore(['north', '']), RangeError)
    t.throws(() => makeStore().setSecrets(['']), RangeError)
  })
})

t.test('other secrets and rules while it serves', async (t) => {
  const name = `${WALL}:alice`
  const keys = (store: RestSecrets) => {
    const { alternatives = [], md5Key: first } = found(store, name)
    return [first, ...alternatives.map((alternative) => alternative.md5Key)]
  }
  const of = (...secrets: string[]) => secrets.map((secret) => md5Key(name, 'r', passwordOf(name, secret)))

  t.test('count at once, for names that are remembered too; what verified them stays first', async (t) => {
    const store = makeStore(['north', 'south'])
    store.noteVerified(found(store, name).alternatives?.[0] as Credential)
    t.same(keys(store), of('south', 'north'), 'the key that was right is tried first')
    store.setSecrets(['east', 'north', 'south'])
    t.equal(store.verifiedNameCount, 1)
    t.same(keys(store), of('south', 'east', 'north'))
    store.setSecrets(['east', 'south'])
    t.same(keys(store), of('south', 'east'))
    store.setSecrets(['east'])
    t.equal(store.verifiedNameCount, 0, 'what verified it is gone')
    t.same(keys(store), of('east'))
    store.setSecrets([])
    t.equal(store.find(name), 'unknown-user')
    t.equal(store.keyCountMax, 0)
  })

  t.test('a remembered name is derived again once', async (t) => {
    const store = makeStore(['north'])
    store.noteVerified(found(store, name))
    store.setSecrets(['south', 'north'])
    const derived = found(store, name)
    t.not(found(store, name), derived, 'until a MAC was right again')
    store.noteVerified(found(store, name))
    t.equal(found(store, name), found(store, name))
  })

  t.test('the separator, the hash and the longest lifetime', async (t) => {
    const store = makeStore(['north'])
    store.setRules({ separator: '|', hash: 'any', lifetimeSecondsMax: 10 })
    t.equal(store.find(name), 'unknown-user')
    t.equal(found(store, `${WALL}|alice`).account, 'alice')
    t.equal(store.keyCountMax, 2)
    t.equal(found(store, `${WALL + 11}|alice`).refusedAs, 'too-long-lived')
  })
})

t.test('verified names', async (t) => {
  t.test('are remembered only once their MAC was right', async (t) => {
    const store = makeStore()
    const credential = found(store, `${WALL}:alice`)
    t.equal(store.verifiedNameCount, 0)
    t.not(found(store, `${WALL}:alice`), credential, 'derived again')
    store.noteVerified(found(store, `${WALL}:alice`))
    t.equal(store.verifiedNameCount, 1)
    t.equal(found(store, `${WALL}:alice`), found(store, `${WALL}:alice`), 'remembered')
  })

  t.test('are remembered with the keys of every secret: two services may hand out one name', async (t) => {
    const store = makeStore(['north', 'south'])
    const name = `${WALL}:alice`
    const [south] = found(store, name).alternatives ?? []
    store.noteVerified(south)
    t.equal(store.verifiedNameCount, 1)
    t.same(found(store, name).md5Key, md5Key(name, 'r', passwordOf(name, 'south')), 'the right one first')
    t.same(found(store, name).alternatives?.[0].md5Key, md5Key(name, 'r', passwordOf(name, 'north')))
  })

  t.test('are not taken from a like-named user of another store', async (t) => {
    const store = makeStore()
    const name = `${WALL}:alice`
    store.find(name)
    store.noteVerified({ username: name, md5Key: new Uint8Array(16), sha256Key: null })
    t.equal(store.verifiedNameCount, 0)
  })

  t.test(`are ${VERIFIED_NAME_COUNT_MAX} at most, the oldest dropped`, async (t) => {
    const store = makeStore()
    const name = (index: number) => `${WALL}:user${index}`
    const verify = (index: number) => {
      const credential = found(store, name(index))
      store.noteVerified(credential)
      return credential
    }
    const first = verify(0)
    const second = verify(1)
    for (let index = 2; index < VERIFIED_NAME_COUNT_MAX; index++) verify(index)
    t.equal(found(store, name(0)), found(store, name(0)), 'the first is still there')
    verify(VERIFIED_NAME_COUNT_MAX)
    t.equal(store.verifiedNameCount, VERIFIED_NAME_COUNT_MAX)
    t.not(found(store, name(0)), found(store, name(0)), 'the first is gone')
    t.equal(found(store, name(1)), found(store, name(1)), 'the second is not')
    t.same(found(store, name(0)), first)
    t.same(found(store, name(1)), second)
  })

  t.test('expire like others', async (t) => {
    let now = WALL
    const store = new RestSecrets('r', ['north'], () => now)
    store.noteVerified(found(store, `${WALL}:alice`))
    now = WALL + 1
    t.equal(found(store, `${WALL}:alice`).refusedAs, 'expired-credential')
    t.equal(store.verifiedNameCount, 0)
  })
})
