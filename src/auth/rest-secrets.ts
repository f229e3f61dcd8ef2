// TURN REST credentials: the keys of a timestamped name (rest-name.ts), from secrets that this server shares with who issues them. No user is
// stored. Secrets and rules change while it serves: a name is good as long as one secret is that made its password.
import { VERIFIED_NAME_COUNT_MAX } from '../limits/turn.js'
import type { Credential, CredentialLookup, CredentialStore, RefusedAs } from './credentials.js'
import { md5Key, opaquePart, sha256Key } from './credentials.js'
import { rememberName } from './remembered-names.js'
import { parseRestName, type RestName } from './rest-name.js'
import { hashesOf, type RestHash, type RestHashChoice, restPassword } from './rest-password.js'

export interface RestRules {
  readonly separator: string
  readonly hash: RestHashChoice
  /** How far ahead the time of a name may lie; 0: as far as it likes. */
  readonly lifetimeSecondsMax: number
}

export const DEFAULT_REST_RULES: RestRules = { separator: ':', hash: 'any', lifetimeSecondsMax: 0 }

/** One way in which a password may have been made. */
interface Scheme {
  readonly secret: string
  readonly hash: RestHash
}

/** What a name was found to be. */
interface Found {
  readonly credential: Credential
  /** The scheme of the credential, then those of its alternatives. */
  readonly schemes: readonly Scheme[]
}

export class RestSecrets implements CredentialStore {
  readonly verifiesSha256 = true
  readonly #realm: string
  readonly #wallSeconds: () => number
  #secrets: readonly string[]
  #rules: RestRules
  #schemes: readonly Scheme[]
  /** Only names whose MAC was right: guesses cannot push anything out. Oldest first. */
  readonly #verified = new Map<string, Found>()
  /** What `find` returned last: only our own keys may be remembered, not those of a like-named user of another store. */
  #found: Found | null = null
  /** That was derived, not remembered. */
  #hasDerived = false

  /** Throws a RangeError for an empty secret, or a realm that is no OpaqueString. */
  constructor(realm: string, secrets: readonly string[], wallSeconds: () => number, rules = DEFAULT_REST_RULES) {
    this.#realm = opaquePart('the realm', realm)
    this.#wallSeconds = wallSeconds
    this.#rules = rules
    this.#secrets = checked(secrets)
    this.#schemes = schemesOf(this.#secrets, rules)
  }

  get keyCountMax(): number {
    return this.#schemes.length
  }

  /** A userhash cannot be turned back into a name that nobody stored. */
  get verifiesUserhash(): boolean {
    return this.#schemes.length === 0
  }

  /** How many verified names are remembered. */
  get verifiedNameCount(): number {
    return this.#verified.size
  }

  /** From now on these. What verified a name is still tried first, unless its secret is gone. Throws a RangeError for an empty one. */
  setSecrets(secrets: readonly string[]): void {
    this.#secrets = checked(secrets)
    this.#changeSchemes()
  }

  setRules(rules: RestRules): void {
    this.#rules = rules
    this.#changeSchemes()
  }

  find(username: string, holdsAllocation = false): CredentialLookup {
    this.#found = null
    this.#hasDerived = false
    const name = this.#schemes.length === 0 ? null : parseRestName(username, this.#rules.separator)
    if (name === null) return 'unknown-user'
    const refusedAs = holdsAllocation ? null : this.#refusalOf(name)
    if (refusedAs !== null) this.#verified.delete(username)
    const remembered = this.#verified.get(username)
    if (remembered !== undefined && this.#isWhole(remembered)) {
      this.#found = remembered
      return remembered.credential
    }
    // Derived for expired names too, so that they cost what a wrong password costs.
    this.#found = this.#derive(username, name.account, remembered?.schemes[0] ?? null)
    this.#hasDerived = true
    const { credential } = this.#found
    return refusedAs === null ? credential : { ...credential, refusedAs }
  }

  findByUserhash(): Credential | null {
    return null
  }

  noteVerified(credential: Credential): void {
    const found = this.#found
    if (found === null) return
    const index = found.credential === credential ? 0 : (found.credential.alternatives?.indexOf(credential) ?? -1) + 1
    if (index === 0 && found.credential !== credential) return
    if (index === 0 && !this.#hasDerived) return
    const kept = index === 0 ? found : withFirst(found, index)
    rememberName(this.#verified, credential.username, kept, VERIFIED_NAME_COUNT_MAX)
  }

  /** A wrong password for a remembered name must take as long as one for a name never seen. */
  noteRefused(username: string): void {
    if (this.#found !== null && !this.#hasDerived) this.#derive(username, username, null)
  }

  #refusalOf({ expirySeconds }: RestName): RefusedAs | null {
    const now = this.#wallSeconds()
    const { lifetimeSecondsMax } = this.#rules
    if (expirySeconds < now) return 'expired-credential'
    return lifetimeSecondsMax > 0 && expirySeconds > now + lifetimeSecondsMax ? 'too-long-lived' : null
  }

  /** Names that are remembered get the keys of new secrets when they are next asked for: thousands at once would hold up media. */
  #changeSchemes(): void {
    this.#schemes = schemesOf(this.#secrets, this.#rules)
    for (const [username, { schemes }] of this.#verified) {
      if (!this.#schemes.some((scheme) => isSame(scheme, schemes[0]))) this.#verified.delete(username)
    }
  }

  /** It has the keys of all schemes of now, and no others. */
  #isWhole({ schemes }: Found): boolean {
    return schemes.length === this.#schemes.length && schemes.every((scheme) => this.#schemes.includes(scheme))
  }

  /**
   * All keys, even when one is right already: while secrets rotate, two services may hand out one name, each with its own secret.
   * @param first tried before the others
   */
  #derive(username: string, account: string, first: Scheme | null): Found {
    const others = first === null ? this.#schemes : this.#schemes.filter((scheme) => !isSame(scheme, first))
    const schemes = first === null ? others : [...this.#schemes.filter((scheme) => isSame(scheme, first)), ...others]
    const [credential, ...alternatives] = schemes.map((scheme) => this.#deriveWith(scheme, username, account))
    return { credential: alternatives.length === 0 ? credential : { ...credential, alternatives }, schemes }
  }

  #deriveWith({ hash, secret }: Scheme, username: string, account: string): Credential {
    const password = restPassword(secret, username, hash)
    return {
      username,
      md5Key: md5Key(username, this.#realm, password),
      sha256Key: sha256Key(username, this.#realm, password),
      account,
    }
  }
}

/** By hash first: nearly all services use the first one. */
function schemesOf(secrets: readonly string[], { hash }: RestRules): readonly Scheme[] {
  return hashesOf(hash).flatMap((each) => secrets.map((secret) => ({ secret, hash: each })))
}

function isSame(one: Scheme, other: Scheme): boolean {
  return one.secret === other.secret && one.hash === other.hash
}

/** The same, with the scheme of this index before the others. */
function withFirst({ credential, schemes }: Found, index: number): Found {
  const { alternatives = [], ...bare } = credential
  const keys = [bare, ...alternatives]
  const first = { ...keys[index], alternatives: keys.filter((_, each) => each !== index) }
  return { credential: first, schemes: [schemes[index], ...schemes.filter((_, each) => each !== index)] }
}

function checked(secrets: readonly string[]): readonly string[] {
  if (secrets.includes('')) throw new RangeError('a TURN REST secret is empty')
  return [...secrets]
}
