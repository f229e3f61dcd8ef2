// Names and passwords that came with requests by Basic (RFC 7617) and were right: remembered for a short time, as keyed hashes, since a script sends them
// with each request and each would cost a third of a second of a processor. Used by authentication.ts.
import { createHmac, randomBytes } from 'node:crypto'
import { ADMIN_NAME_LENGTH_MAX, BASIC_LOGIN_COUNT_MAX, BASIC_LOGIN_LIFETIME_SECONDS } from '../../limits/admin.js'

const KEY_LENGTH = 32

export interface BasicLogin {
  readonly user: string
  readonly password: string
}

interface Remembered {
  readonly stamp: string
  readonly expiresAt: number
}

/** null for anything else, or what is longer than any name and password. */
export function basicLoginOf(authorization: string | undefined): BasicLogin | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const [user, password] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)]
  const isWhole = [user, password].every((part) => part !== '' && part.length <= ADMIN_NAME_LENGTH_MAX)
  return colon > 0 && isWhole ? { user, password } : null
}

export class BasicLogins {
  readonly #now: () => number
  /** Of this process alone: without it the hashes say nothing about passwords. */
  readonly #key = randomBytes(KEY_LENGTH)
  /** By the id of a login, oldest first. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #underWay = new Map<string, Promise<string>>()

  /** @param now in milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now
  }

  /** What stands for a login of one source. */
  idOf(source: string, { password, user }: BasicLogin): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([source, user, password]))
      .digest('base64url')
  }

  /** @param stamp that the user has now: whoever was disabled or has another password is not known any more */
  isKnown(id: string, stamp: string | null): boolean {
    const remembered = this.#remembered.get(id)
    if (remembered === undefined) return false
    if (remembered.stamp === stamp && remembered.expiresAt > this.#now()) return true
    this.#remembered.delete(id)
    return false
  }

  /** Verifies a login, and remembers it. Requests that bring the same at the same time wait for one verification. Rejects as `verify` does. */
  async once(id: string, verify: () => Promise<string>): Promise<void> {
    const underWay = this.#underWay.get(id)
    if (underWay !== undefined) {
      await underWay
      return
    }
    const verifying = verify()
    this.#underWay.set(id, verifying)
    try {
      this.#remember(id, await verifying)
    } finally {
      this.#underWay.delete(id)
    }
  }

  #remember(id: string, stamp: string): void {
    if (this.#remembered.size >= BASIC_LOGIN_COUNT_MAX) {
      const [oldest] = this.#remembered.keys()
      this.#remembered.delete(oldest)
    }
    this.#remembered.set(id, { stamp, expiresAt: this.#now() + BASIC_LOGIN_LIFETIME_SECONDS * 1000 })
  }
}
