// The keys of --oauth-keys while a server runs: a file that changes, a reload that reads it again or names another one.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OAuthKeyring } from '../../src/server/oauth-keyring.js'

const REALM = 'octavio.com'
const lineOf = (kid: string, byte = 'k') => `${kid} A256GCM ${Buffer.alloc(32, byte).toString('base64')}\n`

function open(t: Test) {
  const directory = t.testdir({ one: lineOf('north'), other: lineOf('south') + lineOf('east') })
  const paths = { one: join(directory, 'one'), other: join(directory, 'other') }
  const problems: string[] = []
  const keyring = new OAuthKeyring({ oauthKeys: paths.one, realm: REALM }, (text) => problems.push(text))
  const heard: string[] = []
  keyring.onChanged((keys) => void heard.push(keys.map(({ kid }) => kid).join(' ')))
  t.teardown(() => keyring.close())
  return { keyring, paths, problems, heard }
}

t.test('the keyring', async (t) => {
  t.test('takes a file over that is read again, or leaves it', async (t) => {
    const { heard, keyring, paths } = open(t)
    t.same(keyring.prepare({ oauthKeys: paths.one, realm: REALM }).changes, [])
    writeFileSync(paths.one, lineOf('north', 'x') + lineOf('west'))
    const prepared = keyring.prepare({ oauthKeys: paths.one, realm: REALM })
    t.match(prepared.changes, [{ from: '1 key', to: '2 keys', note: 'read again: 2 added, 1 removed' }])
    prepared.abandon()
    t.same(heard, [])
    prepared.commit()
    t.same(heard, ['north west'])
  })

  t.test('takes another file, or none', async (t) => {
    const { heard, keyring, paths } = open(t)
    keyring.prepare({ oauthKeys: paths.other, realm: REALM }).abandon()
    t.equal(keyring.all().length, 1)
    keyring.prepare({ oauthKeys: paths.other, realm: REALM }).commit()
    keyring.prepare({ oauthKeys: null, realm: REALM }).commit()
    t.same(heard, ['south east', ''])
    t.equal(keyring.reload(), true, 'there is nothing to read')
  })

  t.test('keeps its keys when the file is broken', async (t) => {
    const { heard, keyring, paths, problems } = open(t)
    writeFileSync(paths.one, 'north\n')
    t.throws(() => keyring.prepare({ oauthKeys: paths.one, realm: REALM }), { code: 'TURND_ERR_SECRET_FILE' })
    t.equal(keyring.reload(), false)
    t.match(problems, [/line 1: .*; the keys read before stay$/])
    t.same([heard, keyring.all().length], [[], 1])
  })
})
