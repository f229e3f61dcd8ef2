// Sessions of the admin plane, in memory: who holds a token is that user until it ends. Of a token only its hash is kept.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { SESSION_COUNT_MAX, SESSION_LIFETIME_SECONDS, SESSION_OF_USER_COUNT_MAX } from '../../limits/admin.js'

/** 256 bits. */
const TOKEN_LENGTH = 32

export interface LiveSession {
  readonly user: string
  /** Milliseconds of the clock that was given. */
  readonly expiresAt: number
  /** Of the admin user when it began; null: by a login link, of no user. */
  readonly stamp: string | null
}

interface StoredSession extends LiveSession {
  readonly hash: Buffer
}

export class Sessions {
  readonly #now: () => number
  /** By the hash of the token in hexadecimal, oldest first. */
  readonly #sessions = new Map<string, StoredSession>()

  /** @param now in milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Its token: nobody is told it again. */
  open(user: string, stamp: string | null): { readonly token: string; readonly session: LiveSession } {
    this.#makeRoom(user, stamp === null)
    const token = randomBytes(TOKEN_LENGTH).toString('base64url')
    const hash = hashOf(token)
    const session = { user, stamp, expiresAt: this.#now() + SESSION_LIFETIME_SECONDS * 1000, hash }
    this.#sessions.set(hash.toString('hex'), session)
    return { token, session }
  }

  find(token: string): LiveSession | null {
    const hash = hashOf(token)
    const session = this.#sessions.get(hash.toString('hex'))
    if (session === undefined || !timingSafeEqual(session.hash, hash)) return null
    if (session.expiresAt > this.#now()) return session
    this.#sessions.delete(hash.toString('hex'))
    return null
  }

  end(token: string): void {
    this.#sessions.delete(hashOf(token).toString('hex'))
  }

  #makeRoom(user: string, isOperator: boolean): void {
    const ofUser: string[] = []
    for (const [key, session] of this.#sessions) {
      if (session.expiresAt <= this.#now()) this.#sessions.delete(key)
      else if (session.user === user && (session.stamp === null) === isOperator) ofUser.push(key)
    }
    if (ofUser.length >= SESSION_OF_USER_COUNT_MAX) this.#sessions.delete(ofUser[0])
    if (this.#sessions.size < SESSION_COUNT_MAX) return
    const [oldest] = this.#sessions.keys()
    this.#sessions.delete(oldest)
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
