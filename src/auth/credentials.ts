// Long-term credentials: the keys a user is verified with, and the contract of the stores that hold them.
// The authenticator reads every store on every request, so all of this is synchronous (RFC 8489 §9.2, §14.4, §18.5).
import { hash } from 'node:crypto'
import { opaqueString } from './opaque-string.js'

export interface Credential {
  readonly username: string
  /** 16 bytes: MD5(username ":" realm ":" password); the key of clients that know no other algorithm. */
  readonly md5Key: Uint8Array | null
  /** 32 bytes: SHA-256 of the same; the key under PASSWORD-ALGORITHM SHA-256. */
  readonly sha256Key: Uint8Array | null
  /** What else the name's keys may be (a TURN REST name, when several secrets are configured). */
  readonly alternatives?: readonly Credential[]
  /** Known, and refused as who is not: the authenticator does no more with it than with a name that nobody has. */
  readonly isDisabled?: boolean
  /** Known, and refused even with the right key, for this reason. */
  readonly refusedAs?: RefusedAs
  /** Whose quotas and bandwidth its allocations count for; the user name if absent. */
  readonly account?: string
}

export type RefusedAs = 'expired-credential' | 'too-long-lived'

export type CredentialLookup = Credential | 'unknown-user'

export interface CredentialStore {
  /**
   * @param holdsAllocation the name has an allocation already: a credential that has expired since is found all the same, so that a
   * call may outlast the time that its credential was handed out for
   */
  find(username: string, holdsAllocation?: boolean): CredentialLookup
  /** The user whose userhash (64 lower-case hex digits) this is. */
  findByUserhash(userhashHex: string): Credential | null
  /** Every user of this store has a SHA-256 key. May change when the store reloads. */
  readonly verifiesSha256: boolean
  /** Every user of this store can be found by userhash. */
  readonly verifiesUserhash: boolean
  /** How many keys a name can have at most; 1 if absent. Every request is checked against that many, whoever it names. */
  readonly keyCountMax?: number
  /** The credential's key has just verified a request. */
  noteVerified?(credential: Credential): void
  /** A request in this name was refused: do the work now that `find` may have saved, so that time tells nothing. */
  noteRefused?(username: string): void
}

/** The credential of a configured user. Throws a RangeError if a part is not an OpaqueString (RFC 8265 §4.2). */
export function makeCredential(username: string, realm: string, password: string): Credential {
  const name = opaquePart('the user name', username)
  const preparedRealm = opaquePart('the realm', realm)
  const preparedPassword = opaquePart('the password', password)
  return {
    username: name,
    md5Key: md5Key(name, preparedRealm, preparedPassword),
    sha256Key: sha256Key(name, preparedRealm, preparedPassword),
  }
}

/** The key of RFC 8489 §18.5.1.1, from parts that are prepared already. 16 bytes. */
export function md5Key(username: string, realm: string, password: string): Uint8Array {
  return hash('md5', `${username}:${realm}:${password}`, 'buffer')
}

/** The key of RFC 8489 §18.5.1.2, from parts that are prepared already. 32 bytes. */
export function sha256Key(username: string, realm: string, password: string): Uint8Array {
  return hash('sha256', `${username}:${realm}:${password}`, 'buffer')
}

/** The value of USERHASH (RFC 8489 §14.4), from parts that are prepared already, as 64 hex digits. */
export function userhash(username: string, realm: string): string {
  return hash('sha256', `${username}:${realm}`, 'hex')
}

/** `opaqueString` with a message that says which part is wrong. */
export function opaquePart(part: string, text: string): string {
  try {
    return opaqueString(text)
  } catch (error) {
    throw new RangeError(`${part} ${error instanceof Error ? error.message : error}`)
  }
}
