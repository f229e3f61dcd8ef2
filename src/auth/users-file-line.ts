// A line of the users file: a TURN user with keys of a realm, an admin user with a hashed password, or neither. Read and written here.
// Admin users have no TURN keys and TURN users no hash: TURN keys are fast hashes, and would give the password of the status page away.
import { quoted } from '../config/printable.js'
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import { isStoredPassword } from './admin-password.js'
import { makeCredential, opaquePart, userhash } from './credentials.js'
import { opaqueString } from './opaque-string.js'

export interface TurnUserEntry {
  readonly role: 'turn'
  readonly user: string
  readonly realm: string
  /** Keeps the keys, and may not log in. */
  readonly disabled: boolean
  readonly md5Key: Uint8Array
  readonly sha256Key: Uint8Array | null
}

export interface AdminUserEntry {
  readonly role: 'admin'
  readonly user: string
  /** Of admin users '': they belong to no realm. */
  readonly realm: ''
  readonly disabled: boolean
  /** A stored password (admin-password.ts). */
  readonly scrypt: string
}

export type UsersFileEntry = TurnUserEntry | AdminUserEntry

/** What may be there once. */
export type UserIdentity = Pick<UsersFileEntry, 'role' | 'user' | 'realm'>

export interface UsersFileLine {
  /** The line as it stands in the file, without its line feed. */
  readonly text: string
  readonly entry: UsersFileEntry | null
}

/** One that has a user. */
export interface UserLine<Entry extends UsersFileEntry = UsersFileEntry> extends UsersFileLine {
  readonly entry: Entry
}

/** Something is wrong with a line. The message names it, and never shows keys. */
export class UsersFileError extends Error {
  readonly lineNumber: number

  constructor(lineNumber: number, message: string) {
    super(`line ${lineNumber}: ${message}`)
    this.name = 'UsersFileError'
    this.lineNumber = lineNumber
  }
}

const TURN_KEYS = new Set(['user', 'role', 'realm', 'disabled', 'md5', 'sha256', 'userhash'])
const ADMIN_KEYS = new Set(['user', 'role', 'disabled', 'scrypt'])

/** `alice (realm example.org)`, `admin (admin user)`. */
export function describeUser({ realm, role, user }: UserIdentity): string {
  return role === 'admin' ? `${user} (admin user)` : `${user} (realm ${realm})`
}

export function isSameUser(one: UserIdentity, other: UserIdentity): boolean {
  return one.role === other.role && one.user === other.user && one.realm === other.realm
}

/** The line of a TURN user, with keys made from the password. Throws a RangeError if a part is no OpaqueString, or the name too long. */
export function makeUsersFileLine(user: string, realm: string, password: string): UserLine<TurnUserEntry> {
  const { username, md5Key, sha256Key } = makeCredential(user, realm, password)
  if (md5Key === null || sha256Key === null) throw new Error('a password gives both keys')
  checkLength(username)
  const entry = {
    role: 'turn',
    user: username,
    realm: opaqueString(realm),
    disabled: false,
    md5Key,
    sha256Key,
  } as const
  return { text: textOf(entry), entry }
}

/** The line of an admin user. Throws a RangeError if the name is no OpaqueString, or too long. */
export function makeAdminLine(user: string, scrypt: string): UserLine<AdminUserEntry> {
  const name = opaquePart('the user name', user)
  checkLength(name)
  const entry = { role: 'admin', user: name, realm: '', disabled: false, scrypt } as const
  return { text: textOf(entry), entry }
}

export function lineOf(entry: UsersFileEntry): UserLine {
  return { text: textOf(entry), entry }
}

/** Throws a UsersFileError. null: a blank line, or a comment. */
export function parseLine(text: string, lineNumber: number): UsersFileEntry | null {
  if (text === '' || text.startsWith('#')) return null
  return text.startsWith('{') ? parseJsonLine(text, lineNumber) : parseHtdigestLine(text, lineNumber)
}

function textOf(entry: UsersFileEntry): string {
  const { role, user } = entry
  const rest = entry.disabled ? { disabled: true } : {}
  if (entry.role === 'admin') return JSON.stringify({ user, role, ...rest, scrypt: entry.scrypt })
  const { md5Key, realm, sha256Key } = entry
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')
  const sha256 = sha256Key === null ? {} : { sha256: hex(sha256Key) }
  return JSON.stringify({ user, realm, ...rest, md5: hex(md5Key), ...sha256, userhash: userhash(user, realm) })
}

