// Passwords of admin users: scrypt hashes in the form `$scrypt$ln=15,r=8,p=3$SALT$HASH` (base64 without padding), which carries its own costs, so that
// those of new ones can be raised. Computed on Node's thread pool, few at once, with a short queue: whoever guesses keeps nobody from working.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import {
  ADMIN_PASSWORD_CHARACTER_COUNT_MIN,
  SCRYPT_HASH_BYTES,
  SCRYPT_MEMORY_BYTES_MAX,
  SCRYPT_N_LOG2_COST,
  SCRYPT_N_LOG2_COST_MIN,
  SCRYPT_P_COST,
  SCRYPT_P_COST_MAX,
  SCRYPT_R_COST,
  SCRYPT_RUNNING_COUNT_MAX,
  SCRYPT_SALT_BYTES,
  SCRYPT_WAITING_COUNT_MAX,
} from '../limits/passwords.js'
import { opaquePart } from './credentials.js'
import { opaqueString } from './opaque-string.js'

/** More passwords are being looked at than may wait. */
export class PasswordQueueFullError extends Error {}

interface ScryptHash {
  readonly nLog2: number
  readonly r: number
  readonly p: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** May this be an admin user's password? In the form that is hashed. Throws a RangeError that says what is wrong, never the password. */
export function preparedAdminPassword(password: string): string {
  const prepared = opaquePart('the password', password)
  if ([...prepared].length >= ADMIN_PASSWORD_CHARACTER_COUNT_MIN) return prepared
  throw new RangeError(
    `the password of an admin user has at least ${ADMIN_PASSWORD_CHARACTER_COUNT_MIN} characters: give a longer one, or have one generated`,
  )
}

/** A stored hash that this program can check, and that asks for no more than is allowed. */
export function isStoredPassword(text: string): boolean {
  return parse(text) !== null
}

/** Stands in for the hash of users who do not exist: it costs what `like` costs, or a new one, and no password is right. */
export function dummyPassword(like: string | null): string {
  const { nLog2, p, r } = (like === null ? null : parse(like)) ?? newCosts()
  return format({ nLog2, r, p, salt: randomBytes(SCRYPT_SALT_BYTES), hash: randomBytes(SCRYPT_HASH_BYTES) })
}

export class AdminPasswords {
  #runningCount = 0
  readonly #waiting: (() => void)[] = []

  /** @param prepared by preparedAdminPassword. Rejects with a PasswordQueueFullError. */
  hash(prepared: string): Promise<string> {
    const costs = { ...newCosts(), salt: randomBytes(SCRYPT_SALT_BYTES), hash: new Uint8Array(SCRYPT_HASH_BYTES) }
    return this.#derive(prepared, costs).then((hash) => format({ ...costs, hash }))
  }

  /** Takes as long for a wrong password as for the right one. Rejects with a PasswordQueueFullError. */
  verify(password: string, stored: string): Promise<boolean> {
    const parsed = parse(stored)
    if (parsed === null) return Promise.resolve(false)
    const prepared = preparedOrNull(password)
    return this.#derive(prepared ?? password, parsed).then(
      (hash) => timingSafeEqual(hash, parsed.hash) && prepared !== null,
    )
  }

  #derive(password: string, costs: ScryptHash): Promise<Uint8Array> {
    return this.#turn().then(() => derive(password, costs).finally(() => this.#next()))
  }

  /** Resolves when there is room. */
  #turn(): Promise<void> {
    if (this.#runningCount < SCRYPT_RUNNING_COUNT_MAX) {
      this.#runningCount++
      return Promise.resolve()
    }
    if (this.#waiting.length >= SCRYPT_WAITING_COUNT_MAX) {
      return Promise.reject(new PasswordQueueFullError('too many passwords are being checked: try again in a moment'))
    }
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  /** Whoever waits longest has the place of who is done. */
  #next(): void {
    const wake = this.#waiting.shift()
    if (wake === undefined) this.#runningCount--
    else wake()
  }
}

function newCosts() {
  return { nLog2: SCRYPT_N_LOG2_COST, r: SCRYPT_R_COST, p: SCRYPT_P_COST }
}

function derive(password: string, { hash, nLog2, p, r, salt }: ScryptHash): Promise<Uint8Array> {
  // OpenSSL counts a little more than 128 × N × r.
  const maxmem = 2 * SCRYPT_MEMORY_BYTES_MAX
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, { N: 2 ** nLog2, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function parse(text: string): ScryptHash | null {
  const match = FORM.exec(text)
  if (match === null) return null
  const [nLog2, r, p] = match.slice(1, 4).map(Number)
  const [salt, hash] = match.slice(4).map((part) => Buffer.from(part, 'base64'))
  if (salt.length !== SCRYPT_SALT_BYTES || hash.length !== SCRYPT_HASH_BYTES) return null
  if (nLog2 < SCRYPT_N_LOG2_COST_MIN || r < 1 || p < 1 || p > SCRYPT_P_COST_MAX) return null
  return 128 * 2 ** nLog2 * r > SCRYPT_MEMORY_BYTES_MAX ? null : { nLog2, r, p, salt, hash }
}

function format({ hash, nLog2, p, r, salt }: ScryptHash): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  return `$scrypt$ln=${nLog2},r=${r},p=${p}$${base64(salt)}$${base64(hash)}`
}

function preparedOrNull(password: string): string | null {
  try {
    return opaqueString(password)
  } catch {
    return null
  }
}
