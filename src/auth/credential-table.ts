// Users with stored keys, found by name and by userhash. The users file and the configured users are such tables. A packed copy of one
// is plain data that another thread can be given, and serves there as a store (PackedUsers), which learns of changes by what changed:
// a file of many users that gains one must not keep a thread from relaying.
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
  /** For each user: bit 0, there is an MD5 key; bit 1, there is a SHA-256 key; bit 2, the user is disabled. */
  readonly present: Uint8Array
}

/** What makes one table the other: plain data too. */
export interface CredentialChanges {
  readonly removedUsernames: readonly string[]
  readonly removedUserhashes: readonly string[]
  /** New users, and those with new keys, or who are disabled or enabled. */
  readonly added: PackedCredentials
}

const HAS_MD5 = 1
const HAS_SHA256 = 2
const IS_DISABLED = 4

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
    // Who is disabled is not verified at all.
    this.verifiesSha256 = [...this.#byName.values()].every((one) => one.isDisabled === true || one.sha256Key !== null)
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

  /** In the order in which they were given. */
  credentials(): Iterable<Credential> {
    return this.#byName.values()
  }

  pack(): PackedCredentials {
    return packed([...this.#byUserhash])
  }

  /** How this table differs from an earlier one of the same realm. */
  changesSince(earlier: CredentialTable): CredentialChanges {
    const removed = [...earlier.#byUserhash].filter(([, { username }]) => !this.#byName.has(username))
    const added = [...this.#byUserhash].filter(([, credential]) => {
      const before = earlier.#byName.get(credential.username)
      return before === undefined || !isSame(credential, before)
    })
    return {
      removedUsernames: removed.map(([, { username }]) => username),
      removedUserhashes: removed.map(([hash]) => hash),
      added: packed(added),
    }
  }
}

function packed(entries: readonly (readonly [userhash: string, credential: Credential])[]): PackedCredentials {
  const keys = new Uint8Array(entries.length * KEYS_LENGTH)
  const present = new Uint8Array(entries.length)
  for (const [index, [, { isDisabled, md5Key, sha256Key }]] of entries.entries()) {
    if (md5Key !== null) keys.set(md5Key, index * KEYS_LENGTH)
    if (sha256Key !== null) keys.set(sha256Key, index * KEYS_LENGTH + MD5_KEY_LENGTH)
    present[index] =
      (md5Key === null ? 0 : HAS_MD5) | (sha256Key === null ? 0 : HAS_SHA256) | (isDisabled === true ? IS_DISABLED : 0)
  }
  return {
    usernames: entries.map(([, { username }]) => username),
    userhashes: entries.map(([hash]) => hash),
    keys,
    present,
  }
}

function isSame(one: Credential, other: Credential): boolean {
  if ((one.isDisabled === true) !== (other.isDisabled === true)) return false
  return isSameKey(one.md5Key, other.md5Key) && isSameKey(one.sha256Key, other.sha256Key)
}

/** Both are the operator's: nobody learns anything from the time. */
function isSameKey(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0
}

/** A store over a packed table. Credentials of its start are made when they are looked up, so that it starts quickly. */
export class PackedUsers implements CredentialStore {
  readonly verifiesUserhash = true
  readonly #packed: PackedCredentials
  /** A credential, or its index in the packed table. */
  readonly #byName = new Map<string, Credential | number>()
  readonly #byUserhash = new Map<string, Credential | number>()
  /** Users without a SHA-256 key, who may log in. */
  readonly #withoutSha256 = new Set<string>()

  constructor(users: PackedCredentials) {
    this.#packed = users
    for (const [index, username] of users.usernames.entries()) this.#set(users, index, username, index)
  }

  get verifiesSha256(): boolean {
    return this.#withoutSha256.size === 0
  }

  apply({ added, removedUserhashes, removedUsernames }: CredentialChanges): void {
    for (const hash of removedUserhashes) this.#byUserhash.delete(hash)
    for (const username of removedUsernames) {
      this.#byName.delete(username)
      this.#withoutSha256.delete(username)
    }
    for (const [index, username] of added.usernames.entries()) {
      this.#set(added, index, username, credentialAt(added, index))
    }
  }

  find(username: string): CredentialLookup {
    return this.#credential(this.#byName.get(username)) ?? 'unknown-user'
  }

  findByUserhash(userhashHex: string): Credential | null {
    return this.#credential(this.#byUserhash.get(userhashHex))
  }

  #set(users: PackedCredentials, index: number, username: string, entry: Credential | number): void {
    this.#byName.set(username, entry)
    this.#byUserhash.set(users.userhashes[index], entry)
    if ((users.present[index] & (HAS_SHA256 | IS_DISABLED)) === 0) this.#withoutSha256.add(username)
    else this.#withoutSha256.delete(username)
  }

  #credential(entry: Credential | number | undefined): Credential | null {
    if (entry === undefined) return null
    return typeof entry === 'number' ? credentialAt(this.#packed, entry) : entry
  }
}

function credentialAt({ keys, present, usernames }: PackedCredentials, index: number): Credential {
  const start = index * KEYS_LENGTH
  const middle = start + MD5_KEY_LENGTH
  const credential = {
    username: usernames[index],
    md5Key: (present[index] & HAS_MD5) === 0 ? null : keys.subarray(start, middle),
    sha256Key: (present[index] & HAS_SHA256) === 0 ? null : keys.subarray(middle, start + KEYS_LENGTH),
  }
  return (present[index] & IS_DISABLED) === 0 ? credential : { ...credential, isDisabled: true }
}
