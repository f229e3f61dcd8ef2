// TURN REST credentials (draft-uberti-behave-turn-rest-00 §2.2): the name is `timestamp:anything` or `timestamp`, where the
// timestamp is the wall time in seconds until which it holds; the password is base64(HMAC-SHA1(secret, name)). No user is stored.

import { createHmac } from 'node:crypto'
import { VERIFIED_NAME_COUNT_MAX } from '../limits/turn.js'
import type { Credential, CredentialLookup, CredentialStore } from './credentials.js'
import { md5Key, opaquePart, sha256Key } from './credentials.js'

/** More digits would not be an exact number, and no clock gets there. */
const TIMESTAMP = /^\d{1,15}$/

export class RestSecrets implements CredentialStore {
  readonly verifiesSha256 = true
  /** A userhash cannot be turned back into a name that nobody stored. */
  readonly verifiesUserhash = false
  readonly keyCountMax: number
  readonly #realm: string
  readonly #secrets: readonly string[]
  readonly #wallSeconds: () => number
  readonly #separator: string
  /** Only names whose MAC was right: guesses cannot push anything out. Oldest first. */
  readonly #verified = new Map<string, Credential>()
  /** What `find` derived last: only our own keys may be remembered, not those of a like-named user of another store. */
  #derived: Credential | null = null

  /** Throws a RangeError if there is no secret, an empty one, or a realm that is no OpaqueString. */
  constructor(realm: string, secrets: readonly string[], wallSeconds: () => number, separator = ':') {
    if (secrets.length === 0 || secrets.includes('')) throw new RangeError('the TURN REST secret is empty')
    this.#realm = opaquePart('the realm', realm)
    this.#secrets = [...secrets]
    this.#wallSeconds = wallSeconds
    this.#separator = separator
    this.keyCountMax = secrets.length
  }

  /** How many verified names are remembered. */
  get verifiedNameCount(): number {
    return this.#verified.size
  }

  find(username: string, holdsAllocation = false): CredentialLookup {
    const expiry = this.#expirySeconds(username)
    if (Number.isNaN(expiry)) return 'unknown-user'
    const isExpired = expiry < this.#wallSeconds() && !holdsAllocation
    if (isExpired) this.#verified.delete(username)
    // Derived for expired names too, so that they cost what a wrong password costs.
    const remembered = this.#verified.get(username)
    if (remembered !== undefined) return remembered
    this.#derived = this.#derive(username)
    return isExpired ? 'expired-credential' : this.#derived
  }

  findByUserhash(): Credential | null {
    return null
  }

  noteVerified(credential: Credential): void {
    const derived = this.#derived
    if (derived === null) return
    if (credential !== derived && !derived.alternatives?.includes(credential)) return
    if (this.#verified.size >= VERIFIED_NAME_COUNT_MAX) {
      const oldest = this.#verified.keys().next()
      if (!oldest.done) this.#verified.delete(oldest.value)
    }
    // With the alternatives: while secrets rotate, two services may hand out one name, each with its own secret.
    this.#verified.set(credential.username, derived)
  }

  /** A wrong password for a remembered name must take as long as one for a name never seen. */
  noteRefused(username: string): void {
    if (this.#verified.has(username)) this.#derive(username)
  }

  #expirySeconds(username: string): number {
    const end = username.indexOf(this.#separator)
    const timestamp = end < 0 ? username : username.slice(0, end)
    return TIMESTAMP.test(timestamp) ? Number(timestamp) : Number.NaN
  }

  #derive(username: string): Credential {
    const [credential, ...alternatives] = this.#secrets.map((secret) => this.#deriveWith(secret, username))
    return alternatives.length === 0 ? credential : { ...credential, alternatives }
  }

  #deriveWith(secret: string, username: string): Credential {
    const password = createHmac('sha1', secret).update(username).digest('base64')
    return {
      username,
      md5Key: md5Key(username, this.#realm, password),
      sha256Key: sha256Key(username, this.#realm, password),
    }
  }
}
