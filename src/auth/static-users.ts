// Users that are known when the server starts: --user NAME:PASSWORD, and the generated first user.
// Keys are computed once; the passwords are not kept.
import type { Credential, CredentialLookup, CredentialStore } from './credentials.js'
import { makeCredential, opaquePart, userhash } from './credentials.js'

export interface StaticUser {
  readonly name: string
  readonly password: string
}

export class StaticUsers implements CredentialStore {
  readonly verifiesSha256 = true
  readonly verifiesUserhash = true
  readonly #byName = new Map<string, Credential>()
  readonly #byUserhash = new Map<string, Credential>()

  /** Throws a RangeError for a name, password or realm that is no OpaqueString, and for a name given twice. */
  constructor(realm: string, users: readonly StaticUser[]) {
    const preparedRealm = opaquePart('the realm', realm)
    for (const user of users) {
      const credential = makeCredential(user.name, preparedRealm, user.password)
      if (this.#byName.has(credential.username)) throw new RangeError(`the user ${credential.username} is given twice`)
      this.#byName.set(credential.username, credential)
      this.#byUserhash.set(userhash(credential.username, preparedRealm), credential)
    }
  }

  find(username: string): CredentialLookup {
    return this.#byName.get(username) ?? 'unknown-user'
  }

  findByUserhash(userhashHex: string): Credential | null {
    return this.#byUserhash.get(userhashHex) ?? null
  }
}
