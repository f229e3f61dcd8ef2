// Users that are known when the server starts: --user NAME:PASSWORD, and the generated first user.
// Keys are computed once; the passwords are not kept.
import { CredentialTable } from './credential-table.js'
import type { Credential } from './credentials.js'
import { makeCredential, opaquePart } from './credentials.js'

export interface StaticUser {
  readonly name: string
  readonly password: string
}

export class StaticUsers extends CredentialTable {
  /** Throws a RangeError for a name, password or realm that is no OpaqueString, and for a name given twice. */
  constructor(realm: string, users: readonly StaticUser[]) {
    const preparedRealm = opaquePart('the realm', realm)
    super(preparedRealm, credentialsOf(preparedRealm, users))
  }
}

function credentialsOf(preparedRealm: string, users: readonly StaticUser[]): Credential[] {
  const names = new Set<string>()
  return users.map(({ name, password }) => {
    const credential = makeCredential(name, preparedRealm, password)
    if (names.has(credential.username)) throw new RangeError(`the user ${credential.username} is given twice`)
    names.add(credential.username)
    return credential
  })
}
