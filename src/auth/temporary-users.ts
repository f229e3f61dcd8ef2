// Users for some minutes, whom no file knows: the main thread adds and removes them while the server runs. Workers have a copy, and learn what
// has changed (credential-table.ts).
import { type CredentialChanges, CredentialTable, type PackedCredentials } from './credential-table.js'
import { type Credential, type CredentialLookup, type CredentialStore, opaquePart } from './credentials.js'

export class TemporaryUsers implements CredentialStore {
  readonly realm: string
  readonly verifiesUserhash = true
  #table: CredentialTable

  /** Throws a RangeError for a realm that is no OpaqueString. */
  constructor(realm: string) {
    this.realm = opaquePart('the realm', realm)
    this.#table = new CredentialTable(this.realm, [])
  }

  get verifiesSha256(): boolean {
    return this.#table.verifiesSha256
  }

  find(username: string): CredentialLookup {
    return this.#table.find(username)
  }

  findByUserhash(userhashHex: string): Credential | null {
    return this.#table.findByUserhash(userhashHex)
  }

  /** Today's users, for another thread. */
  pack(): PackedCredentials {
    return this.#table.pack()
  }

  /** These are the users from now on. Returns what is different. */
  replace(credentials: Iterable<Credential>): CredentialChanges {
    const earlier = this.#table
    this.#table = new CredentialTable(this.realm, credentials)
    return this.#table.changesSince(earlier)
  }
}
