// Hashes of admin users' passwords at a thousandth of their work, in the process that imports this: each takes half a second of a processor, and
// test/auth/admin-password.test.ts shows what they are. The long form computes them all.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const CHEAP_N = 32

type Derive = (password: string, salt: Uint8Array, length: number, costs: object, done: unknown) => void

if (process.env.TURND_TEST_LONG !== '1') {
  const derive = crypto.scrypt as Derive
  const cheap: Derive = (password, salt, length, costs, done) =>
    derive(password, salt, length, { ...costs, N: CHEAP_N }, done)
  Object.assign(crypto, { scrypt: cheap })
  syncBuiltinESMExports()
}
