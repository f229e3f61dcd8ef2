// Users with stored keys, found by name and by userhash. The users file and the configured users are such tables; a packed copy of
// one is plain data that another thread can be given, and serves there as a store (PackedUsers).
import type { Credential, CredentialLookup, CredentialStore } from './credentials.js'
import { userhash } from './credentials.js'

const MD5_KEY_LENGTH = 16
const SHA256_KEY_LENGTH = 32
const KEYS_LENGTH = MD5_KEY_LENGTH + SHA256_KEY_LENGTH

/** The users of one table: structured-cloneable, and large arrays rather than many objects, so that a copy is quick to make. */
export interface PackedCredentials {
  readonly usernames: readonly string[]
  readonly userhashes: readonly string[]
  /** For each user 48 bytes: the MD5 key and the SHA-256 key. */
  readonly keys: Uint8Array
  /** For each user: bit 0, there is an MD5 key; bit 1, there is a SHA-256 key. */
  readonly present: Uint8Array
}

const HAS_MD5 = 1
const HAS_SHA256 = 2

export class CredentialTable implements CredentialStore {
  readonly verifiesUserhash = true
  readonly verifiesSha256: boolean
  readonly #byName = new Map<string, Credential>()
  readonly #byUserhash = new Map<string, Credential>()

  /** @param preparedRealm the realm that the keys were made for, an OpaqueString already. Each name may be there once. */
  constructor(preparedRealm: string, credentials: Iterable<Credential>) {
    for (const credential of credentials) {
      this.#byName.set(credential.username, credential)
      this.#byUserhash.set(userhash(credential.username, preparedRealm), credential)
    }
    this.verifiesSha256 = [...this.#byName.values()].every(({ sha256Key }) => sha256Key !== null)
  }

  get size(): number {
    return this.#byName.size
  }

  find(username: string): CredentialLookup {
    return this.#byName.get(username) ?? 'unknown-user'
  }

  findByUserhash(userhashHex: string): Credential | null {
    return this.#byUserhash.get(userhashHex) ?? null
  }

  pack(): PackedCredentials {
    const keys = new Uint8Array(this.size * KEYS_LENGTH)
    const present = new Uint8Array(this.size)
    for (const [index, { md5Key, sha256Key }] of [...this.#byName.values()].entries()) {
      if (md5Key !== null) keys.set(md5Key, index * KEYS_LENGTH)
      if (sha256Key !== null) keys.set(sha256Key, index * KEYS_LENGTH + MD5_KEY_LENGTH)
      present[index] = (md5Key === null ? 0 : HAS_MD5) | (sha256Key === null ? 0 : HAS_SHA256)
    }
    // Both maps were filled in one order.
    return { usernames: [...this.#byName.keys()], userhashes: [...this.#byUserhash.keys()], keys, present }
  }
}

/** A store over a packed table, which may be replaced. Credentials are made when they are looked up: installing costs little. */
export class PackedUsers implements CredentialStore {
  readonly verifiesUserhash = true
  verifiesSha256 = true
  #packed: PackedCredentials
  #indexByName = new Map<string, number>()
  #indexByUserhash = new Map<string, number>()

  constructor(packed: PackedCredentials) {
    this.#packed = packed
    this.install(packed)
  }

  /** From now on these users, and no others. */
  install(packed: PackedCredentials): void {
    this.#packed = packed
    this.#indexByName = new Map(packed.usernames.map((username, index) => [username, index]))
    this.#indexByUserhash = new Map(packed.userhashes.map((hash, index) => [hash, index]))
    this.verifiesSha256 = packed.present.every((bits) => (bits & HAS_SHA256) !== 0)
  }

  find(username: string): CredentialLookup {
    return this.#credentialAt(this.#indexByName.get(username)) ?? 'unknown-user'
  }

  findByUserhash(userhashHex: string): Credential | null {
    return this.#credentialAt(this.#indexByUserhash.get(userhashHex))
  }

  #credentialAt(index: number | undefined): Credential | null {
    if (index === undefined) return null
    const { keys, present, usernames } = this.#packed
    const start = index * KEYS_LENGTH
    const middle = start + MD5_KEY_LENGTH
    return {
      username: usernames[index],
      md5Key: (present[index] & HAS_MD5) === 0 ? null : keys.subarray(start, middle),
      sha256Key: (present[index] & HAS_SHA256) === 0 ? null : keys.subarray(middle, start + KEYS_LENGTH),
    }
  }
}
