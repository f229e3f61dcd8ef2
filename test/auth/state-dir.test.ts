import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { generatePassword, loadNonceSecret, loadOrCreateGeneratedUser } from '../../src/auth/state-dir.js'

const modeOf = (path: string) => statSync(path).mode & 0o777

t.test('the nonce secret', async (t) => {
  t.test('is 32 random bytes, kept as hex with mode 0600 in a directory of mode 0700', async (t) => {
    const directory = join(t.testdir({}), 'a', 'state')
    const { secret, warning } = loadNonceSecret(directory)
    t.equal(warning, null)
    t.equal(secret.length, 32)
    t.equal(readFileSync(join(directory, 'nonce-secret'), 'utf8'), `${Buffer.from(secret).toString('hex')}\n`)
    t.equal(modeOf(join(directory, 'nonce-secret')), 0o600)
    t.equal(modeOf(directory), 0o700)
    t.same(readdirSync(directory), ['nonce-secret'])
  })

  t.test('is the same at the next start, and another elsewhere', async (t) => {
    const directory = t.testdir({})
    const { secret } = loadNonceSecret(directory)
    t.same(loadNonceSecret(directory).secret, secret)
    t.notSame(loadNonceSecret(join(directory, 'other')).secret, secret)
  })

  for (const content of ['', '\n', 'ab'.repeat(31), 'ab'.repeat(33), 'zz'.repeat(32), `${'ab'.repeat(32)} x`]) {
    t.test(
      `content ${JSON.stringify(content.slice(0, 8))} of ${content.length} is an error naming the file`,
      async (t) => {
        const path = join(t.testdir({ 'nonce-secret': content }), 'nonce-secret')
        t.throws(() => loadNonceSecret(join(path, '..')), {
          message: new RegExp(`^${path} does not hold 64 hex digits`),
        })
        t.equal(readFileSync(path, 'utf8'), content, 'it is not overwritten')
      },
    )
  }

  t.test('stays in memory where the directory cannot be made, with a warning', async (t) => {
    const directory = join(t.testdir({ file: '' }), 'file', 'state')
    const first = loadNonceSecret(directory)
    t.match(first.warning, /nonce-secret cannot be used \(a part of the path is not a directory\): it stays in memory/)
    t.equal(first.secret.length, 32)
    t.notSame(loadNonceSecret(directory).secret, first.secret)
  })

  t.test('is a directory: in memory, with a warning', async (t) => {
    const directory = t.testdir({})
    mkdirSync(join(directory, 'nonce-secret'))
    t.match(loadNonceSecret(directory).warning, /it is a directory/)
  })

  t.test('that others can read is used, with a warning', async (t) => {
    const directory = t.testdir({})
    const { secret } = loadNonceSecret(directory)
    chmodSync(join(directory, 'nonce-secret'), 0o640)
    const again = loadNonceSecret(directory)
    t.same(again.secret, secret)
    t.match(again.warning, /can be read by others: run chmod 600/)
  })
})

t.test('the generated user', async (t) => {
  t.test('is made once, kept with mode 0600, and found at the next start', async (t) => {
    const directory = t.testdir({})
    const path = join(directory, 'generated-user.json')
    const first = loadOrCreateGeneratedUser(directory, 'r')
    t.match(first, { username: 'turnuser', path, created: true, warning: null })
    t.match(first.password, /^[\w-]{24}$/)
    t.equal(modeOf(path), 0o600)
    t.same(JSON.parse(readFileSync(path, 'utf8')), { user: 'turnuser', realm: 'r', password: first.password })
    t.same(loadOrCreateGeneratedUser(directory, 'r'), { ...first, created: false })
  })

  t.test('keeps its password when the realm changes', async (t) => {
    const directory = t.testdir({})
    const first = loadOrCreateGeneratedUser(directory, 'r')
    t.same(loadOrCreateGeneratedUser(directory, 's'), { ...first, created: false })
  })

  t.test('takes the password that somebody wrote there', async (t) => {
    const directory = t.testdir({})
    writeFileSync(join(directory, 'generated-user.json'), '{"user":"me","realm":"r","password":"p"}', { mode: 0o600 })
    t.match(loadOrCreateGeneratedUser(directory, 'r'), { username: 'me', password: 'p', created: false, warning: null })
  })

  for (const content of [
    '',
    '{',
    'null',
    '[]',
    '{"user":"a"}',
    '{"user":"a","password":""}',
    '{"user":1,"password":"p"}',
  ]) {
    t.test(`content ${content} is an error naming the file`, async (t) => {
      const path = join(t.testdir({ 'generated-user.json': content }), 'generated-user.json')
      const message = new RegExp(`^${path} does not hold`)
      t.throws(() => loadOrCreateGeneratedUser(join(path, '..'), 'r'), { message })
      t.equal(readFileSync(path, 'utf8'), content, 'it is not overwritten')
    })
  }

  t.test('an error never shows the password', async (t) => {
    const directory = t.testdir({ 'generated-user.json': '{"user":"a","password":"hunter2"' })
    t.throws(() => loadOrCreateGeneratedUser(directory, 'r'), { message: /^(?!.*hunter2)/ })
  })

  t.test('lives in memory where the directory cannot be used, and says so', async (t) => {
    const user = loadOrCreateGeneratedUser(join(t.testdir({ file: '' }), 'file'), 'r')
    t.match(user, { username: 'turnuser', path: null, created: true })
    t.match(user.warning, /it stays in memory, and the generated password changes with every restart/)
  })
})

t.test('generated passwords are all different', async (t) => {
  t.equal(new Set(Array.from({ length: 100 }, generatePassword)).size, 100)
})
