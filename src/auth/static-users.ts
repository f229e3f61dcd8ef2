// Users that are known when the server starts: those of --user, with passwords or keys.
// Keys are computed once; the passwords are not kept.
import { CredentialTable } from './credential-table.js'
import type { Credential } from './credentials.js'
import { makeCredential, opaquePart } from './credentials.js'

export type StaticUser =
  | { readonly name: string; readonly password: string }
  /** 32 hex digits: MD5(name ":" realm ":" password). Clients then know no other algorithm. */
  | { readonly name: string; readonly key: string }

export class StaticUsers extends CredentialTable {
  /** Throws a RangeError for a name, password or realm that is no OpaqueString, and for a name given twice. */
  constructor(realm: string, users: readonly StaticUser[]) {
    const preparedRealm = opaquePart('the realm', realm)
    super(preparedRealm, credentialsOf(preparedRealm, users))
  }
}

function credentialsOf(preparedRealm: string, users: readonly StaticUser[]): Credential[] {
  const names = new Set<string>()
  return users.map((user) => {
    const credential = 'key' in user ? credentialOfKey(user) : makeCredential(user.name, preparedRealm, user.password)
    if (names.has(credential.username)) throw new RangeError(`the user ${credential.username} is given twice`)
    names.add(credential.username)
    return credential
  })
}

function credentialOfKey({ key, name }: { readonly name: string; readonly key: string }): Credential {
  return { username: opaquePart('the user name', name), md5Key: Buffer.from(key, 'hex'), sha256Key: null }
}
