// Users with stored keys, and the packed copy of them that another thread serves from.
import t from 'tap'
import { CredentialTable, type PackedCredentials, PackedUsers } from '../../src/auth/credential-table.js'
import { type Credential, type CredentialLookup, makeCredential, userhash } from '../../src/auth/credentials.js'

const REALM = 'r'
const alice = makeCredential('alice', REALM, 'secret')
const bob = makeCredential('bob', REALM, 'other')
const carol: Credential = { ...makeCredential('carol', REALM, 'third'), sha256Key: null }

const disabled = (credential: Credential): Credential => ({ ...credential, isDisabled: true })

/** What arrives in another thread. */
const posted = (table: CredentialTable): PackedCredentials => structuredClone(table.pack())

const keysOf = (lookup: CredentialLookup) =>
  typeof lookup === 'string'
    ? lookup
    : [lookup.md5Key, lookup.sha256Key].map((key) => key && Buffer.from(key).toString('hex'))

t.test('a packed table', async (t) => {
  t.test('finds in another thread whom the table finds, with the same keys', async (t) => {
    const table = new CredentialTable(REALM, [alice, bob, carol])
    const store = new PackedUsers(posted(table))
    for (const { username } of [alice, bob, carol]) {
      const { md5Key, sha256Key } = table.find(username) as Credential
      t.same(store.find(username), {
        username,
        md5Key: new Uint8Array(md5Key as Uint8Array),
        sha256Key: sha256Key === null ? null : new Uint8Array(sha256Key),
      })
      t.equal(store.findByUserhash(userhash(username, REALM))?.username, username)
    }
    t.equal(store.find('dave'), 'unknown-user')
    t.equal(store.findByUserhash(userhash('dave', REALM)), null)
  })

  t.test('verifies SHA-256 only if every user has that key', async (t) => {
    for (const users of [[], [alice], [alice, carol], [carol]]) {
      const table = new CredentialTable(REALM, users)
      t.equal(table.verifiesSha256, !users.includes(carol))
      t.equal(new PackedUsers(posted(table)).verifiesSha256, table.verifiesSha256)
    }
  })

  t.test('finds who is disabled, and says so', async (t) => {
    const table = new CredentialTable(REALM, [disabled(alice), bob, disabled(carol)])
    t.equal(table.verifiesSha256, true, 'nobody asks for the key of who is disabled')
    const store = new PackedUsers(posted(table))
    t.equal(store.verifiesSha256, true)
    for (const found of [table.find('alice'), store.find('alice'), store.findByUserhash(userhash('alice', REALM))]) {
      t.match(found, { username: 'alice', isDisabled: true })
    }
    t.notMatch(store.find('bob'), { isDisabled: true })
  })

  t.test('learns who is disabled, and who is enabled again', async (t) => {
    const tables = [
      [alice, carol],
      [disabled(alice), carol],
      [alice, disabled(carol)],
      [alice, carol],
    ].map((users) => new CredentialTable(REALM, users))
    const store = new PackedUsers(posted(tables[0]))
    for (const [index, table] of tables.entries()) {
      store.apply(structuredClone(table.changesSince(tables[Math.max(index - 1, 0)])))
      for (const name of ['alice', 'carol']) {
        const isDisabled = (table.find(name) as Credential).isDisabled === true
        t.equal((store.find(name) as Credential).isDisabled === true, isDisabled, `${name} of table ${index}`)
      }
      t.equal(store.verifiesSha256, table.verifiesSha256, `table ${index}`)
    }
  })

  t.test('learns of every change, and of nothing else', async (t) => {
    const [bobAnew, carolAnew] = [makeCredential('bob', REALM, 'new'), makeCredential('carol', REALM, 'third')]
    const tables = [[alice, bob, carol], [bob, carol], [bobAnew, carolAnew, alice], [], [carol], [carolAnew, bob]].map(
      (users) => new CredentialTable(REALM, users),
    )
    const store = new PackedUsers(posted(tables[0]))
    for (const [index, table] of tables.entries()) {
      const changes = structuredClone(table.changesSince(tables[Math.max(index - 1, 0)]))
      store.apply(changes)
      for (const name of ['alice', 'bob', 'carol']) {
        const keys = keysOf(table.find(name))
        t.same(keysOf(store.find(name)), keys, `${name} of table ${index}`)
        t.same(keysOf(store.findByUserhash(userhash(name, REALM)) ?? 'unknown-user'), keys)
      }
      t.equal(store.verifiesSha256, table.verifiesSha256)
    }
    t.same(tables[2].changesSince(tables[2]).added.usernames, [])
    t.same(tables[2].changesSince(tables[1]).added.usernames, ['bob', 'carol', 'alice'])
    t.same(tables[1].changesSince(tables[0]).removedUsernames, ['alice'])
  })

  t.test('shares no memory with the keys that it was made from', async (t) => {
    const table = new CredentialTable(REALM, [alice])
    const { keys } = table.pack()
    t.equal(keys.buffer.byteLength, 48)
  })
})
