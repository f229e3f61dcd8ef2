// One-time login tokens: what `turnd login` opens the page with. Whoever can ask this process for one may do everything here already.
import { createHash, randomBytes } from 'node:crypto'
import { LOGIN_LINK_COUNT_MAX, LOGIN_LINK_LIFETIME_SECONDS } from '../../limits/admin.js'

const TOKEN_LENGTH = 32

export class LoginLinks {
  readonly #now: () => number
  /** When each is void, by the hash of its token; oldest first. */
  readonly #expiries = new Map<string, number>()

  /** @param now in milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now
  }

  /** A new token. */
  make(): string {
    for (const [hash, expiresAt] of this.#expiries) if (expiresAt <= this.#now()) this.#expiries.delete(hash)
    if (this.#expiries.size >= LOGIN_LINK_COUNT_MAX) {
      const [oldest] = this.#expiries.keys()
      this.#expiries.delete(oldest)
    }
    const token = randomBytes(TOKEN_LENGTH).toString('base64url')
    this.#expiries.set(hashOf(token), this.#now() + LOGIN_LINK_LIFETIME_SECONDS * 1000)
    return token
  }

  /** Once only. */
  use(token: string): boolean {
    const hash = hashOf(token)
    const expiresAt = this.#expiries.get(hash)
    this.#expiries.delete(hash)
    return expiresAt !== undefined && expiresAt > this.#now()
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
