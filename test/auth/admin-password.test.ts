import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import t from 'tap'
import {
  AdminPasswords,
  dummyPassword,
  isStoredPassword,
  PasswordQueueFullError,
  preparedAdminPassword,
} from '../../src/auth/admin-password.js'
import {
  SCRYPT_N_LOG2_COST,
  SCRYPT_P_COST,
  SCRYPT_R_COST,
  SCRYPT_RUNNING_COUNT_MAX,
  SCRYPT_WAITING_COUNT_MAX,
} from '../../src/limits/passwords.js'

const PASSWORD = 'correct horse'

t.test('a password of an admin user', async (t) => {
  t.test('has 12 characters at least, whatever they are', async (t) => {
    t.equal(preparedAdminPassword('123456789012'), '123456789012')
    t.equal(preparedAdminPassword('𝄞'.repeat(12)), '𝄞'.repeat(12))
    t.throws(() => preparedAdminPassword('12345678901'), { name: 'RangeError', message: /at least 12 characters/ })
    t.throws(() => preparedAdminPassword('𝄞'.repeat(11)), { name: 'RangeError' })
    t.throws(() => preparedAdminPassword('a\tbcdefghijklm'), { message: /^the password contains U\+0009/ })
  })

  t.test('is verified against its hash, in whatever form it is typed', async (t) => {
    const passwords = new AdminPasswords()
    const stored = await passwords.hash(preparedAdminPassword('correct u\u0308orse'))
    t.match(stored, `$scrypt$ln=${SCRYPT_N_LOG2_COST},r=${SCRYPT_R_COST},p=${SCRYPT_P_COST}$`)
    t.ok(isStoredPassword(stored))
    t.equal(await passwords.verify('correct u\u0308orse', stored), true)
    t.equal(await passwords.verify('correct üorse', stored), true)
    t.equal(await passwords.verify('correct uorse', stored), false)
    t.equal(await passwords.verify('', stored), false)
    t.equal(await passwords.verify('correct\nhorse', stored), false)
    t.equal(await passwords.verify(PASSWORD, 'nonsense'), false)
  })

  t.test('has another hash each time', async (t) => {
    const passwords = new AdminPasswords()
    const [one, other] = await Promise.all([passwords.hash(PASSWORD), passwords.hash(PASSWORD)])
    t.not(one, other)
  })

  t.test('is verified against the costs that it was stored with', async (t) => {
    const { hash, salt } = { salt: Buffer.alloc(16, 1), hash: crypto.scryptSync(PASSWORD, Buffer.alloc(16, 1), 32) }
    const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
    const stored = `$scrypt$ln=14,r=8,p=1$${base64(salt)}$${base64(hash)}`
    t.equal(await new AdminPasswords().verify(PASSWORD, stored), true, 'which are those of node without options')
  })
})

t.test('the stand-in for who is none', async (t) => {
  t.test('costs what another hash costs, or a new one', async (t) => {
    t.match(
      dummyPassword('$scrypt$ln=14,r=4,p=2$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'),
      'ln=14,r=4,p=2$',
    )
    t.match(dummyPassword(null), `ln=${SCRYPT_N_LOG2_COST},`)
    t.ok(isStoredPassword(dummyPassword(null)))
    t.equal(await new AdminPasswords().verify(PASSWORD, dummyPassword(null)), false)
  })
})

t.test('many at once', async (t) => {
  const real = crypto.scrypt
  let runningCount = 0
  let mostCount = 0
  const counted = ((...values: unknown[]) => {
    runningCount++
    mostCount = Math.max(mostCount, runningCount)
    const done = values.pop() as (error: Error | null, key: Buffer) => void
    setImmediate(() => {
      runningCount--
      done(null, Buffer.alloc(32))
    })
  }) as unknown as typeof real
  Object.assign(crypto, { scrypt: counted })
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(crypto, { scrypt: real })
    syncBuiltinESMExports()
  })

  t.test('are computed a few at a time, and wait in a short queue', async (t) => {
    const passwords = new AdminPasswords()
    const room = SCRYPT_RUNNING_COUNT_MAX + SCRYPT_WAITING_COUNT_MAX
    const attempts = Array.from({ length: room + 5 }, () => passwords.hash(PASSWORD))
    const outcomes = await Promise.allSettled(attempts)
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(refused.length, 5)
    t.ok(refused.every((one) => one.status === 'rejected' && one.reason instanceof PasswordQueueFullError))
    t.equal(mostCount, SCRYPT_RUNNING_COUNT_MAX)
    t.equal(runningCount, 0)
    t.match(await passwords.hash(PASSWORD), '$scrypt$', 'there is room again')
  })
})