function checkLength(user: string): void {
  if (Buffer.byteLength(user) <= USERNAME_LENGTH_MAX) return
  throw new RangeError(`the user name has more than ${USERNAME_LENGTH_MAX} bytes, which no client can send`)
}

function parseHtdigestLine(text: string, lineNumber: number): UsersFileEntry {
  const parts = text.split(':')
  if (parts.length !== 3) {
    throw new UsersFileError(lineNumber, 'is neither a JSON object nor user:realm:md5 with exactly two colons')
  }
  const [user, realm, md5] = parts
  return {
    role: 'turn',
    user: checkedText('user', user, lineNumber),
    realm: checkedText('realm', realm, lineNumber),
    disabled: false,
    md5Key: checkedHex('md5', md5, 16, lineNumber),
    sha256Key: null,
  }
}

function parseJsonLine(text: string, lineNumber: number): UsersFileEntry {
  const object = parseObject(text, lineNumber)
  const { role = 'turn' } = object
  if (role !== 'turn' && role !== 'admin') {
    throw new UsersFileError(lineNumber, '"role" is neither "admin" nor "turn"')
  }
  const keys = role === 'admin' ? ADMIN_KEYS : TURN_KEYS
  for (const key of Object.keys(object)) {
    if (keys.has(key)) continue
    const isOfOthers = ADMIN_KEYS.has(key) || TURN_KEYS.has(key)
    const whose = role === 'admin' ? 'an admin user' : 'a TURN user'
    const problem = isOfOthers ? `has ${quoted(key)}, which ${whose} has not` : `has an unknown key ${quoted(key)}`
    throw new UsersFileError(lineNumber, problem)
  }
  const user = checkedText('user', object.user, lineNumber)
  const { disabled = false } = object
  if (typeof disabled !== 'boolean') throw new UsersFileError(lineNumber, '"disabled" is neither true nor false')
  if (role === 'turn') return turnEntry(object, user, disabled, lineNumber)
  const { scrypt } = object
  if (typeof scrypt === 'string' && isStoredPassword(scrypt)) return { role, user, realm: '', disabled, scrypt }
  throw new UsersFileError(
    lineNumber,
    '"scrypt" is not a hash as turnd user add --admin writes it: add the user again with a password',
  )
}

function turnEntry(
  object: Readonly<Record<string, unknown>>,
  user: string,
  disabled: boolean,
  lineNumber: number,
): TurnUserEntry {
  const realm = checkedText('realm', object.realm, lineNumber)
  const given = object.userhash
  // The userhash is computed anyway. A wrong one means that the name was changed by hand, and then the keys are wrong too.
  if (given !== undefined && String(given).toLowerCase() !== userhash(user, realm)) {
    throw new UsersFileError(
      lineNumber,
      '"userhash" is not that of "user" and "realm": add the user again with its password',
    )
  }
  return {
    ...{ role: 'turn', user, realm, disabled },
    md5Key: checkedHex('md5', object.md5, 16, lineNumber),
    sha256Key: object.sha256 === undefined ? null : checkedHex('sha256', object.sha256, 32, lineNumber),
  }
}

function parseObject(text: string, lineNumber: number): Record<string, unknown> {
  try {
    // The text starts with a brace, so what it parses to is an object.
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the line, keys included.
    throw new UsersFileError(lineNumber, 'is not a complete JSON object')
  }
}

function checkedText(key: string, value: unknown, lineNumber: number): string {
  if (typeof value !== 'string') throw new UsersFileError(lineNumber, `"${key}" is missing or not a string`)
  let prepared: string
  try {
    prepared = opaqueString(value)
  } catch (error) {
    throw new UsersFileError(lineNumber, `"${key}" ${error instanceof Error ? error.message : error}`)
  }
  // The keys cover the name as it was written: another form of it would never verify.
  if (prepared !== value)
    throw new UsersFileError(lineNumber, `"${key}" is not in the form of RFC 8265 (NFC, plain spaces)`)
  return value
}

function checkedHex(key: string, value: unknown, byteCount: number, lineNumber: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== byteCount * 2 || !/^[0-9a-fA-F]+$/.test(value)) {
    throw new UsersFileError(lineNumber, `"${key}" is not ${byteCount * 2} hex digits`)
  }
  return Buffer.from(value, 'hex')
}
